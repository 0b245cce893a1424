package render

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/finding"
)

// maxDepth bounds the nesting of a document that is walked.
const maxDepth = 200

var yamlErrorLine = regexp.MustCompile(`line (\d+)(?:, column (\d+))?: `)

// doc is one YAML document of a source file, as its author wrote it.
type doc struct {
	line                        int // of the first key
	apiVersion, kind, namespace string
	name                        string
	root                        *yaml.Node // a mapping
}

// scanDocs reads the mappings of a YAML stream. It stops at the first document
// that is no YAML and returns what stood before it with the problem.
func scanDocs(file string, data []byte) ([]doc, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var docs []doc
	for {
		var node yaml.Node
		err := decodeNode(dec, &node)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return docs, yamlProblem(file, err)
		}
		if len(node.Content) != 1 || node.Content[0].Kind != yaml.MappingNode {
			continue
		}
		docs = append(docs, flatten(newDoc(node.Content[0]), 0)...)
	}
}

// flatten gives the items of a list instead of the list.
func flatten(d doc, depth int) []doc {
	items := resolved(mappingValue(d.root, "items"))
	if !strings.HasSuffix(d.kind, "List") || items == nil || items.Kind != yaml.SequenceNode || depth > 3 {
		return []doc{d}
	}
	var docs []doc
	for _, item := range items.Content {
		if item = resolved(item); item != nil && item.Kind == yaml.MappingNode {
			docs = append(docs, flatten(newDoc(item), depth+1)...)
		}
	}
	return docs
}

// decodeNode reads the next document. The YAML library panics on some broken
// input; that is an error here.
func decodeNode(dec *yaml.Decoder, node *yaml.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	return dec.Decode(node)
}

func newDoc(root *yaml.Node) doc {
	meta := mappingValue(root, "metadata")
	return doc{
		line:       root.Line,
		apiVersion: scalar(mappingValue(root, "apiVersion")),
		kind:       scalar(mappingValue(root, "kind")),
		namespace:  scalar(mappingValue(meta, "namespace")),
		name:       scalar(mappingValue(meta, "name")),
		root:       root,
	}
}

// mappingValue finds a key's value in a mapping, nil otherwise.
func mappingValue(node *yaml.Node, key string) *yaml.Node {
	_, value := mappingEntry(node, key)
	return value
}

func mappingEntry(node *yaml.Node, key string) (k, v *yaml.Node) {
	node = resolved(node)
	if node == nil || node.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i], node.Content[i+1]
		}
	}
	return nil, nil
}

// resolved follows an alias to what it stands for.
func resolved(node *yaml.Node) *yaml.Node {
	for range maxDepth {
		if node == nil || node.Kind != yaml.AliasNode {
			return node
		}
		node = node.Alias
	}
	return nil
}

func scalar(node *yaml.Node) string {
	node = resolved(node)
	if node == nil || node.Kind != yaml.ScalarNode {
		return ""
	}
	return node.Value
}

// yamlProblem turns the YAML library's error into a problem with its line.
func yamlProblem(file string, err error) *finding.Problem {
	p := &finding.Problem{Position: finding.Position{File: file}, Mend: "check indentation and quotes there"}
	text := err.Error()
	if m := yamlErrorLine.FindStringSubmatch(text); m != nil {
		p.Line, _ = strconv.Atoi(m[1])
		text = yamlErrorLine.ReplaceAllString(text, "")
	}
	text = strings.Join(strings.Fields(text), " ")
	for _, prefix := range []string{"error converting YAML to JSON: ", "yaml: ", "unmarshal errors: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	p.What = "is not valid YAML: " + text
	return p
}

// duplicateKeys finds keys that stand twice in one mapping: two readers may
// take either.
func duplicateKeys(file string, node *yaml.Node, depth int) finding.Problems {
	if node == nil || depth > maxDepth {
		return nil
	}
	var problems finding.Problems
	if node.Kind == yaml.MappingNode {
		seen := map[string]int{}
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			if first, ok := seen[key.Value]; ok && key.Value != "<<" {
				problems = append(problems, &finding.Problem{
					Position: finding.Position{File: file, Line: key.Line, Column: key.Column},
					Field:    key.Value, What: fmt.Sprintf("stands twice, first in line %d", first), Mend: "remove one of the two",
				})
			} else {
				seen[key.Value] = key.Line
			}
		}
	}
	for _, child := range node.Content {
		problems = append(problems, duplicateKeys(file, child, depth+1)...)
	}
	return problems
}

// piece is one document of rendered text.
type piece struct {
	line int // of its first line, from 1
	text []byte
}

// splitDocuments cuts a YAML stream at its separators; pieces without content
// are left out.
func splitDocuments(data []byte) []piece {
	var pieces []piece
	start, startLine, line := 0, 1, 1
	add := func(end int) {
		if hasContent(data[start:end]) {
			pieces = append(pieces, piece{line: startLine, text: data[start:end]})
		}
	}
	for at := 0; at < len(data); {
		next := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			next = at + i + 1
		}
		if isSeparator(data[at:next]) {
			add(at)
			start, startLine = at, line
			if rest := bytes.TrimSpace(data[at+3 : next]); len(rest) == 0 {
				start, startLine = next, line+1
			} else {
				start = at + 3
			}
		}
		at = next
		line++
	}
	add(len(data))
	return pieces
}

func isSeparator(line []byte) bool {
	if !bytes.HasPrefix(line, []byte("---")) {
		return false
	}
	return len(line) == 3 || line[3] == ' ' || line[3] == '\n' || line[3] == '\t' || line[3] == '\r'
}

// hasContent says whether a document holds more than comments and blanks.
func hasContent(text []byte) bool {
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' {
			return true
		}
	}
	return false
}

// generatorNode finds the generator's entry that made a ConfigMap or Secret:
// the longest name that the object's name begins with.
func generatorNode(root *yaml.Node, object *unstructured.Unstructured) *yaml.Node {
	field := "configMapGenerator"
	if object.GetKind() == "Secret" {
		field = "secretGenerator"
	}
	best, entries := mappingEntry(root, field)
	length := 0
	if entries = resolved(entries); entries == nil {
		return best
	}
	for _, entry := range entries.Content {
		name := scalar(mappingValue(entry, "name"))
		if len(name) > length && strings.Contains(object.GetName(), name) {
			best, length = entry, len(name)
		}
	}
	return best
}
