package render

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/fluxcd/pkg/envsubst"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	k8syaml "sigs.k8s.io/yaml"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render/place"
)

// plainInput is readInput for a component without a component.yaml: its files
// were gathered before.
func plainInput(key string, c *catalog.Component) *input {
	in := &input{err: c.Plain.Err}
	f := &folder{dir: c.Dir, names: sortedKeys(c.Plain.Files), data: c.Plain.Files, key: key, plain: c.Plain}
	f.digest = f.sum()
	for _, name := range sortedKeys(c.Plain.Edited) {
		f.key += "\x00" + name + "\x00" + string(c.Plain.Edited[name])
	}
	in.folder = f
	in.definitions = f.definitions()
	in.asksAPIs = f.asksAPIs()
	return in
}

// asRun is a file as kustomize is to see it.
func (f *folder) asRun(name string) []byte {
	if f.plain != nil {
		if edited, ok := f.plain.Edited[name]; ok {
			return edited
		}
	}
	return f.data[name]
}

// notes are the words about a plain component's sources.
func notes(c *catalog.Component) []finding.Finding {
	if c.Plain == nil {
		return nil
	}
	return c.Plain.Notes
}

// unknownElsewhere classes the failures of a component that lacks what stands in
// another place.
func unknownElsewhere(c *catalog.Component, failed []finding.Finding) []finding.Finding {
	if c.Plain == nil || !c.Plain.Elsewhere {
		return failed
	}
	for i := range failed {
		failed[i].Class = finding.Unknown
	}
	return failed
}

// readManifests takes the objects of YAML and JSON files as they stand, those of
// lists one by one.
func readManifests(f *folder, names []string) ([]raw, error) {
	var out []raw
	var problems finding.Problems
	for _, name := range names {
		objects, found := manifest(name, f.data[name])
		out, problems = append(out, objects...), append(problems, found...)
	}
	return out, problems.Err()
}

func manifest(name string, data []byte) ([]raw, finding.Problems) {
	var out []raw
	var problems finding.Problems
	for _, piece := range place.Split(data) {
		docs, err := place.Scan(name, piece.Text)
		shift := piece.Line - 1
		if err != nil {
			found, _ := finding.Gather(err)
			problems = append(problems, moved(found, shift)...)
			continue
		}
		var twice finding.Problems
		for _, d := range docs {
			twice = append(twice, place.DuplicateKeys(name, d.Root, 0)...)
		}
		if len(twice) > 0 {
			problems = append(problems, moved(twice, shift)...)
			continue
		}
		objects, err := pieceObjects(piece.Text)
		if err != nil || len(objects) != len(docs) {
			problems = append(problems, &finding.Problem{Position: finding.Position{File: name, Line: piece.Line},
				What: "is no Kubernetes object", Mend: "write apiVersion, kind and metadata"})
			continue
		}
		for i := range docs {
			d := &docs[i]
			shiftLines(d.Root, shift, 0)
			d.Line += shift
			out = append(out, raw{object: objects[i], source: finding.Position{File: name, Line: d.Line}, exact: true, trace: &trace{}})
		}
	}
	return out, problems
}

// pieceObjects reads one document as kubectl does.
func pieceObjects(text []byte) ([]*unstructured.Unstructured, error) {
	data, err := k8syaml.YAMLToJSON(text)
	if err != nil {
		return nil, err
	}
	object, err := fromJSON(data)
	if err != nil {
		return nil, err
	}
	return items(object, 0), nil
}

// items gives the items of a list instead of the list, as place.Scan does.
func items(o *unstructured.Unstructured, depth int) []*unstructured.Unstructured {
	list, ok := o.Object["items"].([]any)
	if !strings.HasSuffix(o.GetKind(), "List") || !ok || depth > 3 {
		return []*unstructured.Unstructured{o}
	}
	var out []*unstructured.Unstructured
	for _, item := range list {
		if content, ok := item.(map[string]any); ok {
			out = append(out, items(&unstructured.Unstructured{Object: content}, depth+1)...)
		}
	}
	return out
}

func moved(problems finding.Problems, shift int) finding.Problems {
	for _, p := range problems {
		if p.Line > 0 {
			p.Line += shift
		}
	}
	return problems
}

// shiftLines moves a document that was read by itself to its place in the file.
func shiftLines(n *yaml.Node, shift, depth int) {
	if n == nil || depth > place.MaxDepth {
		return
	}
	n.Line += shift
	for _, child := range n.Content {
		shiftLines(child, shift, depth+1)
	}
}

const substituteKey = "kustomize.toolkit.fluxcd.io/substitute"

// deliver does to a plain component's objects what its engine does after
// rendering.
func deliver(objects []raw, d catalog.Delivery) error {
	for _, r := range objects {
		if d.Substitute != nil {
			if err := substitute(r, d); err != nil {
				return err
			}
		}
		if len(d.Labels) > 0 {
			r.object.SetLabels(merged(r.object.GetLabels(), d.Labels))
		}
		if len(d.Annotations) > 0 {
			r.object.SetAnnotations(merged(r.object.GetAnnotations(), d.Annotations))
		}
	}
	return nil
}

func merged(under, over map[string]string) map[string]string {
	out := make(map[string]string, len(under)+len(over))
	for _, from := range []map[string]string{under, over} {
		for k, v := range from {
			out[k] = v
		}
	}
	return out
}

// substitute replaces variables in the object's YAML, as Flux does: a value may
// then be a number that was a text before.
func substitute(r raw, d catalog.Delivery) error {
	if r.object.GetLabels()[substituteKey] == "disabled" || r.object.GetAnnotations()[substituteKey] == "disabled" {
		return nil
	}
	text, err := k8syaml.Marshal(r.object.Object)
	if err != nil || !bytes.Contains(text, []byte("$")) {
		return err
	}
	out, err := envsubst.Eval(string(text), func(name string) (string, bool) {
		value, known := d.Substitute[name]
		if !known && d.Open {
			value = "${" + name + "}"
		}
		return value, true
	})
	if err == nil {
		var data []byte
		if data, err = k8syaml.YAMLToJSON([]byte(out)); err == nil {
			object, err2 := fromJSON(data)
			if err = err2; err == nil {
				r.object.Object = object.Object
			}
		}
	}
	if err != nil {
		return &finding.Problem{Position: r.source, What: "variables can't be replaced in " + identity(r.object).String() + ": " + strings.TrimSpace(fmt.Sprint(err)),
			Mend: "write $${…} for what is no variable"}
	}
	return nil
}
