package track

import (
	"dualtrack.internal/platform/apply"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// Input is all that a judge is told: what the cluster must hold, what was
// applied before, what its provider can't offer, and what was seen of it.
type Input struct {
	Cluster string
	Objects []render.Object // the bundle's; withheld ones are passed over
	// Withheld were not applied and are not judged.
	Withheld []finding.Object
	// Inventory is what was applied before. What is in it and not among Objects
	// is Extra while it lives; leave out what is kept on purpose and the objects
	// of components that did not render.
	Inventory []finding.Object
	Lacks     []cluster.Ability
	// Known are objects whose verdict the caller has already: they are not judged
	// again.
	Known map[finding.Object]bool
	// Live is what stands on the cluster. Both judges of one round are given the
	// same, so that they differ by judgement and never by moment.
	Live *Live
}

// Judged lists the objects to judge, in bundle order: neither withheld nor known.
func (in Input) Judged() []render.Object {
	withheld := map[finding.Object]bool{}
	for _, o := range in.Withheld {
		withheld[o] = true
	}
	var out []render.Object
	for _, o := range in.Objects {
		if ref := o.Ref(); !withheld[ref] && !in.Known[ref] {
			out = append(out, o)
		}
	}
	return out
}

// Extra lists what is in the inventory and no longer among the objects. The API
// version does not count: the object is the same in another.
func (in Input) Extra() []finding.Object {
	wanted := map[finding.Object]bool{}
	for _, o := range in.Objects {
		wanted[identity(o.Ref())] = true
	}
	var out []finding.Object
	for _, o := range in.Inventory {
		if !wanted[identity(o)] {
			out = append(out, o)
		}
	}
	return out
}

// Refs lists what a judgement needs to see: give it to Client.Observe.
func (in Input) Refs() []finding.Object {
	var out []finding.Object
	for _, o := range in.Judged() {
		out = append(out, o.Ref())
	}
	return append(out, in.Extra()...)
}

// identity is an object's name without its version.
func identity(o finding.Object) finding.Object {
	o.APIVersion = o.Group()
	return o
}

// ScaledBy finds the autoscaler of the bundle that sets the object's replicas.
func (in Input) ScaledBy(o finding.Object) (apply.Scaled, bool) {
	for _, s := range apply.ScaledBy(in.Objects) {
		if s.Covers(o) {
			return s, true
		}
	}
	return apply.Scaled{}, false
}
