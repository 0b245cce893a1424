package change

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"dualtrack.internal/platform/finding"
)

// Field is one place of an object that differs. A side that lacks it is nil.
type Field struct {
	// Path is for people: an item of a list is named by what tells it from the
	// others ("spec.template.spec.containers[collector].image"), and a document
	// inside a text is entered after a colon ("data[otel.yaml]:exporters.otlp").
	Path string `json:"path"`
	// Pointer is the place in the later object, or in the earlier one for what
	// is gone; RFC 6901. Inside a text it ends at the text.
	Pointer string `json:"pointer"`
	Before  any    `json:"before,omitempty"`
	After   any    `json:"after,omitempty"`
}

// hidden stands for a value that must not be shown.
const hidden = finding.Hidden

// Fields are the places in which two versions of an object differ, in the order
// of their paths. Values of a Secret, and what looks like one elsewhere, are told as
// changed, never shown.
func Fields(before, after map[string]any) []Field {
	d := &differ{secret: after["kind"] == "Secret"}
	d.maps("", "", before, after)
	slices.SortStableFunc(d.out, func(a, b Field) int { return cmp.Compare(a.Path, b.Path) })
	return d.out
}

type differ struct {
	secret bool
	out    []Field
}

func (d *differ) note(path, pointer string, before, after any) {
	if d.secret && (strings.HasPrefix(pointer+"/", "/data/") || strings.HasPrefix(pointer+"/", "/stringData/")) {
		before, after = masked(before), masked(after)
	}
	name := calledIn(path)
	before, after = finding.Hide(name, before), finding.Hide(name, after)
	d.out = append(d.out, Field{Path: path, Pointer: pointer, Before: before, After: after})
}

func masked(v any) any {
	if v == nil {
		return nil
	}
	return hidden
}

// calledIn is what the value at a path is called: its key, the list that it is an
// item of, or the variable whose value it is.
func calledIn(path string) string {
	var name string
	for rest := path; ; {
		inner := ""
		if strings.HasSuffix(rest, "]") {
			at := strings.LastIndex(rest, "[")
			inner, rest = rest[at+1:len(rest)-1], rest[:max(at, 0)]
			if _, err := strconv.Atoi(inner); err != nil {
				return inner
			}
			continue
		}
		at := strings.LastIndexAny(rest, ".:")
		name, rest = rest[at+1:], rest[:max(at, 0)]
		if name == "value" && strings.HasSuffix(rest, "]") {
			continue
		}
		return name
	}
}

// value compares two values that stand at one place.
func (d *differ) value(path, pointer string, before, after any) {
	if reflect.DeepEqual(before, after) {
		return
	}
	switch b := before.(type) {
	case map[string]any:
		if a, ok := after.(map[string]any); ok {
			d.maps(path, pointer, b, a)
			return
		}
	case []any:
		if a, ok := after.([]any); ok {
			d.lists(path, pointer, b, a)
			return
		}
	case string:
		if a, ok := after.(string); ok && d.documents(path, pointer, b, a) {
			return
		}
	}
	d.note(path, pointer, before, after)
}

func (d *differ) maps(path, pointer string, before, after map[string]any) {
	for _, key := range keysOf(before, after) {
		d.value(joined(path, key), pointer+"/"+escape(key), before[key], after[key])
	}
}

func keysOf(maps ...map[string]any) []string {
	var keys []string
	for _, m := range maps {
		for key := range m {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// joined puts a key behind a path; one with dots in it stands in brackets.
func joined(path, key string) string {
	switch {
	case strings.ContainsAny(key, "./[]: "):
		return path + "[" + key + "]"
	case path == "" || strings.HasSuffix(path, ":"):
		return path + key
	}
	return path + "." + key
}

func escape(token string) string {
	return strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1")
}

// lists matches the items by what tells them apart, so that a container that
// moved is no change; lists of plain values as sets of them; others by place.
func (d *differ) lists(path, pointer string, before, after []any) {
	if keys := identity(before, after); keys != nil {
		d.keyed(path, pointer, keys, before, after)
		return
	}
	if plain(before) && plain(after) {
		d.plain(path, pointer, before, after)
		return
	}
	for i := range max(len(before), len(after)) {
		at := "[" + strconv.Itoa(i) + "]"
		d.value(path+at, pointer+"/"+strconv.Itoa(i), item(before, i), item(after, i))
	}
}

func item(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return nil
}

// identities are what tells the items of the API's lists apart, the first that
// fits both sides counts.
func identities() [][]string {
	return [][]string{{"name"}, {"containerPort", "protocol"}, {"mountPath"}, {"devicePath"}, {"port", "protocol"}, {"port"},
		{"key"}, {"ip"}, {"alert"}, {"record"}, {"job_name"}, {"topologyKey", "whenUnsatisfiable"}, {"type"}, {"uid"}, {"path"}}
}

// identity is the keys that every item has and no two items share.
func identity(lists ...[]any) []string {
	for _, keys := range identities() {
		if !slices.ContainsFunc(lists, func(list []any) bool { return !tells(keys, list) }) {
			return keys
		}
	}
	return nil
}

func tells(keys []string, list []any) bool {
	seen := map[string]bool{}
	for _, v := range list {
		name, ok := named(keys, v)
		if !ok || seen[name] {
			return false
		}
		seen[name] = true
	}
	return true
}

// named is an item's name by its keys; only the first must be there.
func named(keys []string, v any) (string, bool) {
	m, ok := v.(map[string]any)
	if !ok || m[keys[0]] == nil {
		return "", false
	}
	var parts []string
	for _, key := range keys {
		switch value := m[key].(type) {
		case nil:
			if key == "protocol" { // which goes without saying
				parts = append(parts, "TCP")
			}
		case map[string]any, []any:
			return "", false
		default:
			parts = append(parts, fmt.Sprint(value))
		}
	}
	return strings.Join(parts, "/"), true
}

func (d *differ) keyed(path, pointer string, keys []string, before, after []any) {
	was := map[string]int{}
	for i, v := range before {
		name, _ := named(keys, v)
		was[name] = i
	}
	for i, v := range after {
		name, _ := named(keys, v)
		var old any
		if at, there := was[name]; there {
			old = before[at]
			delete(was, name)
		}
		d.value(path+"["+name+"]", pointer+"/"+strconv.Itoa(i), old, v)
	}
	for name, i := range was {
		d.value(path+"["+name+"]", pointer+"/"+strconv.Itoa(i), before[i], nil)
	}
}

func plain(list []any) bool {
	return !slices.ContainsFunc(list, func(v any) bool {
		switch v.(type) {
		case nil, string, bool, int, int64, uint64, float64:
			return false
		}
		return true // mappings with keys that are no strings too: they can't be told apart by value
	})
}

// plain tells what came and what went; where neither did, that the order
// changed, which to arguments of a program matters.
func (d *differ) plain(path, pointer string, before, after []any) {
	gone, came := less(before, after), less(after, before)
	switch {
	case len(gone)+len(came) == 0:
		d.note(path, pointer, before, after)
	case len(gone) == 1 && len(came) == 1:
		at, to := path+"["+strconv.Itoa(came[0])+"]", pointer+"/"+strconv.Itoa(came[0])
		if flagged(before, gone[0]) || flagged(after, came[0]) {
			d.note(at, to, hidden, hidden)
			return
		}
		d.value(at, to, before[gone[0]], after[came[0]])
	default:
		for _, i := range gone {
			d.note(path+"["+strconv.Itoa(i)+"]", pointer, unflagged(before, i), nil)
		}
		for _, i := range came {
			d.note(path+"["+strconv.Itoa(i)+"]", pointer+"/"+strconv.Itoa(i), nil, unflagged(after, i))
		}
	}
}

// flagged says that an argument is a secret, by the flag before it.
func flagged(list []any, i int) bool { return i > 0 && finding.Flag(list[i-1]) }

func unflagged(list []any, i int) any {
	if flagged(list, i) {
		return hidden
	}
	return list[i]
}

// less are the places of one list whose value the other has no more of.
func less(list, other []any) []int {
	left := map[any]int{}
	for _, v := range other {
		left[v]++
	}
	var out []int
	for i, v := range list {
		if left[v]--; left[v] < 0 {
			out = append(out, i)
		}
	}
	return out
}

// documents compares two texts as the YAML or JSON documents that they are;
// false when one of them is none, or both mean the same: then the text differs.
func (d *differ) documents(path, pointer, before, after string) bool {
	if d.secret || !strings.Contains(before, "\n") || !strings.Contains(after, "\n") {
		return false
	}
	b, ok := document(before)
	if !ok {
		return false
	}
	a, ok := document(after)
	if !ok || reflect.DeepEqual(a, b) {
		return false
	}
	inner := &differ{}
	inner.value(path+":", pointer, b, a)
	for _, f := range inner.out {
		f.Pointer = pointer
		d.out = append(d.out, f)
	}
	return true
}

// document reads a text that is one mapping or sequence; several documents, or
// a plain sentence, which is YAML too, are none.
func document(text string) (any, bool) {
	dec := yaml.NewDecoder(strings.NewReader(text))
	var out, more any
	if dec.Decode(&out) != nil || dec.Decode(&more) == nil {
		return nil, false
	}
	switch out.(type) {
	case map[string]any, []any:
		return out, true
	}
	return nil, false
}
