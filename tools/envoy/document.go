package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

const (
	maxDepth = 100      // of nesting in a file
	maxJSON  = 16 << 20 // bytes of a file once its aliases are written out
)

// document is one YAML file: its tree for the lines, its JSON for protojson.
type document struct {
	file string
	root *yaml.Node
	json []byte
}

// lineError is a fault with its line.
type lineError struct {
	line    int
	message string
}

func (e *lineError) Error() string { return e.message }

// parse reads one document. Keys that stand twice are refused.
func parse(file, text string) (*document, error) {
	dec := yaml.NewDecoder(strings.NewReader(text))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, &lineError{message: "the file is empty"}
		}
		return nil, &lineError{line: yamlLine(err), message: err.Error()}
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, &lineError{line: more.Line, message: "the file has more than one document; Envoy reads one"}
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, &lineError{line: doc.Line, message: "the file is no mapping"}
	}
	w := &jsonWriter{line: 1}
	if err := w.value(doc.Content[0], 0); err != nil {
		return nil, err
	}
	return &document{file: file, root: doc.Content[0], json: w.out.Bytes()}, nil
}

var yamlLineWords = regexp.MustCompile(`line (\d+)`)

func yamlLine(err error) int { return numberIn(yamlLineWords, err.Error()) }

func numberIn(words *regexp.Regexp, text string) int {
	found := words.FindStringSubmatch(text)
	if found == nil {
		return 0
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		return 0
	}
	return n
}

// jsonWriter writes every value on the line that it has in the YAML file, so that
// the lines protojson names are the file's own.
type jsonWriter struct {
	out  bytes.Buffer
	line int
}

func (w *jsonWriter) at(line int) {
	for ; w.line < line; w.line++ {
		w.out.WriteByte('\n')
	}
}

func (w *jsonWriter) value(n *yaml.Node, depth int) error {
	w.at(n.Line)
	switch {
	case depth > maxDepth:
		return &lineError{n.Line, fmt.Sprintf("nested deeper than %d", maxDepth)}
	case w.out.Len() > maxJSON:
		return &lineError{n.Line, fmt.Sprintf("the file has more than %d bytes once its aliases are written out", maxJSON)}
	}
	switch n.Kind {
	case yaml.AliasNode:
		return w.value(n.Alias, depth+1)
	case yaml.MappingNode:
		return w.mapping(n, depth)
	case yaml.SequenceNode:
		w.out.WriteByte('[')
		for i, item := range n.Content {
			if i > 0 {
				w.out.WriteByte(',')
			}
			if err := w.value(item, depth+1); err != nil {
				return err
			}
		}
		w.out.WriteByte(']')
		return nil
	default:
		return w.scalar(n)
	}
}

func (w *jsonWriter) mapping(n *yaml.Node, depth int) error {
	w.out.WriteByte('{')
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			return &lineError{key.Line, "a key must be a plain word; merge keys are not Envoy's"}
		}
		if line, twice := seen[key.Value]; twice {
			return &lineError{key.Line, fmt.Sprintf("the key %q stands here a second time, after line %d", key.Value, line)}
		}
		seen[key.Value] = key.Line
		if i > 0 {
			w.out.WriteByte(',')
		}
		w.at(key.Line)
		if err := w.marshal(key, key.Value); err != nil {
			return err
		}
		w.out.WriteByte(':')
		if err := w.value(n.Content[i+1], depth+1); err != nil {
			return err
		}
	}
	w.out.WriteByte('}')
	return nil
}

func (w *jsonWriter) scalar(n *yaml.Node) error {
	var v any
	if err := n.Decode(&v); err != nil {
		return &lineError{n.Line, err.Error()}
	}
	if n.Tag == "!!timestamp" || n.Tag == "!!binary" {
		v = n.Value // protojson's own forms of both are strings
	}
	return w.marshal(n, v)
}

func (w *jsonWriter) marshal(n *yaml.Node, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return &lineError{n.Line, err.Error()}
	}
	w.out.Write(data)
	return nil
}

var protoLineWords = regexp.MustCompile(`\(line (\d+):\d+\): *`)

// into reads the document as a message. Unknown fields and types are errors.
func (d *document) into(m proto.Message) error {
	err := protojson.UnmarshalOptions{}.Unmarshal(d.json, m)
	if err == nil {
		return nil
	}
	text := strings.ReplaceAll(err.Error(), "\u00a0", " ")
	line := numberIn(protoLineWords, text)
	text = strings.TrimSpace(strings.TrimPrefix(protoLineWords.ReplaceAllString(text, ""), "proto:"))
	return &lineError{line: line, message: text}
}

// lineOf is the line of a path such as "static_resources.listeners[0].name", or
// of what of it there is.
func (d *document) lineOf(path string) int {
	n, line := d.root, d.root.Line
	for _, step := range steps(path) {
		for n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		next, at := child(n, step)
		if next == nil {
			break
		}
		n, line = next, at
	}
	return line
}

func child(n *yaml.Node, step string) (*yaml.Node, int) {
	switch n.Kind {
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i < len(n.Content) {
			return n.Content[i], n.Content[i].Line
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if plainName(n.Content[i].Value) == plainName(step) {
				return n.Content[i+1], n.Content[i].Line
			}
		}
	}
	return nil, 0
}

// plainName makes snake_case and camelCase one.
func plainName(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }

// steps splits a.b[0]["x.y"] into a, b, 0, x.y.
func steps(path string) []string {
	var out []string
	for path != "" {
		switch {
		case strings.HasPrefix(path, "["):
			inside, rest, _ := strings.Cut(path[1:], "]")
			if name, err := strconv.Unquote(inside); err == nil {
				inside = name
			}
			out, path = append(out, inside), rest
		case strings.HasPrefix(path, "."):
			path = path[1:]
		default:
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			out, path = append(out, path[:end]), path[end:]
		}
	}
	return out
}
