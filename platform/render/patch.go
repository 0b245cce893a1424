package render

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/kubernetes/scheme"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// appliedPatch is a patch that changed an object.
type appliedPatch struct {
	catalog.Patch
	index int // among the job's patches
}

// applyPatches changes the objects in place, in the patches' order, and leaves
// out what a patch deletes. A patch that finds no object is a mistake.
func applyPatches(objects []raw, patches []catalog.Patch) ([]raw, error) {
	var problems finding.Problems
	for n, p := range patches {
		matched := 0
		for i := range objects {
			if !matches(p.Target, objects[i].object) {
				continue
			}
			matched++
			if problem := applyPatch(&objects[i], appliedPatch{p, n}); problem != nil {
				problems = append(problems, problem)
			}
		}
		if matched == 0 {
			problems = append(problems, &finding.Problem{Position: p.Position, Field: "target",
				What: "the patch matches no object: " + targetString(p.Target),
				Mend: nearestTarget(p.Target, objects)})
		}
		objects = slices.DeleteFunc(objects, func(r raw) bool { return len(r.object.Object) == 0 })
	}
	return objects, problems.Err()
}

func matches(t catalog.Target, u *unstructured.Unstructured) bool {
	gvk := u.GroupVersionKind()
	return (t.Group == "" || t.Group == gvk.Group) && t.Kind == gvk.Kind &&
		(t.Name == "" || t.Name == u.GetName()) && (t.Namespace == "" || t.Namespace == u.GetNamespace())
}

func targetString(t catalog.Target) string {
	o := finding.Object{Kind: t.Kind, Namespace: t.Namespace, Name: t.Name}
	if t.Group != "" {
		o.Kind += "." + t.Group
	}
	return strings.TrimSpace(o.String())
}

// nearestTarget lists what the target's kind could have meant.
func nearestTarget(t catalog.Target, objects []raw) string {
	var names []string
	for _, r := range objects {
		if r.object.GetKind() == t.Kind {
			names = append(names, r.object.GetName())
		}
	}
	if len(names) == 0 {
		return "the component has no " + t.Kind
	}
	slices.Sort(names)
	return "the component's " + t.Kind + " objects are " + strings.Join(slices.Compact(names), ", ")
}

func applyPatch(r *raw, p appliedPatch) *finding.Problem {
	before := identity(r.object)
	if problem := change(r, p.Patch); problem != nil {
		return problem
	}
	if len(r.object.Object) > 0 && identity(r.object) != before {
		return &finding.Problem{Position: p.Position, What: "the patch changes what the object is: " + before.String(),
			Mend: "leave apiVersion, kind, name and namespace as they are"}
	}
	r.trace.patches = append(r.trace.patches, p)
	return nil
}

func identity(u *unstructured.Unstructured) finding.Object {
	return finding.Object{APIVersion: u.GetAPIVersion(), Kind: u.GetKind(), Namespace: u.GetNamespace(), Name: u.GetName()}
}

func change(r *raw, p catalog.Patch) *finding.Problem {
	if p.Merge.Map != nil {
		content, err := mergeObject(r.object, p.Merge.Map)
		if err != nil {
			return patchProblem(p.Position, "merge", r, err)
		}
		r.object.Object = content
		return nil
	}
	for i, op := range p.JSON6902 {
		content, err := operate(r.object, op.Map)
		if err != nil {
			where := op.Position
			if where.File == "" {
				where = p.Position
			}
			return patchProblem(where, fmt.Sprintf("json6902[%d]", i), r, err)
		}
		r.object.Object = content
	}
	return nil
}

func patchProblem(where finding.Position, field string, r *raw, err error) *finding.Problem {
	return &finding.Problem{Position: where, Field: field,
		What: fmt.Sprintf("does not fit %s: %v", identity(r.object), err), Mend: "mend the patch"}
}

// mergeObject applies a strategic merge patch. Kinds that Kubernetes' own types
// don't know take a JSON merge patch (RFC 7386).
func mergeObject(u *unstructured.Unstructured, patch map[string]any) (map[string]any, error) {
	data, err := json.Marshal(patch)
	if err != nil {
		return nil, err
	}
	normal, err := fromJSON(data)
	if err != nil {
		return nil, err
	}
	typed, err := scheme.Scheme.New(u.GroupVersionKind())
	if err != nil {
		return mergeJSON(u.Object, normal.Object), nil
	}
	return strategicpatch.StrategicMergeMapPatch(u.Object, normal.Object, typed)
}

func mergeJSON(target, patch map[string]any) map[string]any {
	out := make(map[string]any, len(target))
	for k, v := range target {
		out[k] = v
	}
	for k, v := range patch {
		above, isMap := v.(map[string]any)
		switch below, _ := out[k].(map[string]any); {
		case v == nil:
			delete(out, k)
		case isMap:
			out[k] = mergeJSON(below, above)
		default:
			out[k] = v
		}
	}
	return out
}

// operate applies one RFC 6902 operation.
func operate(u *unstructured.Unstructured, op map[string]any) (map[string]any, error) {
	operation, err := json.Marshal([]any{op})
	if err != nil {
		return nil, err
	}
	decoded, err := jsonpatch.DecodePatch(operation)
	if err != nil {
		return nil, err
	}
	object, err := json.Marshal(u.Object)
	if err != nil {
		return nil, err
	}
	changed, err := decoded.Apply(object)
	if err != nil {
		return nil, err
	}
	after, err := fromJSON(changed)
	if err != nil {
		return nil, err
	}
	return after.Object, nil
}
