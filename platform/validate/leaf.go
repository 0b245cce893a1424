package validate

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Fault is how a field is broken.
type Fault string

// The faults.
const (
	Misspelt   Fault = "misspelt"    // its key has a letter more
	WrongType  Fault = "wrong type"  // a map stands where a value did
	WrongValue Fault = "wrong value" // a number or truth value became a word
)

// leaf is a field that holds a value.
type leaf struct {
	file  string // "" in an object
	keys  []any  // string or int, from the top
	value any
	place int // of what it stands in, among its like
}

// String gives "file: a.b[0].c".
func (l leaf) String() string {
	var b strings.Builder
	for _, k := range l.keys {
		switch k := k.(type) {
		case int:
			b.WriteString("[" + strconv.Itoa(k) + "]")
		case string:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(k)
		}
	}
	switch {
	case l.file == "":
		return b.String()
	case b.Len() == 0:
		return l.file
	}
	return l.file + ": " + b.String()
}

// free are maps whose keys and values anybody may choose.
func free() []string {
	return []string{"labels", "annotations", "matchLabels", "selector", "nodeSelector", "data", "binaryData", "stringData"}
}

// leaves are the fields of a document below maps, in the order of their paths.
func leaves(document any) []leaf {
	var out []leaf
	var walk func(node any, keys []any)
	walk = func(node any, keys []any) {
		switch v := node.(type) {
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(v)) {
				if !slices.Contains(free(), k) {
					walk(v[k], append(slices.Clone(keys), k))
				}
			}
		case []any:
			for i, item := range v {
				walk(item, append(slices.Clone(keys), i))
			}
		default:
			if len(keys) > 0 {
				if _, named := keys[len(keys)-1].(string); named {
					out = append(out, leaf{keys: keys, value: node})
				}
			}
		}
	}
	walk(document, nil)
	return out
}

// fileLeaves are the fields of a configuration's YAML and JSON files. A file that is one
// value, as of a folder of settings, is a field itself.
func fileLeaves(s Subject) []leaf {
	var out []leaf
	for _, name := range slices.Sorted(maps.Keys(s.Files)) {
		var document any
		if err := yaml.Unmarshal([]byte(s.Files[name]), &document); err != nil {
			continue // a script, a certificate
		}
		switch document.(type) {
		case map[string]any:
			for _, l := range leaves(document) {
				l.file = name
				out = append(out, l)
			}
		case int, bool, float64, string:
			if path.Ext(name) == "" {
				out = append(out, leaf{file: name, value: document})
			}
		}
	}
	return out
}

// breakFile gives a copy of the configuration with the field broken.
func (l leaf) breakFile(s Subject, random *rand.Rand) (Subject, Fault, error) {
	s.Files = maps.Clone(s.Files)
	if len(l.keys) == 0 {
		if random.IntN(2) == 0 {
			s.Files[l.file+"x"] = s.Files[l.file]
			delete(s.Files, l.file)
			return s, Misspelt, nil
		}
		s.Files[l.file] = "nonsense"
		return s, WrongValue, nil
	}
	var document map[string]any
	if err := yaml.Unmarshal([]byte(s.Files[l.file]), &document); err != nil {
		return s, "", fmt.Errorf("%s: %w", l.file, err)
	}
	fault := l.breakIn(document, random)
	text, err := written(l.file, document)
	s.Files[l.file] = text
	return s, fault, err
}

// rewritten gives a copy of the configuration whose file was read and written
// with nothing broken.
func (l leaf) rewritten(s Subject) (Subject, error) {
	if len(l.keys) == 0 {
		return s, nil
	}
	var document map[string]any
	if err := yaml.Unmarshal([]byte(s.Files[l.file]), &document); err != nil {
		return s, fmt.Errorf("%s: %w", l.file, err)
	}
	text, err := written(l.file, document)
	s.Files = maps.Clone(s.Files)
	s.Files[l.file] = text
	return s, err
}

// written is a document as its file's name says.
func written(file string, document map[string]any) (string, error) {
	marshal := yaml.Marshal
	if path.Ext(file) == ".json" {
		marshal = json.Marshal
	}
	text, err := marshal(document)
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return string(text), nil
}

// breakIn breaks the field in a document that may be changed.
func (l leaf) breakIn(document map[string]any, random *rand.Rand) Fault {
	var parent any = document
	for _, k := range l.keys[:len(l.keys)-1] {
		switch k := k.(type) {
		case int:
			parent = parent.([]any)[k] //nolint:forcetypeassert // the path was read from this document
		case string:
			parent = parent.(map[string]any)[k] //nolint:forcetypeassert // the same
		}
	}
	last, fields := l.keys[len(l.keys)-1].(string), parent.(map[string]any) //nolint:forcetypeassert // the same
	faults := []Fault{Misspelt, WrongType}
	switch l.value.(type) {
	case int, int64, float64, bool:
		faults = append(faults, WrongValue)
	}
	fault := faults[random.IntN(len(faults))]
	switch fault {
	case Misspelt:
		fields[last+"x"] = fields[last]
		delete(fields, last)
	case WrongType:
		fields[last] = map[string]any{"broken": true}
	case WrongValue:
		fields[last] = "nonsense"
	}
	return fault
}
