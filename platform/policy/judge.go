package policy

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// objectDeadline bounds the judgement of one object. An object usually takes
// less than a millisecond; one that takes this long is denied.
const objectDeadline = 5 * time.Second

// verdict is a finding as the Rego rules give it.
type verdict struct {
	Rule      string           `json:"rule"`
	Severity  finding.Severity `json:"severity"`
	Result    string           `json:"result"`
	Pointer   string           `json:"pointer"`
	Container string           `json:"container"`
	Message   string           `json:"message"`
	Mend      string           `json:"mend"`
	Patch     json.RawMessage  `json:"patch,omitempty"`
	late      bool             // for want of time: another run may say something else
}

// unit is one object to judge: an object of the bundle, or an item of a list.
type unit struct {
	from   render.Object
	object map[string]any
	ref    finding.Object
	prefix string // pointer of the item into from
	listed bool
	at     int // index of from among the input's objects
}

// Judge judges one cluster's objects and the cluster's own settings. It
// reports every exception that has expired or names an unknown rule; those
// that were not used are for Review to tell, because another cluster may need
// them.
func (e *Engine) Judge(ctx context.Context, in Input) (*Result, error) {
	if len(in.Exceptions) > 0 && in.Now.IsZero() {
		return nil, errors.New("judge: exceptions need the current time")
	}
	if in.Evidence != nil && in.Now.IsZero() {
		return nil, errors.New("judge: evidence needs the current time")
	}
	all, err := e.judgeAlike(ctx, []Input{in})
	if err != nil {
		return nil, err
	}
	return e.collect(in, all[0]), nil
}

func judgeUnit(ctx context.Context, query rego.PreparedEvalQuery, u unit, options ...rego.EvalOption) ([]verdict, error) {
	input, err := ast.InterfaceToValue(map[string]any{
		"object": trimmed(u.object), "nested": nested(u.object), "collectors": collectors(u.object),
		"detections": detections(u.object), "listed": u.listed,
		"group": u.ref.Group(), "kind": u.ref.Kind, "namespace": u.ref.Namespace, "name": u.ref.Name,
	})
	if err != nil {
		return nil, err
	}
	return evaluate(ctx, query, input, options...)
}

// evaluate runs a prepared query within the deadline of one object.
func evaluate(ctx context.Context, query rego.PreparedEvalQuery, input ast.Value, options ...rego.EvalOption) ([]verdict, error) {
	bounded, cancel := context.WithTimeout(ctx, objectDeadline)
	defer cancel()
	set, err := query.Eval(bounded, append(options, rego.EvalParsedInput(input))...)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case bounded.Err() != nil:
		return []verdict{{
			Rule: "policy", Severity: finding.Error, Message: fmt.Sprintf("the rules did not finish within %s", objectDeadline),
			Mend: "make the object smaller", late: true,
		}}, nil
	default: // a rule failed on this object: it is not shown to be harmless
		return []verdict{{
			Rule: "policy", Severity: finding.Error, Message: "the rules cannot judge this: " + err.Error(),
			Mend: "write what the Kubernetes API expects; if it is right, the rule is wrong",
		}}, nil
	}
	var found []verdict
	if err := decode(set, &found); err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b verdict) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Pointer, b.Pointer), cmp.Compare(a.Message, b.Message))
	})
	return found, nil
}

// trimmed is the object without what the rules never read.
func trimmed(object map[string]any) map[string]any {
	out := maps.Clone(object)
	delete(out, "status")
	if meta, ok := out["metadata"].(map[string]any); ok && meta["managedFields"] != nil {
		meta = maps.Clone(meta)
		delete(meta, "managedFields")
		out["metadata"] = meta
	}
	return out
}

// units unrolls lists, and puts the cluster's own settings first.
func units(in Input) []unit {
	var out []unit
	if u, ok := settingsUnit(in); ok {
		out = append(out, u)
	}
	for i, o := range in.Objects {
		first := len(out)
		out = unroll(out, o, o.Object, "", false)
		for n := range out[first:] {
			out[first+n].at = i
		}
	}
	return out
}

// settingsUnit is the cluster's own settings, where they are known.
func settingsUnit(in Input) (unit, bool) {
	if in.Cluster == nil || in.NoSettings {
		return unit{}, false
	}
	o := clusterObject(in.Cluster)
	return unit{from: o, object: o.Object, ref: o.Ref()}, true
}

func unroll(out []unit, from render.Object, object map[string]any, prefix string, listed bool) []unit {
	items, ok := object["items"].([]any)
	kind, _ := object["kind"].(string)
	of, list := strings.CutSuffix(kind, "List")
	if !ok || !list {
		ref := render.Object{Unstructured: &unstructured.Unstructured{Object: object}}.Ref()
		return append(out, unit{from: from, object: object, ref: ref, prefix: prefix, listed: listed})
	}
	for i, item := range items {
		inner, ok := item.(map[string]any)
		if !ok {
			continue // the schema says so
		}
		if of != "" && inner["kind"] == nil { // a PodList's items need not say that they are Pods
			inner = maps.Clone(inner)
			inner["kind"], inner["apiVersion"] = of, object["apiVersion"]
		}
		out = unroll(out, from, inner, prefix+"/items/"+strconv.Itoa(i), true)
	}
	return out
}

func (v verdict) finding(ref finding.Object) finding.Finding {
	return finding.Finding{
		Rule: v.Rule, Severity: v.Severity, Message: v.Message, Object: ref, Pointer: v.Pointer, Mend: v.Mend,
		Class: classOf(v.Result), Patch: prefixed(v.Patch, ""),
	}
}
