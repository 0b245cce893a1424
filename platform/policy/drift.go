package policy

import (
	"context"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// DriftInput is one object that differs between a cluster and its bundle.
type DriftInput struct {
	Cluster string // the cluster's name
	// Desired is the object as the bundle has it and Live as the cluster does.
	// One of them may be nil: the object is missing, or Git does not know it.
	Desired, Live *unstructured.Unstructured
	Fields        []DriftField
	Scaled        *Scale // the autoscaler whose target the object is; nil without
	Inventory     bool   // an object without Desired that was applied before
	Component     string
	// Locate gives the place of a field in the source; nil leaves positions out.
	Locate func(pointer string) finding.Position
}

// DriftField is one differing field and who wrote it last. An empty Manager is
// an unknown writer. The values are never part of a message.
type DriftField struct {
	Pointer     string // RFC 6901
	Want, Have  any
	Manager     string
	Operation   string // Apply or Update
	Subresource string
}

// Scale is an autoscaler and its bounds.
type Scale struct {
	Name     string // "HorizontalPodAutoscaler web"
	Min, Max int
}

// JudgeDrift judges every object that differs. The findings come in the order
// of the inputs, then by rule and pointer, each with its cluster. The fleet's
// severities hold; nil means none are set.
func (e *Engine) JudgeDrift(ctx context.Context, inputs []DriftInput, fleet *catalog.Fleet) ([]finding.Finding, error) {
	severities, params := map[string]string{}, map[string]any{}
	if fleet != nil {
		if set := fleet.Spec.Policy.Severity; set != nil {
			severities = set
		}
		if set := fleet.Spec.Policy.Params.Map; set != nil {
			params = set
		}
	}
	data, err := ast.InterfaceToValue(map[string]any{"context": map[string]any{
		"severity": severities, "params": params, "namespaces": map[string]any{},
	}})
	if err != nil {
		return nil, fmt.Errorf("judge drift: %w", err)
	}
	query, err := e.query(ctx, entryDrift, data.(ast.Object))
	if err != nil {
		return nil, err
	}
	found := make([][]finding.Finding, len(inputs))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(workers())
	for i, in := range inputs {
		group.Go(func() error {
			ref := in.ref()
			value, err := ast.InterfaceToValue(in.document(ref))
			if err != nil {
				return fmt.Errorf("judge drift of %s: %w", ref, err)
			}
			verdicts, err := evaluate(groupCtx, query, value)
			if err != nil {
				return fmt.Errorf("judge drift of %s: %w", ref, err)
			}
			for _, v := range verdicts {
				found[i] = append(found[i], in.finding(v, ref))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var all []finding.Finding
	for _, f := range found {
		all = append(all, f...)
	}
	return all, nil
}

func (in DriftInput) ref() finding.Object {
	o := in.Desired
	if o == nil {
		o = in.Live
	}
	if o == nil {
		return finding.Object{}
	}
	return render.Object{Unstructured: o}.Ref()
}

// document is the input of the drift rules. Values stay out of it, except
// numbers, which the bounds of an autoscaler are compared with.
func (in DriftInput) document(ref finding.Object) map[string]any {
	fields := make([]any, 0, len(in.Fields))
	for _, f := range in.Fields {
		field := map[string]any{"pointer": f.Pointer, "manager": f.Manager, "operation": f.Operation, "subresource": f.Subresource}
		switch f.Have.(type) {
		case int, int64, float64:
			field["have"] = f.Have
		default:
			field["have"] = nil
		}
		fields = append(fields, field)
	}
	drift := map[string]any{
		"fields": fields, "inventory": in.Inventory, "scaled": nil, "desired": nil, "live": nil,
	}
	if in.Scaled != nil {
		drift["scaled"] = map[string]any{"name": in.Scaled.Name, "min": in.Scaled.Min, "max": in.Scaled.Max}
	}
	if in.Desired != nil {
		drift["desired"] = outline(in.Desired)
	}
	if in.Live != nil {
		drift["live"] = outline(in.Live)
	}
	return map[string]any{
		"group": ref.Group(), "kind": ref.Kind, "namespace": ref.Namespace, "name": ref.Name, "drift": drift,
	}
}

// outline is the part of an object that the drift rules read.
func outline(o *unstructured.Unstructured) map[string]any {
	out := map[string]any{"metadata": map[string]any{}}
	if meta, ok := o.Object["metadata"].(map[string]any); ok {
		managers := []any{}
		for _, m := range o.GetManagedFields() {
			managers = append(managers, map[string]any{"manager": m.Manager})
		}
		out["metadata"] = map[string]any{"ownerReferences": meta["ownerReferences"], "managedFields": managers}
	}
	if kind, ok := o.Object["type"].(string); ok {
		out["type"] = kind
	}
	return out
}

func (in DriftInput) finding(v verdict, ref finding.Object) finding.Finding {
	f := v.finding(ref)
	f.Component, f.Clusters = in.Component, []string{in.Cluster}
	if in.Locate != nil {
		f.Position = in.Locate(v.Pointer)
	}
	return f
}
