package report

import (
	"maps"
	"slices"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/policy"
)

// New begins the result of a command on a catalog.
func New(command string, cat *catalog.Catalog) *Result {
	return &Result{APIVersion: Version, Command: command, Fleet: cat.Fleet.Name, Kubernetes: cat.Baseline.Spec.Kubernetes}
}

// AddGate takes over what rendering, schema and policy found.
func (r *Result) AddGate(g *policy.Gated) {
	r.Revision, r.Kubernetes, r.Findings = g.Rendered.Revision, g.Version, g.Findings
	r.Rules, r.Scopes = g.Described, nil
	components := map[string]bool{}
	for _, b := range g.Rendered.Bundles {
		scope, own := Scope{Cluster: b.Cluster}, map[string]bool{}
		for _, o := range b.Objects {
			components[o.Component], own[o.Component] = true, true
		}
		scope.Components = slices.Sorted(maps.Keys(own))
		for _, n := range b.NotRendered {
			scope.NotRendered = append(scope.NotRendered, n.Component)
		}
		r.Scopes = append(r.Scopes, scope)
		r.Counts.NotRendered += len(b.NotRendered)
	}
	r.Counts.Clusters, r.Counts.Components = len(g.Rendered.Bundles), len(components)
	r.Counts.Objects, r.Counts.Rules = g.Objects, g.Rules
	r.Counts.Passed, r.Counts.Unknown, r.Counts.Waived = g.Passed, g.Unknown, g.Waived
}

// AddBundles lists every gated bundle as a cluster in the state, to be filled
// in by what happened to it.
func (r *Result) AddBundles(g *policy.Gated, cat *catalog.Catalog, s State) {
	for _, b := range g.Rendered.Bundles {
		r.Clusters = append(r.Clusters, Cluster{
			Name: b.Cluster, Role: string(cat.Cluster(b.Cluster).Spec.Role), State: s, Bundle: b.Digest, Objects: len(b.Objects),
		})
	}
}
