package place

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"dualtrack.internal/platform/finding"
)

// At is a node's place; nil means the whole file.
func At(file string, node *yaml.Node) finding.Position {
	if node == nil {
		return finding.Position{File: file}
	}
	return finding.Position{File: file, Line: node.Line, Column: node.Column}
}

// FindScalar finds the first scalar with a value.
func FindScalar(node *yaml.Node, value string, depth int) *yaml.Node {
	if node == nil || depth > MaxDepth {
		return nil
	}
	if node.Kind == yaml.ScalarNode && node.Value == value {
		return node
	}
	for _, Child := range node.Content {
		if found := FindScalar(Child, value, depth+1); found != nil {
			return found
		}
	}
	return nil
}

// FindKey finds the first mapping key of a name.
func FindKey(node *yaml.Node, name string, depth int) *yaml.Node {
	if node == nil || depth > MaxDepth {
		return nil
	}
	if key, _ := Entry(node, name); key != nil {
		return key
	}
	for _, Child := range node.Content {
		if found := FindKey(Child, name, depth+1); found != nil {
			return found
		}
	}
	return nil
}

// Value finds a key's value in a mapping, nil otherwise.
func Value(node *yaml.Node, key string) *yaml.Node {
	_, value := Entry(node, key)
	return value
}

// Entry finds a key and its value in a mapping, nil otherwise.
func Entry(node *yaml.Node, key string) (k, v *yaml.Node) {
	node = Resolved(node)
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

// Resolved follows an alias to what it stands for.
func Resolved(node *yaml.Node) *yaml.Node {
	for range MaxDepth {
		if node == nil || node.Kind != yaml.AliasNode {
			return node
		}
		node = node.Alias
	}
	return nil
}

// Scalar is a scalar's text, "" for anything else.
func Scalar(node *yaml.Node) string {
	node = Resolved(node)
	if node == nil || node.Kind != yaml.ScalarNode {
		return ""
	}
	return node.Value
}

// DuplicateKeys finds keys that stand twice in one mapping: two readers may
// take either.
func DuplicateKeys(file string, node *yaml.Node, depth int) finding.Problems {
	if node == nil || depth > MaxDepth {
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
	for _, Child := range node.Content {
		problems = append(problems, DuplicateKeys(file, Child, depth+1)...)
	}
	return problems
}

// OtherKeys finds keys that are no texts to a reader of YAML 1.2: numbers, true and
// false, null. An object of Kubernetes has none.
func OtherKeys(file string, node *yaml.Node, depth int) finding.Problems {
	if node == nil || depth > MaxDepth {
		return nil
	}
	var problems finding.Problems
	if node.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			if tag := key.ShortTag(); key.Kind == yaml.ScalarNode && tag != "!!str" && tag != "!!merge" {
				problems = append(problems, &finding.Problem{
					Position: finding.Position{File: file, Line: key.Line, Column: key.Column},
					Field:    key.Value, What: "is no text, and a key has to be one", Mend: "quote it",
				})
			}
		}
	}
	for _, child := range node.Content {
		problems = append(problems, OtherKeys(file, child, depth+1)...)
	}
	return problems
}
