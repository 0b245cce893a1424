package tune

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Edit changes the etcd settings in the text of a cluster.yaml where they differ,
// and not a byte elsewhere.
func Edit(text []byte, from, to Knobs) ([]byte, error) {
	out := string(text)
	var err error
	if from.GOGC != to.GOGC {
		if out, err = set(out, "gogc", strconv.Itoa(to.GOGC)); err != nil {
			return nil, err
		}
	}
	if from.Limit != to.Limit {
		value := `""`
		if to.Limit > 0 {
			value = limitText(to.Limit)
		}
		if out, err = set(out, "goMemLimit", value); err != nil {
			return nil, err
		}
	}
	return []byte(out), nil
}

var errForm = errors.New("its form is none that can be edited: write it in plain lines, one field a line")

// set writes one field of spec.etcd, and reads it back.
func set(text, field, value string) (string, error) {
	edited, err := write(text, field, value)
	if err != nil {
		return "", err
	}
	var back struct {
		Spec struct {
			Etcd map[string]any `yaml:"etcd"`
		} `yaml:"spec"`
	}
	if err := yaml.Unmarshal([]byte(edited), &back); err != nil || fmt.Sprint(back.Spec.Etcd[field]) != strings.Trim(value, `"`) {
		return "", errForm
	}
	return edited, nil
}

func write(text, field, value string) (string, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return "", fmt.Errorf("read it: %w", err)
	}
	if len(doc.Content) == 0 {
		return "", errors.New("it is empty")
	}
	_, spec := child(doc.Content[0], "spec")
	if spec == nil || spec.Kind != yaml.MappingNode || len(spec.Content) == 0 || spec.Style&yaml.FlowStyle != 0 {
		return "", errors.New("it has no spec written line by line")
	}
	lines := strings.SplitAfter(text, "\n")
	if spec.Content[0].Line > len(lines) {
		return "", errForm
	}
	indent := strings.Repeat(" ", spec.Content[0].Column-1)
	key, etcd := child(spec, "etcd")
	if key == nil { // a block of its own, before the first field
		return insert(lines, spec.Content[0].Line, indent+"etcd:\n"+indent+"  "+field+": "+value+"\n"), nil
	}
	if etcd.Kind != yaml.MappingNode || len(etcd.Content) == 0 || etcd.Style&yaml.FlowStyle != 0 {
		return "", fmt.Errorf("line %d: write the fields of etcd line by line, so that one can be changed", key.Line)
	}
	if _, old := child(etcd, field); old != nil {
		at := old.Column - 1
		if old.Kind != yaml.ScalarNode || old.Line > len(lines) || at >= len(lines[old.Line-1]) {
			return "", errForm
		}
		line := lines[old.Line-1]
		end := at + len(written(line[at:]))
		lines[old.Line-1] = line[:at] + value + line[end:]
		return strings.Join(lines, ""), nil
	}
	first := etcd.Content[0]
	if first.Line > len(lines) {
		return "", errForm
	}
	return insert(lines, first.Line, strings.Repeat(" ", first.Column-1)+field+": "+value+"\n"), nil
}

// insert puts text before a line, counted from 1.
func insert(lines []string, line int, text string) string {
	return strings.Join(lines[:line-1], "") + text + strings.Join(lines[line-1:], "")
}

// written is a scalar of one line as it stands there, without what follows it.
func written(rest string) string {
	if q := rest[:1]; q == `"` || q == "'" {
		if end := strings.Index(rest[1:], q); end >= 0 {
			return rest[:end+2]
		}
	}
	if at := strings.IndexAny(rest, " \t\r\n"); at >= 0 {
		return rest[:at]
	}
	return rest
}

// child is a key of a mapping and its value.
func child(m *yaml.Node, name string) (key, value *yaml.Node) {
	if m.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == name {
			return m.Content[i], m.Content[i+1]
		}
	}
	return nil, nil
}
