// Package place finds where objects and their fields stand in YAML files and in
// chart templates, which are no YAML. It reads bytes that it is given and never
// opens a file, and never renders anything.
package place

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"dualtrack.internal/platform/finding"
)

// MaxDepth bounds the nesting of a document that is walked.
const MaxDepth = 200

var yamlErrorLine = regexp.MustCompile(`line (\d+)(?:, column (\d+))?: `)

// Doc is one YAML document of a source file, as its author wrote it.
type Doc struct {
	Line       int // of the first key
	APIVersion string
	Kind       string
	Namespace  string
	Name       string
	Root       *yaml.Node // a mapping
}

// Scan reads the mappings of a YAML stream. It stops at the first document
// that is no YAML and returns what stood before it with the problem.
func Scan(file string, data []byte) ([]Doc, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var docs []Doc
	for {
		var node yaml.Node
		err := decodeNode(dec, &node)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return docs, Problem(file, err)
		}
		if len(node.Content) != 1 || node.Content[0].Kind != yaml.MappingNode {
			continue
		}
		docs = append(docs, flatten(newDoc(node.Content[0]), 0)...)
	}
}

// flatten gives the items of a list instead of the list.
func flatten(d Doc, depth int) []Doc {
	items := Resolved(Value(d.Root, "items"))
	if !strings.HasSuffix(d.Kind, "List") || items == nil || items.Kind != yaml.SequenceNode || depth > 3 {
		return []Doc{d}
	}
	var docs []Doc
	for _, item := range items.Content {
		if item = Resolved(item); item != nil && item.Kind == yaml.MappingNode {
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

func newDoc(root *yaml.Node) Doc {
	meta := Value(root, "metadata")
	return Doc{
		Line:       root.Line,
		APIVersion: Scalar(Value(root, "apiVersion")),
		Kind:       Scalar(Value(root, "kind")),
		Namespace:  Scalar(Value(meta, "namespace")),
		Name:       Scalar(Value(meta, "name")),
		Root:       root,
	}
}

// Problem turns the YAML library's error into a problem with its line.
func Problem(file string, err error) *finding.Problem {
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

// Piece is one document of rendered text.
type Piece struct {
	Line int // of its first line, from 1
	Text []byte
}

// Split cuts a YAML stream at its separators; pieces without content
// are left out.
func Split(data []byte) []Piece {
	var pieces []Piece
	start, startLine, line := 0, 1, 1
	add := func(end int) {
		if hasContent(data[start:end]) {
			pieces = append(pieces, Piece{Line: startLine, Text: data[start:end]})
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
