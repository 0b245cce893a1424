// Package inside reads parts of objects that come from people's files, where any place
// may hold any type: it looks without believing. It never changes an object.
package inside

// At is what stands at a path of keys, nil where nothing does.
func At(v any, path ...string) any {
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

// Map is the mapping at a path, nil for anything else.
func Map(v any, path ...string) map[string]any {
	m, _ := At(v, path...).(map[string]any)
	return m
}

// List is the list at a path, nil for anything else.
func List(v any, path ...string) []any {
	l, _ := At(v, path...).([]any)
	return l
}

// Text is the string at a path, "" for anything else.
func Text(v any, path ...string) string {
	s, _ := At(v, path...).(string)
	return s
}

// Number reads what may be an integer.
func Number(v any) (int, bool) {
	switch n := v.(type) {
	case int:
		return n, true
	case int64:
		return int(n), true
	case float64:
		return int(n), n == float64(int(n))
	}
	return 0, false
}
