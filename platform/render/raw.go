package render

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"

	"dualtrack.internal/platform/finding"
)

// raw is an object as kustomize or a chart gave it, before Dualtrack's own
// steps.
type raw struct {
	object *unstructured.Unstructured
	source finding.Position
	exact  bool
	hooks  []string
	trace  *trace
}

// clone copies what later steps change.
func (r raw) clone() raw {
	r.object = r.object.DeepCopy()
	t := *r.trace
	r.trace = &t
	return r
}

// trace is what Locate knows of an object beyond its source position.
type trace struct {
	overlays []string // further files that took part in the rendering
	patches  []appliedPatch
	template string // file of the chart's template
	// of is the object that this is known of. The same one may have another trace
	// on another cluster, whose patches say the same in another place.
	of *unstructured.Unstructured
}

// fromJSON reads an object with the number types that unstructured objects use.
func fromJSON(data []byte) (*unstructured.Unstructured, error) {
	var content map[string]any
	if err := json.Unmarshal(data, &content); err != nil {
		return nil, err
	}
	return &unstructured.Unstructured{Object: content}, nil
}

// checkIdentity says what an object lacks to be applied.
func checkIdentity(r raw) *finding.Problem {
	p := &finding.Problem{Position: r.source}
	switch u := r.object; {
	case !isString(u.Object["apiVersion"]):
		p.Field, p.Mend = "apiVersion", "write the API version"
	case !isString(u.Object["kind"]):
		p.Field, p.Mend = "kind", "write the kind"
	case !isMap(u.Object["metadata"]):
		p.Field, p.Mend = "metadata", "write metadata with a name"
	case u.GetName() == "":
		p.Field, p.Mend = "metadata.name", "write a name: generated names can't be compared with a cluster"
	case !stringMap(u, "labels"):
		p.Field, p.Mend = "metadata.labels", "quote numbers and booleans"
	case !stringMap(u, "annotations"):
		p.Field, p.Mend = "metadata.annotations", "quote numbers and booleans"
	default:
		return nil
	}
	p.What = fmt.Sprintf("is missing or has a wrong type in a rendered %s", strings.TrimSpace(r.object.GetKind()+" object"))
	return p
}

func isString(v any) bool { s, ok := v.(string); return ok && s != "" }
func isMap(v any) bool    { _, ok := v.(map[string]any); return ok }

// stringMap says that metadata's map of strings holds strings only, or is not
// there.
func stringMap(u *unstructured.Unstructured, field string) bool {
	_, _, err := unstructured.NestedStringMap(u.Object, "metadata", field)
	return err == nil
}
