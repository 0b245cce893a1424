package change

import (
	"fmt"
	"slices"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// Side is one side of a change: a tree, and what it renders to.
type Side struct {
	Tree     *catalog.Catalog
	Rendered *render.Result
}

// Of compares two trees: what Between says of their bundles, and what follows of
// the clusters' own settings, of versions, and of what the nodes can hold.
func Of(before, after Side) []Cluster {
	clusters := Between(before.Rendered.Bundles, after.Rendered.Bundles)
	was, now := bundles(before.Rendered), bundles(after.Rendered)
	known := wants{}
	for i := range clusters {
		c := &clusters[i]
		from, to := before.Tree.Cluster(c.Name), after.Tree.Cluster(c.Name)
		if from == nil || to == nil || c.Joins || c.Leaves {
			continue
		}
		if o := versionsObject(before.Tree.Baseline, after.Tree.Baseline); o != nil {
			c.Objects = append(c.Objects, *o)
		}
		c.Objects = append(c.Objects, waits(before.Tree, after.Tree, to)...)
		o := settingsObject(from, to)
		if more := c.weighed(was[c.Name], now[c.Name], from, to, known, o != nil); len(more) > 0 {
			if o == nil {
				o = clusterEntry(to)
				o.Action, o.Position = Affected, o.place("/spec/nodes")
			}
			o.Consequences = append(o.Consequences, more...)
		}
		if o != nil {
			c.Objects = append(c.Objects, *o)
		}
	}
	return clusters
}

func bundles(r *render.Result) map[string]*render.Bundle {
	out := map[string]*render.Bundle{}
	for _, b := range r.Bundles {
		out[b.Cluster] = b
	}
	return out
}

// weighed compares what pods ask for. Of a side that did not render whole nothing
// is said.
func (c *Cluster) weighed(was, now *render.Bundle, from, to *catalog.Cluster, known wants, settings bool) []Consequence {
	if was == nil || now == nil || len(c.Unknown) > 0 || len(c.Objects) == 0 && !settings {
		return nil
	}
	before, after := loadOf(was.Objects, from, known), loadOf(now.Objects, to, known)
	for i := range c.Objects {
		o := &c.Objects[i]
		if o.after == nil {
			continue
		}
		if id := identityOf(*o.after); after.none[id] && !before.none[id] {
			o.Consequences = append(o.Consequences, Consequence{Effect: Scales, Level: finding.Warning, Pointer: "/spec/template/spec/nodeSelector",
				Why:   fmt.Sprintf("no node of %s takes its pods, by selector and taints", c.Name),
				Facts: map[string]any{"before": 1, "after": 0, "scaler": false, "dropped": false}})
		}
	}
	return weigh(before, after, from, to)
}

// unrendered are findings of components that one side did not render: nothing is
// said of what becomes of their objects, which is neither a deletion nor no change.
func unrendered(before, after Side) []finding.Finding {
	var out []finding.Finding
	note := func(side Side, which string) {
		for _, b := range side.Rendered.Bundles {
			for _, n := range b.NotRendered {
				f := finding.Finding{Rule: RuleNotRendered, Severity: finding.Warning, Class: finding.Unknown, Component: n.Component, Clusters: []string{b.Cluster},
					Message: fmt.Sprintf("%s does not render on the %s: what becomes of its objects is not known", n.Component, which),
					Mend:    "mend what the component's own finding says; until then none of its objects counts as deleted, nor as unchanged"}
				if c := side.Tree.Components[n.Component]; c != nil {
					f.Position = c.At("spec.source")
				}
				out = append(out, f)
			}
		}
	}
	note(before, "base")
	note(after, "head")
	return finding.Merge(slices.Clip(out))
}

// RuleNotRendered is the rule of findings about what is not known.
const RuleNotRendered = "change-not-rendered"
