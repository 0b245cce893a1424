package policy

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/schema"
)

// GatedChange is a change from one tree to another that was judged.
type GatedChange struct {
	Base, Head *Gated
	// Findings are those of both sides, merged over clusters and sorted. Each that
	// is not waived or unknown is new, fixed or pre-existing on its clusters.
	Findings []finding.Finding
	// Lifted are the findings among them that deny by the base's rules, fleet.yaml
	// and exceptions, and by those of the head would not.
	Lifted []finding.Finding
}

// Judges are the rules of the two sides of a change: one engine where they are the
// same.
type Judges struct{ Base, Head *Engine }

// GateChange gates two trees. The later one is judged by the rules, the fleet.yaml
// and the exceptions of the earlier one, so that a change can't switch off its own
// judge: what it proposes takes effect once it is part of a base. Where the later
// one's own words are stricter, they count too.
func GateChange(ctx context.Context, judges Judges, base, head *catalog.Catalog, o GateOptions) (*GatedChange, error) {
	if o.Shared == nil {
		o.Shared = render.NewShared(nil)
	}
	// One after the other: most of the later one's renderings and verdicts are the
	// earlier one's.
	c := &GatedChange{}
	var err error
	if c.Base, err = gateKnown(ctx, judges.Base, base, o); err != nil {
		return nil, err
	}
	o.like = c.Base.Rendered
	if c.Head, err = gateKnown(ctx, judges.Head, head, o); err != nil {
		return nil, err
	}
	after := c.Head.Findings
	if judges.Base != judges.Head || !sameJudge(base, head) {
		judged, err := byBase(ctx, judges.Base, c.Head, base, head, o)
		if err != nil {
			return nil, err
		}
		after, c.Lifted = c.proposed(judged, head, judges)
	}
	c.Findings = classed(c.Base.Findings, after)
	return c, nil
}

// gateKnown gates the chosen clusters that a tree has: it may be that only the
// other side has one.
func gateKnown(ctx context.Context, engine *Engine, tree *catalog.Catalog, o GateOptions) (*Gated, error) {
	if len(o.Clusters) > 0 {
		o.Clusters = slices.DeleteFunc(slices.Clone(o.Clusters), func(name string) bool { return tree.Cluster(name) == nil })
		if len(o.Clusters) == 0 {
			return &Gated{Rendered: &render.Result{}}, nil
		}
	}
	return Gate(ctx, engine, tree, o)
}

// sameJudge says that both trees hold the same exceptions and the same word on
// policy. Where an exception stands in its file does not count.
func sameJudge(base, head *catalog.Catalog) bool {
	return reflect.DeepEqual(unplaced(base.Exceptions), unplaced(head.Exceptions)) && reflect.DeepEqual(settings(base), settings(head))
}

// settings are the fleet's words on policy, wherever they stand in their file.
func settings(c *catalog.Catalog) catalog.FleetPolicy {
	p := c.Fleet.Spec.Policy
	p.Params = catalog.Values{Map: p.Params.Map}
	return p
}

func unplaced(list []catalog.Exception) []catalog.Exception {
	out := make([]catalog.Exception, len(list))
	for i, ex := range list {
		ex.Position = finding.Position{}
		out[i] = ex
	}
	return out
}

// byBase judges what the head rendered once more, by the base's words.
func byBase(ctx context.Context, engine *Engine, rendered *Gated, base, head *catalog.Catalog, o GateOptions) ([]finding.Finding, error) {
	opened := sync.OnceValues(func() (*schema.Validator, error) { return schema.Open(rendered.Version) })
	mixed := *head
	mixed.Exceptions = base.Exceptions
	fleet := *head.Fleet
	fleet.Spec.Policy = base.Fleet.Spec.Policy
	mixed.Fleet = &fleet
	g := &Gated{Rendered: rendered.Rendered, Version: rendered.Version}
	if err := g.judge(ctx, engine, &mixed, opened, o); err != nil {
		return nil, err
	}
	return g.Findings, nil
}

// proposed joins the two judgements of the head: what the base's words say
// counts; only of exceptions themselves, the head's are meant. Lifted are those
// that the head's words would have let through.
func (c *GatedChange) proposed(judged []finding.Finding, head *catalog.Catalog, judges Judges) (all, lifted []finding.Finding) {
	own := map[string]finding.Finding{}
	for _, f := range spread(c.Head.Findings) {
		if f.Rule == exceptionRule {
			all = append(all, f)
			continue
		}
		own[key(f)] = f
	}
	for _, f := range spread(judged) {
		if f.Rule == exceptionRule {
			continue
		}
		mine, stands := own[key(f)]
		delete(own, key(f))
		if f.Denies() && (!stands || !mine.Denies()) {
			f = letThrough(f, mine, head, judges)
			lifted = append(lifted, f)
		}
		all = append(all, f)
	}
	for _, k := range slices.Sorted(maps.Keys(own)) { // the head's words are stricter here
		all = append(all, own[k])
	}
	return all, finding.Merge(lifted)
}

// letThrough says of a finding what of the head would let it through: mine is what
// the head's words make of it.
func letThrough(f, mine finding.Finding, head *catalog.Catalog, judges Judges) finding.Finding {
	f.Mend = strings.TrimSuffix("this change would let it through by "+by(f, mine, head, judges)+", which takes effect once it is on the base; "+f.Mend, "; ")
	return f
}

// by names what of the head lets a finding of the base's judge through. mine is what
// the head's own says of the same; the zero value is nothing.
func by(f, mine finding.Finding, head *catalog.Catalog, judges Judges) string {
	set := head.Fleet.Spec.Policy.Severity[f.Rule]
	switch {
	case mine.Class == finding.Waived:
		for _, ex := range head.Exceptions {
			if ex.Rule == f.Rule && ex.Selector.Kind == f.Object.Kind && (ex.Selector.Name == "" || globbed(ex.Selector.Name, f.Object.Name)) {
				return fmt.Sprintf("the exception at %s", ex.Position)
			}
		}
		return "an exception"
	case set != "" && set != string(finding.Error), judges.Base == judges.Head:
		return head.Fleet.At("spec.policy.severity." + f.Rule).String()
	}
	return "the rules in " + folder + "/" + changed(judges, f.Rule)
}

// changed names the file of a rule if that is what the two libraries differ in.
func changed(judges Judges, rule string) string {
	name := strings.ToLower(strings.ReplaceAll(rule, "-", "_")) + ".rego"
	for file, text := range judges.Base.files {
		if strings.HasSuffix(file, "/"+name) && judges.Head.files[file] != text {
			return file
		}
	}
	return ""
}

// spread gives each cluster's findings apart.
func spread(merged []finding.Finding) []finding.Finding {
	var out []finding.Finding
	for _, f := range merged {
		if len(f.Clusters) == 0 {
			out = append(out, f)
			continue
		}
		for _, name := range f.Clusters {
			out = append(out, f.On(name))
		}
	}
	return out
}

// key tells a cluster's finding again in the other tree. The component is no part
// of it: an object that moved between components is the same object.
func key(f finding.Finding) string { return anywhere(f) + "\x00" + strings.Join(f.Clusters, ",") }

// anywhere tells a finding again whatever clusters show it.
func anywhere(f finding.Finding) string {
	return strings.Join([]string{f.Rule, f.Object.Group(), f.Object.Kind, f.Object.Namespace, f.Object.Name, f.Pointer, f.Message}, "\x00")
}
