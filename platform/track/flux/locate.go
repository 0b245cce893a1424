package flux

import (
	"strconv"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"
)

// locate turns a managedFields path into a JSON pointer into the object, with
// the value there; false when the object has nothing there.
func locate(object map[string]any, path fieldpath.Path) (string, any, bool) {
	var at any = object
	var pointer strings.Builder
	for _, e := range path {
		segment, next, ok := follow(at, e)
		if !ok {
			return "", nil, false
		}
		pointer.WriteString("/" + strings.ReplaceAll(strings.ReplaceAll(segment, "~", "~0"), "/", "~1"))
		at = next
	}
	return pointer.String(), at, at != nil
}

func follow(at any, e fieldpath.PathElement) (string, any, bool) {
	if e.FieldName != nil {
		m, _ := at.(map[string]any)
		v, ok := m[*e.FieldName]
		return *e.FieldName, v, ok
	}
	list, _ := at.([]any)
	for i, item := range list {
		if matches(i, item, e) {
			return strconv.Itoa(i), item, true
		}
	}
	return "", nil, false
}

func matches(i int, item any, e fieldpath.PathElement) bool {
	switch {
	case e.Index != nil:
		return *e.Index == i
	case e.Value != nil:
		return item != nil && value.Equals(*e.Value, value.NewValueInterface(item))
	case e.Key != nil:
		m, _ := item.(map[string]any)
		for _, f := range *e.Key {
			if m[f.Name] == nil || !value.Equals(f.Value, value.NewValueInterface(m[f.Name])) {
				return false
			}
		}
		return m != nil
	}
	return false
}
