// Package change says what differs between two renderings of one fleet, and what
// follows of it: objects added, changed, moved, renamed and removed for each
// cluster, versions that moved, and consequences with their reasons. Rules of
// package policy judge them. It never renders anything and never looks at a
// cluster.
package change

import (
	"cmp"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// Action is what becomes of an object.
type Action string

// The actions.
const (
	Added   Action = "added"
	Changed Action = "changed"
	Removed Action = "removed"
	// Moved is an object that another component brings from now on.
	Moved Action = "moved"
	// Renamed is one that goes and one with nearly the same content that comes:
	// to the API server a deletion and a creation.
	Renamed Action = "renamed"
	// Affected is what keeps its own words, but not what follows of them.
	Affected Action = "affected"
)

// Object is one object that differs. A cluster's own settings are one too: kind
// Cluster of the catalog's API, without a component.
type Object struct {
	Object    finding.Object
	Component string
	Action    Action
	// From is where it comes from: the component of what moved, the name of what
	// was renamed.
	From   string
	Fields []Field // of one that is there on both sides
	// Consequences are what follows of it.
	Consequences []Consequence
	// Position is where it stands in the later source, in the earlier one for
	// what is removed.
	Position finding.Position

	before, after *render.Object
	// place finds a field of what is no object of a bundle.
	place func(pointer string) finding.Position
}

// Cluster is what differs for one cluster.
type Cluster struct {
	Name    string
	Objects []Object // in apply order of the later side, then removed ones, then the cluster's own settings
	// Unknown are the components that one side did not render: of their objects
	// nothing is said.
	Unknown []string
	// Joins and Leaves say that only the later, or only the earlier side has the
	// cluster. Of one that leaves no object is called removed: nobody removes them.
	Joins, Leaves bool
}

// Between compares the bundles of each cluster of the later side with those of
// the earlier one; clusters that leave come last.
func Between(before, after []*render.Bundle) []Cluster {
	earlier := map[string]*render.Bundle{}
	for _, b := range before {
		earlier[b.Cluster] = b
	}
	var all []*comparison
	eq, compared := equality{}, map[held]*comparison{}
	for _, b := range after {
		from, stays := earlier[b.Cluster]
		if !stays {
			from = &render.Bundle{Cluster: b.Cluster}
		}
		c := compare(from, b, eq, compared)
		c.Joins = !stays
		all = append(all, c)
		delete(earlier, b.Cluster)
	}
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, c := range all {
		if c.sides != nil && len(c.Objects) > 0 && !c.Joins { // on a cluster that joins, nothing was before
			group.Go(func() error {
				c.sides.follow(&c.Cluster)
				return nil
			})
		}
	}
	_ = group.Wait() // none fails
	var out []Cluster
	for _, c := range all {
		if c.like != nil {
			c.Objects = own(c.like.Objects)
		}
		out = append(out, c.Cluster)
	}
	for _, b := range before {
		if _, leaves := earlier[b.Cluster]; leaves {
			out = append(out, Cluster{Name: b.Cluster, Leaves: true})
		}
	}
	return out
}

// held are the lists of objects of both sides. Clusters with the same renderings
// share them, and nothing else of a bundle bears on what differs.
type held struct{ before, after *render.Object }

// comparison is a cluster on the way: what differs is known, what follows is not.
type comparison struct {
	Cluster
	sides *sides      // nil where nothing differs
	like  *comparison // of a cluster with the same objects on both sides
}

func compare(before, after *render.Bundle, eq equality, compared map[held]*comparison) *comparison {
	c := &comparison{Cluster: Cluster{Name: after.Cluster}}
	for _, n := range slices.Concat(before.NotRendered, after.NotRendered) {
		c.Unknown = append(c.Unknown, n.Component)
	}
	slices.Sort(c.Unknown)
	c.Unknown = slices.Compact(c.Unknown)
	if before.Digest != "" && before.Digest == after.Digest && len(c.Unknown) == 0 {
		return c
	}
	if len(before.Objects) > 0 && len(after.Objects) > 0 && len(c.Unknown) == 0 {
		both := held{&before.Objects[0], &after.Objects[0]}
		if c.like = compared[both]; c.like != nil {
			return c
		}
		compared[both] = c
	}
	c.sides = newSides(before, after, c.Unknown, eq)
	c.Objects = c.sides.differences()
	return c
}

// own is a list of a cluster's own: what follows for that cluster alone is added to it.
func own(list []Object) []Object {
	list = slices.Clone(list)
	for i, o := range list {
		list[i].Consequences = slices.Clip(o.Consequences)
	}
	return list
}

// Version is a version that moved. Before is empty for what is new, After for
// what is gone.
type Version struct {
	Part   string `json:"part"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Versions compares what two catalogs stand on: Kubernetes, the baseline's
// versions and images, and the components, by name.
func Versions(before, after *catalog.Catalog) []Version {
	from, to := versions(before), versions(after)
	var out []Version
	for part, version := range to {
		if from[part] != version {
			out = append(out, Version{part, from[part], version})
		}
	}
	for part, version := range from {
		if _, stays := to[part]; !stays {
			out = append(out, Version{part, version, ""})
		}
	}
	slices.SortFunc(out, func(a, b Version) int { return cmp.Compare(a.Part, b.Part) })
	return out
}

func versions(cat *catalog.Catalog) map[string]string {
	out := map[string]string{"kubernetes": cat.Baseline.Spec.Kubernetes}
	for name, v := range cat.Baseline.Spec.Versions {
		out[name] = v.Declared
	}
	for name, image := range cat.Baseline.Spec.Images {
		out["image "+name] = image.Ref()
	}
	for name, c := range cat.Components {
		version := cmp.Or(c.Spec.Version, cat.Baseline.Spec.Versions[name].Declared, "without a version")
		out["component "+name] = version
	}
	return out
}
