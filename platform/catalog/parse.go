package catalog

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

const (
	// maxAliased bounds the values that aliases of one file repeat. People
	// repeat a handful; a bomb doubles its way to billions.
	maxAliased = 10_000
	// maxDepth bounds nesting. Kubernetes objects stay below 30.
	maxDepth = 100
)

var (
	yamlLine   = regexp.MustCompile(`^line (\d+): (.*)$`)
	yamlAnchor = regexp.MustCompile(`unknown anchor '([^']*)' referenced`)
)

// parse reads the one YAML document of a file and checks its form: duplicate
// keys, aliases, depth. It gives the document's root node, nil after a problem
// that leaves nothing to decode.
func parse(file string, data []byte) (*yaml.Node, finding.Problems) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, finding.Problems{problem(finding.Position{File: file}, "", "is empty", "write one YAML document")}
	case err != nil:
		return nil, finding.Problems{syntaxProblem(file, data, err)}
	}
	var second yaml.Node
	switch err := dec.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return nil, finding.Problems{syntaxProblem(file, data, err)}
	default:
		return nil, finding.Problems{problem(place(file, &second), "", "a second document begins here",
			"keep one document a file")}
	}
	root := doc.Content[0]
	f := former{file: file, sizes: map[*yaml.Node]size{}}
	f.measure(root)
	if f.fatal {
		return nil, f.problems
	}
	return root, f.problems
}

// place is where a node stands.
func place(file string, n *yaml.Node) finding.Position {
	return finding.Position{File: file, Line: n.Line, Column: n.Column}
}

// syntaxProblem gives the parser's own error a place and, where the cause is
// known, a mend.
func syntaxProblem(file string, data []byte, err error) *finding.Problem {
	at := finding.Position{File: file}
	what := strings.TrimPrefix(err.Error(), "yaml: ")
	at.Line = 1 // the parser names no line when it means the first
	if m := yamlLine.FindStringSubmatch(what); m != nil {
		at.Line, _ = strconv.Atoi(m[1])
		what = m[2]
		if strings.HasPrefix(what, "did not find expected") {
			at.Line++ // of these errors the parser counts lines from 0
		}
	}
	if m := yamlAnchor.FindStringSubmatch(what); m != nil {
		at = find(file, data, "*"+m[1])
		return problem(at, "", fmt.Sprintf("alias *%s has no anchor before it", m[1]), "write the value out")
	}
	if p := tabProblem(file, data, at.Line); p != nil {
		return p
	}
	return problem(at, "", "is no YAML: "+what, "mend the quotes, brackets or indentation here or just above")
}

// tabProblem blames a tab in the indentation of a line near the one that the
// parser names: it is the usual cause and the parser does not say so.
func tabProblem(file string, data []byte, line int) *finding.Problem {
	lines := bytes.Split(data, []byte("\n"))
	for number := max(1, line-1); number <= min(line+1, len(lines)); number++ {
		text := lines[number-1]
		indent := text[:len(text)-len(bytes.TrimLeft(text, " \t"))]
		if i := bytes.IndexByte(indent, '\t'); i >= 0 {
			return problem(finding.Position{File: file, Line: number, Column: i + 1}, "", "a tab stands in the indentation", "indent with spaces")
		}
	}
	return nil
}

// find is the place of the first occurrence of a text, the whole file without one.
func find(file string, data []byte, text string) finding.Position {
	i := bytes.Index(data, []byte(text))
	if i < 0 {
		return finding.Position{File: file}
	}
	return finding.Position{
		File:   file,
		Line:   bytes.Count(data[:i], []byte("\n")) + 1,
		Column: i - bytes.LastIndexByte(data[:i], '\n'),
	}
}

// size is what a node amounts to with its aliases expanded.
type size struct {
	nodes int // saturates at maxSize
	depth int
	open  bool // being measured: an alias that meets it would never end
}

const maxSize = 1 << 30

// former checks a document's form before anything is decoded from it.
type former struct {
	file     string
	sizes    map[*yaml.Node]size
	problems finding.Problems
	aliased  int  // nodes that aliases repeat, so far
	fatal    bool // the document must not be walked
}

func (f *former) fail(n *yaml.Node, what, mend string) {
	f.problems = append(f.problems, problem(place(f.file, n), "", what, mend))
}

// measure walks every node once, however often aliases repeat it.
func (f *former) measure(n *yaml.Node) size {
	if f.fatal {
		return size{}
	}
	if n.Kind == yaml.AliasNode {
		return f.alias(n)
	}
	f.sizes[n] = size{open: true}
	total := size{nodes: 1, depth: 1}
	if n.Kind == yaml.MappingNode {
		f.keys(n)
	}
	for _, child := range n.Content {
		s := f.measure(child)
		total.nodes = min(total.nodes+s.nodes, maxSize)
		total.depth = max(total.depth, s.depth+1)
	}
	if total.depth > maxDepth && !f.fatal {
		f.fatal = true
		f.fail(n, fmt.Sprintf("is nested more than %d deep", maxDepth), "flatten it")
	}
	f.sizes[n] = total
	return total
}

func (f *former) alias(n *yaml.Node) size {
	target, known := f.sizes[n.Alias]
	if !known || target.open {
		f.fatal = true
		f.fail(n, fmt.Sprintf("alias *%s stands inside its own anchor", n.Value), "write the value out")
		return size{}
	}
	f.aliased = min(f.aliased+target.nodes, maxSize)
	if f.aliased > maxAliased || target.nodes > maxAliased {
		f.fatal = true
		f.fail(n, fmt.Sprintf("aliases repeat more than %d values", maxAliased), "write the values out")
	}
	return target
}

// keys checks that a mapping's keys are plain and stand once.
func (f *former) keys(n *yaml.Node) {
	seen := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode {
			f.fatal = true
			f.fail(key, "a key is no plain text", "write a text as key")
			continue
		}
		if first := seen[key.Value]; first != nil {
			f.fail(key, fmt.Sprintf("key %q stands twice, first in line %d", key.Value, first.Line), "remove one")
			continue
		}
		seen[key.Value] = key
		if key.ShortTag() == mergeTag && !mergeable(n.Content[i+1]) {
			f.fatal = true
			f.fail(n.Content[i+1], "<< takes a mapping or a list of mappings", "write *anchor after it")
		}
	}
}

const mergeTag = "!!merge"

func mergeable(n *yaml.Node) bool {
	n = resolve(n)
	if n.Kind != yaml.SequenceNode {
		return n.Kind == yaml.MappingNode
	}
	for _, item := range n.Content {
		if resolve(item).Kind != yaml.MappingNode {
			return false
		}
	}
	return true
}

// resolve follows an alias to what it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// pair is an entry of a mapping.
type pair struct {
	key   *yaml.Node
	value *yaml.Node // aliases resolved
}

// pairs lists a mapping's entries in file order, those merged in with << last.
func pairs(n *yaml.Node) []pair {
	var own []pair
	var merged []*yaml.Node
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], resolve(n.Content[i+1])
		switch {
		case key.ShortTag() != mergeTag:
			if !seen[key.Value] {
				own = append(own, pair{key, value})
			}
			seen[key.Value] = true
		case value.Kind == yaml.SequenceNode:
			for _, item := range value.Content {
				merged = append(merged, resolve(item))
			}
		default:
			merged = append(merged, value)
		}
	}
	for _, source := range merged {
		for _, p := range pairs(source) {
			if !seen[p.key.Value] {
				seen[p.key.Value] = true
				own = append(own, p)
			}
		}
	}
	return own
}
