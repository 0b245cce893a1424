package track

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	"dualtrack.internal/platform/apply"
)

// LastWriter says who wrote the field at an RFC 6901 pointer into the live
// object last, as its managedFields tell: of the entries that own the field, or
// something in it, the newest; one of ours counts only when nobody else owns it.
// The zero Writer means unknown: the field is not there (managedFields forget
// who deletes), or no entry owns it.
func LastWriter(live *unstructured.Unstructured, pointer string) Writer {
	if live == nil {
		return Writer{}
	}
	segments, err := splitPointer(pointer)
	if err != nil {
		return Writer{}
	}
	if !holds(live.Object, segments) {
		return Writer{}
	}
	return newest(live, func(set *fieldpath.Set) bool { return owns(set, live.Object, segments) })
}

// Creator is the newest writer of anything in the object's main resource.
func Creator(live *unstructured.Unstructured) Writer {
	if live == nil {
		return Writer{}
	}
	return newest(live, func(*fieldpath.Set) bool { return true })
}

func newest(live *unstructured.Unstructured, owns func(*fieldpath.Set) bool) Writer {
	var found []metav1.ManagedFieldsEntry
	for _, entry := range live.GetManagedFields() {
		if entry.Subresource == "status" || entry.FieldsV1 == nil {
			continue
		}
		set := &fieldpath.Set{}
		if set.FromJSON(entry.FieldsV1.GetRawReader()) == nil && owns(set) {
			found = append(found, entry)
		}
	}
	if len(found) == 0 {
		return Writer{}
	}
	e := slices.MaxFunc(found, func(a, b metav1.ManagedFieldsEntry) int {
		others := func(e metav1.ManagedFieldsEntry) int {
			if e.Manager == apply.FieldManager {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(others(a), others(b)), timeOf(a).Compare(timeOf(b).Time), cmp.Compare(a.Manager, b.Manager))
	})
	return Writer{Manager: e.Manager, Operation: string(e.Operation), Subresource: e.Subresource, Time: timeOf(e).UTC()}
}

func timeOf(e metav1.ManagedFieldsEntry) metav1.Time {
	if e.Time == nil {
		return metav1.Time{}
	}
	return *e.Time
}

// owns says that the set holds the path, something below it, or a whole that it
// is part of.
func owns(set *fieldpath.Set, at any, segments []string) bool {
	if len(segments) == 0 {
		return !set.Empty()
	}
	for _, element := range elements(at, segments[0]) {
		child, has := set.Children.Get(element)
		member := set.Members.Has(element)
		switch {
		case has && owns(child, step(at, segments[0]), segments[1:]):
			return true
		case member && len(segments) == 1:
			return true
		case member && !has: // an atomic whole
			return true
		}
	}
	return false
}

// elements are the forms in which managedFields may name one step into a value:
// a field by name; a list item by index, by value, or by any of the keys that
// its kind of list may have.
func elements(at any, segment string) []fieldpath.PathElement {
	list, ok := at.([]any)
	if !ok {
		return []fieldpath.PathElement{fieldpath.FieldNameElement(segment)}
	}
	i, err := strconv.Atoi(segment)
	if err != nil || i < 0 || i >= len(list) {
		return nil
	}
	out := []fieldpath.PathElement{fieldpath.IndexElement(i)}
	item, ok := list[i].(map[string]any)
	if !ok {
		if list[i] != nil {
			out = append(out, fieldpath.ValueElement(value.NewValueInterface(list[i])))
		}
		return out
	}
	for _, keys := range listKeys() {
		if e, ok := keyElement(item, keys); ok {
			out = append(out, e)
		}
	}
	return out
}

// listKeys are the key fields of the lists that Kubernetes merges by key.
func listKeys() [][]string {
	return [][]string{
		{"name"}, {"containerPort", "protocol"}, {"port", "protocol"}, {"mountPath"}, {"devicePath"}, {"ip"}, {"key"}, {"type"},
		{"uid"}, {"topologyKey", "whenUnsatisfiable"}, {"id"}, {"group", "kind"}, {"namespace", "name"}, {"port"}, {"containerPort"},
	}
}

func keyElement(item map[string]any, keys []string) (fieldpath.PathElement, bool) {
	fields := make([]value.Field, 0, len(keys))
	for _, k := range keys {
		switch v := item[k].(type) {
		case string, int64, float64, bool:
			fields = append(fields, value.Field{Name: k, Value: value.NewValueInterface(v)})
		default:
			return fieldpath.PathElement{}, false
		}
	}
	slices.SortFunc(fields, func(a, b value.Field) int { return cmp.Compare(a.Name, b.Name) })
	return fieldpath.KeyElement(fields...), true
}

// step goes one segment down; nil when there is nothing.
func step(at any, segment string) any {
	switch v := at.(type) {
	case map[string]any:
		return v[segment]
	case []any:
		if i, err := strconv.Atoi(segment); err == nil && i >= 0 && i < len(v) {
			return v[i]
		}
	}
	return nil
}

// holds says that something stands there.
func holds(at any, segments []string) bool {
	for _, s := range segments {
		if at = step(at, s); at == nil {
			return false
		}
	}
	return true
}

// splitPointer parses an RFC 6901 pointer; "" is the whole.
func splitPointer(pointer string) ([]string, error) {
	if pointer == "" {
		return nil, nil
	}
	if !strings.HasPrefix(pointer, "/") {
		return nil, fmt.Errorf("pointer %q: it must begin with /", pointer)
	}
	segments := strings.Split(pointer[1:], "/")
	for i, s := range segments {
		segments[i] = strings.ReplaceAll(strings.ReplaceAll(s, "~1", "/"), "~0", "~")
	}
	return segments, nil
}

func escape(segment string) string {
	return strings.ReplaceAll(strings.ReplaceAll(segment, "~", "~0"), "/", "~1")
}
