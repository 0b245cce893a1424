package track

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/finding"
)

// fieldsMost bounds the differing fields that are told of one object.
const fieldsMost = 100

// Masked stands for a Secret's value wherever one would be shown.
const Masked = "(masked)"

// Compare lists the fields that differ between what is wanted and what is there,
// by pointers into what is there, in order. A list of named items is compared
// item by item; one that gained or lost items is one field, or the items that
// came and went.
//
// Absent, null and empty are the same here, as they are to the API server;
// CompareExactly tells them apart.
func Compare(want, have any) []Field { return compareWith(equal, want, have) }

// CompareExactly is Compare for two sides whose every difference counts.
func CompareExactly(want, have any) []Field { return compareWith(reflect.DeepEqual, want, have) }

type differ struct {
	equal func(a, b any) bool
	out   []Field
}

func compareWith(equal func(a, b any) bool, want, have any) []Field {
	d := &differ{equal: equal}
	d.value("", want, have)
	out := d.out
	if len(out) > fieldsMost {
		out = out[:fieldsMost]
	}
	return out
}

func (d *differ) value(at string, want, have any) {
	if d.equal(want, have) {
		return
	}
	wantMap, w := want.(map[string]any)
	haveMap, h := have.(map[string]any)
	if w && h {
		keys := slices.Collect(maps.Keys(wantMap))
		for k := range haveMap {
			if _, both := wantMap[k]; !both {
				keys = append(keys, k)
			}
		}
		slices.Sort(keys)
		for _, k := range keys {
			d.value(at+"/"+escape(k), wantMap[k], haveMap[k])
		}
		return
	}
	wantList, w := want.([]any)
	haveList, h := have.([]any)
	if w && h && d.lists(at, wantList, haveList) {
		return
	}
	d.out = append(d.out, Field{Pointer: at, Want: want, Have: have})
}

// equal is semantic: absent, null and empty are the same, as they are to the
// API server.
func equal(a, b any) bool {
	return apiequality.Semantic.DeepEqual(a, b) || empty(a) && empty(b)
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

// lists goes item by item when that says more than the whole; false
// when it does not.
func (d *differ) lists(at string, want, have []any) bool {
	wantNames, w := names(want)
	haveNames, h := names(have)
	if w && h {
		for i, name := range haveNames {
			pointer := at + "/" + strconv.Itoa(i)
			if j := slices.Index(wantNames, name); j >= 0 {
				d.value(pointer, want[j], have[i])
			} else {
				d.out = append(d.out, Field{Pointer: pointer, Have: have[i]})
			}
		}
		for j, name := range wantNames {
			if !slices.Contains(haveNames, name) {
				d.out = append(d.out, Field{Pointer: at + "/" + strconv.Itoa(j), Want: want[j]})
			}
		}
		return true
	}
	if len(want) != len(have) {
		return false
	}
	for i := range want {
		d.value(at+"/"+strconv.Itoa(i), want[i], have[i])
	}
	return true
}

// names are the items' names, when every item has one of its own.
func names(list []any) ([]string, bool) {
	var out []string
	for _, item := range list {
		m, ok := item.(map[string]any)
		name, named := m["name"].(string)
		if !ok || !named || slices.Contains(out, name) {
			return nil, false
		}
		out = append(out, name)
	}
	return out, len(out) > 0
}

// Explain finishes an object's differing fields: each gets its last writer, and
// what must not be shown is hidden: a Secret's values, and what looks like one.
func Explain(fields []Field, live *unstructured.Unstructured) []Field {
	out := make([]Field, len(fields))
	for i, f := range fields {
		f.Writer = LastWriter(live, f.Pointer)
		if f.Have == nil {
			f.Writer = Writer{} // the index may be another item's
		}
		if secret(live) && secretField(f.Pointer) {
			f.Want, f.Have = mask(f.Want), mask(f.Have)
		} else if live != nil {
			f.Want, f.Have = finding.HideAt(live.Object, f.Pointer, f.Want), finding.HideAt(live.Object, f.Pointer, f.Have)
		}
		out[i] = f
	}
	return out
}

func secret(u *unstructured.Unstructured) bool {
	return u != nil && u.GetAPIVersion() == "v1" && u.GetKind() == "Secret"
}

func secretField(pointer string) bool {
	for _, p := range []string{"/data", "/stringData", "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"} {
		if pointer == p || strings.HasPrefix(pointer, p+"/") {
			return true
		}
	}
	return pointer == "" || pointer == "/metadata/annotations" || pointer == "/metadata"
}

// mask hides values and keeps the keys.
func mask(v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case map[string]any:
		out := map[string]any{}
		for k := range v {
			out[k] = Masked
		}
		return out
	}
	return Masked
}

// MaskSecret is the object with its Secret values hidden; other kinds are
// returned as they are.
func MaskSecret(u *unstructured.Unstructured) *unstructured.Unstructured {
	if !secret(u) {
		return u
	}
	u = u.DeepCopy()
	for _, key := range []string{"data", "stringData"} {
		if m, ok := u.Object[key].(map[string]any); ok {
			u.Object[key] = mask(m)
		}
	}
	annotations := u.GetAnnotations()
	if _, ok := annotations["kubectl.kubernetes.io/last-applied-configuration"]; ok {
		annotations["kubectl.kubernetes.io/last-applied-configuration"] = Masked
		u.SetAnnotations(annotations)
	}
	return u
}

// WithoutReplicas is a copy of the object that says nothing of its replicas.
func WithoutReplicas(u *unstructured.Unstructured) *unstructured.Unstructured {
	u = u.DeepCopy()
	unstructured.RemoveNestedField(u.Object, "spec", "replicas")
	return u
}
