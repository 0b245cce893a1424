package policy

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"golang.org/x/sync/errgroup"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// ChangeInput is one object that differs on some clusters, with what follows of it.
// The host computes that; rules judge it.
type ChangeInput struct {
	Object    finding.Object
	Component string
	Action    string // added, changed, moved, renamed, removed, affected
	From      string // the component of what moved, the name of what was renamed
	Clusters  []string
	Effects   []ChangeEffect
	// Locate gives the place of a field in the source: the head's, for what is
	// removed the base's.
	Locate func(pointer string) finding.Position
}

// ChangeEffect is one thing that follows of a change.
type ChangeEffect struct {
	Effect  string
	Level   finding.Severity
	Why     string
	Pointer string
	Facts   map[string]any
}

// FleetInput is what a change does to the fleet as a whole.
type FleetInput struct {
	Fleet *catalog.Fleet // the head's, which findings point into
	// Changed are the clusters whose bundle or settings differ, with their wave's
	// index, -1 for those in none.
	Changed []ChangedCluster
	// Freezes are the times without changes, by the judging fleet.yaml.
	Freezes []ChangeFreeze
	// Exceptions are those that the change adds or extends.
	Exceptions []ProposedException
	// Spreads are images of one repository that clusters run in versions apart.
	Spreads []Spread
	// Components are those of each cluster on the head.
	Components map[string][]string
	// Bundles are the digests of the head's bundles, by cluster; one that did not
	// render as a whole has none.
	Bundles map[string]string
	// Evidence is what was seen of the clusters beforehand; nil is nothing.
	Evidence *catalog.Evidence
	// Select names the head's clusters that a selector matches; nil selects none.
	Select func(selector string) ([]string, error)
}

// ChangedCluster is a cluster that a change reaches.
type ChangedCluster struct {
	Name         string
	Wave         int
	ControlPlane []ChangeEffect // effects on etcd, API servers, kubelets or the network's agents
}

// ChangeFreeze is a time without changes.
type ChangeFreeze struct {
	Name, Reason string
	From, To     time.Time
	Position     finding.Position
}

// ProposedException is an exception that only the head has, or that it extends.
type ProposedException struct {
	Exception catalog.Exception
	Extends   bool
	// Own says that its owner is the author of the change, and the judging
	// fleet.yaml wants another.
	Own bool
}

// Spread is how far apart the versions of one image are on the clusters.
type Spread struct {
	Repository  string
	Minors      int
	Least, Most string // tags
	On, Behind  string // clusters that run them
}

// JudgeChange judges what follows of a change, object by object, and what it does to
// the fleet, by the severities, parameters and exceptions of the base. Findings are
// new by nature; those that an exception covers are waived. Lifted are those that
// deny, and by the words of the head would not.
func (j Judges) JudgeChange(ctx context.Context, inputs []ChangeInput, fleet *FleetInput, base, head *catalog.Catalog, now time.Time) (found, lifted []finding.Finding, err error) {
	if found, err = j.Base.judgeChange(ctx, inputs, fleet, base, now); err != nil || j.Base == j.Head && sameJudge(base, head) {
		return finding.Merge(found), nil, err
	}
	own, err := j.Head.judgeChange(ctx, inputs, fleet, head, now)
	if err != nil {
		return nil, nil, err
	}
	by := map[string]finding.Finding{}
	for _, f := range own {
		by[key(f)] = f
	}
	for i, f := range found {
		if mine, stands := by[key(f)]; f.Denies() && (!stands || !mine.Denies()) {
			found[i] = letThrough(f, mine, head, j)
			lifted = append(lifted, found[i])
		}
	}
	return finding.Merge(found), finding.Merge(lifted), nil
}

// judgeChange judges by the words of one tree. Each finding is of one cluster.
func (e *Engine) judgeChange(ctx context.Context, inputs []ChangeInput, fleet *FleetInput, by *catalog.Catalog, now time.Time) ([]finding.Finding, error) {
	var documents []map[string]any
	var made []func(verdict) finding.Finding
	for _, in := range inputs {
		if len(in.Effects) > 0 || in.Action == "removed" {
			documents, made = append(documents, in.document()), append(made, in.finding)
		}
	}
	if fleet != nil && len(fleet.Changed)+len(fleet.Exceptions) > 0 {
		document, err := fleet.document(by, now)
		if err != nil {
			return nil, fmt.Errorf("judge the change: %w", err)
		}
		documents, made = append(documents, document), append(made, fleet.finding)
	}
	if len(documents) == 0 {
		return nil, nil // what changes nothing needs no rules
	}
	severities, params := map[string]string{}, map[string]any{}
	if by.Fleet != nil {
		if set := by.Fleet.Spec.Policy.Severity; set != nil {
			severities = set
		}
		if set := by.Fleet.Spec.Policy.Params.Map; set != nil {
			params = set
		}
	}
	found, err := e.changeVerdicts(ctx, map[string]any{
		"severity": severities, "params": params, "namespaces": map[string]any{}, "now": fleet.since(now),
	}, documents)
	if err != nil {
		return nil, fmt.Errorf("judge the change: %w", err)
	}
	all := make([][]finding.Finding, len(found))
	for i, verdicts := range found {
		for _, v := range verdicts {
			all[i] = append(all[i], made[i](v))
		}
	}
	return e.waived(all, by.Exceptions, now), nil
}

// changeVerdicts asks the rules about each document. The answer depends on nothing
// but the arguments and the rules.
func (e *Engine) changeVerdicts(ctx context.Context, facts map[string]any, documents []map[string]any) ([][]verdict, error) {
	asked, err := sum([]any{facts, documents})
	if err != nil {
		return nil, err
	}
	key := "change " + e.sum + " " + asked
	found := make([][]verdict, len(documents))
	if data, ok := e.store.Get(key); ok && json.Unmarshal(data, &found) == nil && len(found) == len(documents) {
		return found, nil
	}
	data, err := ast.InterfaceToValue(map[string]any{"context": facts})
	if err != nil {
		return nil, err
	}
	query, err := e.queryFor(ctx, entryChange, data.(ast.Object), []string{anyChange})
	if err != nil {
		return nil, err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(workers())
	for i, document := range documents {
		group.Go(func() error {
			value, err := ast.InterfaceToValue(document)
			if err == nil {
				found[i], err = evaluate(groupCtx, query, value)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	e.remember(key, found)
	return found, nil
}

// since is the time as rules see it: the last begin or end of a freeze. Nothing
// between two of them makes a difference, and so the same change has the same
// verdicts from one second to the next.
func (in *FleetInput) since(now time.Time) int64 {
	var last int64
	if in != nil {
		for _, f := range in.Freezes {
			for _, t := range []time.Time{f.From, f.To} {
				if !t.After(now) {
					last = max(last, t.Unix())
				}
			}
		}
	}
	return last
}

// waived lets the exceptions that hold waive findings, cluster by cluster.
func (e *Engine) waived(found [][]finding.Finding, exceptions []catalog.Exception, now time.Time) []finding.Finding {
	waivers := map[string]*waiver{}
	var out []finding.Finding
	for _, list := range found {
		for _, f := range spread(list) {
			name := strings.Join(f.Clusters, ",")
			w := waivers[name]
			if w == nil {
				w = &waiver{engine: e, cluster: name, list: exceptions, now: now, uses: map[int]int{}, over: map[int]int{}}
				waivers[name] = w
			}
			f = w.apply(f, "")
			if f.Class == "" {
				f.Class = finding.New
			}
			out = append(out, f)
		}
	}
	return out
}

func (in ChangeInput) document() map[string]any {
	return map[string]any{
		"group": in.Object.Group(), "kind": in.Object.Kind, "namespace": in.Object.Namespace, "name": in.Object.Name,
		"change": map[string]any{
			"action": in.Action, "component": in.Component, "from": in.From, "effects": effects(in.Effects),
		},
	}
}

func effects(list []ChangeEffect) []any {
	out := make([]any, 0, len(list))
	for _, q := range list {
		facts := q.Facts
		if facts == nil {
			facts = map[string]any{}
		}
		out = append(out, map[string]any{"effect": q.Effect, "level": string(q.Level), "why": q.Why, "pointer": q.Pointer, "facts": facts})
	}
	return out
}

func (in ChangeInput) finding(v verdict) finding.Finding {
	f := v.finding(in.Object)
	f.Component, f.Clusters = in.Component, in.Clusters
	if in.Locate != nil {
		f.Position = in.Locate(v.Pointer)
	}
	return f
}

func (in *FleetInput) ref() finding.Object {
	ref := finding.Object{APIVersion: catalog.APIVersion, Kind: "Fleet"}
	if in.Fleet != nil {
		ref.Name = in.Fleet.Name
	}
	return ref
}

// document is the fleet as rules see it: by says which clusters weigh more.
func (in *FleetInput) document(by *catalog.Catalog, now time.Time) (map[string]any, error) {
	ref := in.ref()
	production, err := in.production(by)
	if err != nil {
		return nil, err
	}
	changed, freezes, exceptions, spreads := []any{}, []any{}, []any{}, []any{}
	for _, c := range in.Changed {
		changed = append(changed, map[string]any{"name": c.Name, "wave": c.Wave, "production": slices.Contains(production, c.Name), "controlPlane": effects(c.ControlPlane)})
	}
	for _, f := range in.Freezes {
		freezes = append(freezes, map[string]any{"name": f.Name, "reason": f.Reason, "from": f.From.Unix(), "to": f.To.Unix(), "until": f.To.UTC().Format(time.RFC3339)})
	}
	for _, x := range in.Exceptions {
		exceptions = append(exceptions, map[string]any{"rule": x.Exception.Rule, "selected": selected(x.Exception.Selector), "owner": x.Exception.Owner,
			"expires": x.Exception.Expires, "extends": x.Extends, "own": x.Own})
	}
	for _, s := range in.Spreads {
		spreads = append(spreads, map[string]any{"repository": s.Repository, "minors": s.Minors, "least": s.Least, "most": s.Most, "on": s.On, "behind": s.Behind})
	}
	waves := []any{}
	if in.Fleet != nil {
		for _, w := range in.Fleet.Spec.Waves {
			soak := soakOf(w, by.Fleet)
			waves = append(waves, map[string]any{"name": w.Name, "soak": soak.String(), "seconds": int64(soak / time.Second), "clusters": w.Clusters})
		}
	}
	components, bundles := in.Components, in.Bundles
	if components == nil {
		components = map[string][]string{}
	}
	if bundles == nil {
		bundles = map[string]string{}
	}
	return map[string]any{
		"group": ref.Group(), "kind": ref.Kind, "namespace": "", "name": ref.Name,
		"fleet": map[string]any{
			"waves": waves, "changed": changed, "freezes": freezes, "exceptions": exceptions, "spreads": spreads, "components": components,
			"bundles": bundles, "health": healthy(in.Evidence, now),
		},
	}, nil
}

// soakOf is how long a wave must hold: no change makes its own shorter.
func soakOf(w catalog.Wave, judge *catalog.Fleet) time.Duration {
	soak := w.Soak.D()
	if judge != nil {
		for _, mine := range judge.Spec.Waves {
			if mine.Name == w.Name {
				soak = max(soak, mine.Soak.D())
			}
		}
	}
	return soak
}

// production are the clusters whose findings weigh more.
func (in *FleetInput) production(by *catalog.Catalog) ([]string, error) {
	if in.Select == nil || by.Fleet == nil || by.Fleet.Spec.Policy.Production == "" {
		return nil, nil
	}
	return in.Select(by.Fleet.Spec.Policy.Production)
}

// finding gives a finding about the fleet its place: in fleet.yaml, or that of the
// exception or freeze which it points to.
func (in *FleetInput) finding(v verdict) finding.Finding {
	f := v.finding(in.ref())
	var index int
	switch {
	case strings.HasPrefix(v.Pointer, "/spec/exceptions/"):
		if _, err := fmt.Sscanf(v.Pointer, "/spec/exceptions/%d", &index); err == nil && index < len(in.Exceptions) {
			f.Position, f.Pointer = in.Exceptions[index].Exception.Position, ""
		}
	case strings.HasPrefix(v.Pointer, "/spec/freezes/"):
		if _, err := fmt.Sscanf(v.Pointer, "/spec/freezes/%d", &index); err == nil && index < len(in.Freezes) {
			f.Position = in.Freezes[index].Position
			for _, c := range in.Changed { // so that an exception may be for one of them
				f.Clusters = append(f.Clusters, c.Name)
			}
		}
	case in.Fleet != nil:
		f.Position = in.Fleet.At(fieldOf(v.Pointer))
	}
	return f
}
