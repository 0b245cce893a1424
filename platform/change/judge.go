package change

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/change/inside"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/policy"
	"dualtrack.internal/platform/render"
)

// Judging is what rules need beside the two sides.
type Judging struct {
	Now    time.Time
	Author string // of the change: "Name <mail>"; "" for not known
	// Evidence is what was seen of the clusters beforehand; nil is nothing.
	Evidence *catalog.Evidence
}

// Judged is a change with what rules say of it.
type Judged struct {
	Clusters []Cluster
	Findings []finding.Finding // merged over clusters, sorted
	// Lifted are the findings among them that deny, and by the later side's own
	// fleet.yaml and exceptions would not.
	Lifted []finding.Finding
}

// Judge compares two sides and lets the rules judge it, by the fleet.yaml and the
// exceptions of the earlier one.
func Judge(ctx context.Context, judges policy.Judges, before, after Side, o Judging) (*Judged, error) {
	clusters := Of(before, after)
	var inputs []policy.ChangeInput
	for _, g := range gather(clusters) {
		inputs = append(inputs, policy.ChangeInput{
			Object: g.Object.Object, Component: g.Component, Action: string(g.Action), From: g.From, Clusters: g.clusters,
			Effects: effects(g.Consequences), Locate: locator(before, after, g.Object),
		})
	}
	fleet := &policy.FleetInput{Fleet: after.Tree.Fleet, Changed: reached(clusters, after.Tree.Fleet), Freezes: freezes(before.Tree.Fleet),
		Exceptions: proposed(before.Tree, after.Tree, o.Author), Spreads: newSpreads(before.Rendered, after.Rendered), Components: map[string][]string{},
		Bundles: digests(after.Rendered), Evidence: o.Evidence, Select: after.Tree.Select}
	for _, c := range after.Tree.Clusters {
		for _, entry := range c.Spec.Components {
			fleet.Components[c.Name] = append(fleet.Components[c.Name], entry.Name)
		}
	}
	found, lifted, err := judges.JudgeChange(ctx, inputs, fleet, before.Tree, after.Tree, o.Now)
	if err != nil {
		return nil, err
	}
	return &Judged{Clusters: clusters, Findings: finding.Merge(append(found, unrendered(before, after)...)), Lifted: lifted}, nil
}

// digests are those of bundles that rendered as a whole.
func digests(r *render.Result) map[string]string {
	out := map[string]string{}
	for _, b := range r.Bundles {
		if len(b.NotRendered) == 0 {
			out[b.Cluster] = b.Digest
		}
	}
	return out
}

func effects(list []Consequence) []policy.ChangeEffect {
	var out []policy.ChangeEffect
	for _, q := range list {
		out = append(out, policy.ChangeEffect{Effect: string(q.Effect), Level: q.Level, Why: q.Why, Pointer: q.Pointer, Facts: q.Facts})
	}
	return out
}

// locator finds a field where it is written: in the later source, for what is
// removed in the earlier one.
func locator(before, after Side, o Object) func(string) finding.Position {
	return func(pointer string) finding.Position {
		switch {
		case o.place != nil:
			return o.place(pointer)
		case o.after != nil:
			return after.Rendered.Locate(*o.after, pointer)
		case o.before != nil:
			return before.Rendered.Locate(*o.before, pointer)
		}
		return o.Position
	}
}

// reached are the clusters that differ.
func reached(clusters []Cluster, fleet *catalog.Fleet) []policy.ChangedCluster {
	var out []policy.ChangedCluster
	for _, c := range clusters {
		if len(c.Objects) == 0 || c.Leaves {
			continue
		}
		changed := policy.ChangedCluster{Name: c.Name, Wave: -1}
		if fleet != nil && !c.Joins { // one that joins takes what the others have
			changed.Wave = slices.IndexFunc(fleet.Spec.Waves, func(w catalog.Wave) bool { return slices.Contains(w.Clusters, c.Name) })
		}
		for _, o := range c.Objects {
			for _, q := range effects(o.Consequences) {
				if q.Effect == string(ControlPlane) {
					changed.ControlPlane = append(changed.ControlPlane, q)
				}
			}
		}
		out = append(out, changed)
	}
	return out
}

func freezes(f *catalog.Fleet) []policy.ChangeFreeze {
	if f == nil {
		return nil
	}
	var out []policy.ChangeFreeze
	for i, freeze := range f.Spec.Freezes {
		from, err := time.Parse(time.RFC3339, freeze.From)
		to, err2 := time.Parse(time.RFC3339, freeze.To)
		if err != nil || err2 != nil {
			continue // the catalog says so
		}
		out = append(out, policy.ChangeFreeze{Name: freeze.Name, Reason: freeze.Reason, From: from, To: to, Position: placed(f.At)(pointer("spec", "freezes", i))})
	}
	return out
}

// proposed are the exceptions that the later tree adds, or lets hold for longer or
// for more.
func proposed(before, after *catalog.Catalog, author string) []policy.ProposedException {
	key := func(ex catalog.Exception) catalog.Exception {
		return catalog.Exception{Rule: ex.Rule, Selector: ex.Selector, Container: ex.Container, Pointer: ex.Pointer}
	}
	was := map[catalog.Exception]catalog.Exception{}
	for _, ex := range before.Exceptions {
		was[key(ex)] = ex
	}
	var out []policy.ProposedException
	for _, ex := range after.Exceptions {
		old, there := was[key(ex)]
		if there && ex.Expires <= old.Expires && (ex.MaxCount == old.MaxCount || ex.MaxCount != 0 && ex.MaxCount < old.MaxCount) {
			continue
		}
		p := policy.ProposedException{Exception: ex, Extends: there}
		p.Own = before.Fleet != nil && before.Fleet.Spec.Policy.OtherOwner && wrote(author, ex.Owner)
		out = append(out, p)
	}
	return out
}

// wrote says that an owner is the author of a commit: by name, by mail address or
// by what stands before its @.
func wrote(author, owner string) bool {
	name, mail, _ := strings.Cut(strings.TrimSuffix(author, ">"), "<")
	local, _, _ := strings.Cut(mail, "@")
	owner = strings.TrimPrefix(strings.TrimSpace(owner), "@")
	for _, is := range []string{name, mail, local} {
		if is = strings.TrimSpace(is); is != "" && strings.EqualFold(is, owner) {
			return true
		}
	}
	return false
}

// newSpreads are the images whose versions are further apart than they were.
func newSpreads(before, after *render.Result) []policy.Spread {
	was := map[string]int{}
	for _, s := range spreads(before) {
		was[s.Repository] = s.Minors
	}
	return slices.DeleteFunc(spreads(after), func(s policy.Spread) bool { return s.Minors <= was[s.Repository] })
}

func spreads(r *render.Result) []policy.Spread {
	type seen struct {
		least, most *semver.Version
		behind, on  string
	}
	found, known := map[string]*seen{}, map[*unstructured.Unstructured][]image{}
	var order []string
	for _, b := range r.Bundles {
		for i := range b.Objects {
			o := &b.Objects[i]
			images, counted := known[o.Unstructured]
			if !counted {
				images = imagesOf(o)
				known[o.Unstructured] = images
			}
			for _, image := range images {
				v, err := semver.NewVersion(image.tag)
				if err != nil {
					continue
				}
				s := found[image.repository]
				if s == nil {
					found[image.repository] = &seen{v, v, b.Cluster, b.Cluster}
					order = append(order, image.repository)
					continue
				}
				if v.LessThan(s.least) {
					s.least, s.behind = v, b.Cluster
				}
				if v.GreaterThan(s.most) {
					s.most, s.on = v, b.Cluster
				}
			}
		}
	}
	var out []policy.Spread
	for _, repository := range order {
		s := found[repository]
		if _, minors := between(s.least.Original(), s.most.Original()); minors != 0 {
			if minors < 0 { // another major is further than any minor
				minors = 1000
			}
			out = append(out, policy.Spread{Repository: repository, Minors: minors, Least: s.least.Original(), Most: s.most.Original(), On: s.on, Behind: s.behind})
		}
	}
	return out
}

// imagesOf are the images of an object's containers.
func imagesOf(o *render.Object) []image {
	var out []image
	template := templateOf(o)
	for _, containers := range []string{"containers", "initContainers"} {
		for _, c := range inside.List(template, "spec", containers) {
			if ref := inside.Text(c, "image"); ref != "" {
				out = append(out, parseImage(ref))
			}
		}
	}
	return out
}
