package place

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Same says whether a source's value is the object's; maps and lists
// always are.
func Same(node *yaml.Node, value any) bool {
	if node = Resolved(node); node == nil || node.Kind != yaml.ScalarNode {
		return true
	}
	switch value.(type) {
	case map[string]any, []any:
		return false
	case nil:
		return node.Tag == "!!null"
	case string:
		return node.Value == value
	}
	var have any
	return node.Decode(&have) == nil && fmt.Sprint(have) == fmt.Sprint(value)
}

// Walk follows a pointer through a document as far as it goes. It gives the
// last key (or list item) and its value; found says that the whole pointer is
// there. An item of a list is found by the name it has in the object, else by
// its index.
func Walk(root *yaml.Node, object any, tokens []string) (key, value *yaml.Node, found bool) {
	key, value = root, root
	for _, token := range tokens {
		node := Resolved(value)
		var k, v *yaml.Node
		switch {
		case node != nil && node.Kind == yaml.MappingNode:
			k, v = Entry(node, token)
		case node != nil && node.Kind == yaml.SequenceNode:
			v = sequenceItem(node, Child(object, token), token)
			k = v
		}
		if k == nil || v == nil {
			return key, value, false
		}
		key, value, object = k, v, Child(object, token)
	}
	return key, value, true
}

func sequenceItem(node *yaml.Node, item any, token string) *yaml.Node {
	if fields, ok := item.(map[string]any); ok {
		if name, ok := fields["name"].(string); ok {
			for _, candidate := range node.Content {
				if Scalar(Value(candidate, "name")) == name {
					return candidate
				}
			}
			return nil
		}
	}
	if i, ok := ListIndex(token); ok && i < len(node.Content) {
		return node.Content[i]
	}
	return nil
}

// Child is the value below a map or list, nil when there is none.
func Child(value any, token string) any {
	switch v := value.(type) {
	case map[string]any:
		return v[token]
	case []any:
		if i, ok := ListIndex(token); ok && i < len(v) {
			return v[i]
		}
	}
	return nil
}

// ListIndex reads a pointer's token as a list index.
func ListIndex(token string) (int, bool) {
	i, err := strconv.Atoi(token)
	return i, err == nil && i >= 0 && (token == "0" || token[0] != '0' && token[0] != '+')
}

// Tokens reads an RFC 6901 pointer.
func Tokens(pointer string) []string {
	if pointer == "" || pointer == "/" {
		return nil
	}
	tokens := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, t := range tokens {
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(t, "~1", "/"), "~0", "~")
	}
	return tokens
}

// Escaped writes a pointer's tokens as they stand between its slashes.
func Escaped(tokens []string) []string {
	out := make([]string, len(tokens))
	for i, t := range tokens {
		out[i] = strings.ReplaceAll(strings.ReplaceAll(t, "~", "~0"), "/", "~1")
	}
	return out
}
