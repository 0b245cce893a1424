package fleet

import (
	"dualtrack.internal/platform/apply"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/policy"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/track"
)

// DriftInputs hands what drifted to the drift rules, with the places of the
// bundle's fields.
func DriftInputs(outcomes []Outcome, rendered *render.Result) []policy.DriftInput {
	bundles := map[string]*render.Bundle{}
	for _, b := range rendered.Bundles {
		bundles[b.Cluster] = b
	}
	var inputs []policy.DriftInput
	for _, o := range outcomes {
		for _, d := range o.Drift {
			inputs = append(inputs, driftInput(bundles[o.Cluster], d, rendered))
		}
	}
	return inputs
}

func driftInput(b *render.Bundle, d track.Drifted, rendered *render.Result) policy.DriftInput {
	in := policy.DriftInput{
		Cluster: b.Cluster, Desired: d.Desired, Live: d.Live, Component: d.Component,
		Inventory: d.Class == track.DriftExtra,
	}
	for _, f := range d.Fields {
		in.Fields = append(in.Fields, policy.DriftField{
			Pointer: f.Pointer, Want: f.Want, Have: f.Have,
			Manager: f.Writer.Manager, Operation: f.Writer.Operation, Subresource: f.Writer.Subresource,
		})
	}
	for _, s := range apply.ScaledBy(b.Objects) {
		if s.Covers(d.Object) {
			in.Scaled = &policy.Scale{Name: s.By.String(), Min: int(s.Min), Max: int(s.Max)}
		}
	}
	for _, o := range b.Objects {
		if o.Ref() == d.Object {
			in.Locate = func(pointer string) finding.Position { return rendered.Locate(o, pointer) }
		}
	}
	return in
}
