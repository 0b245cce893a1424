package render

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// storedRendering is a rendering as it is kept between runs: the objects, then the
// hooks.
type storedRendering struct {
	Objects  []storedObject    `json:"objects"`
	Hooks    int               `json:"hooks,omitempty"` // the last so many objects
	Findings []finding.Finding `json:"findings,omitempty"`
}

type storedObject struct {
	Component string           `json:"component"`
	Stage     int              `json:"stage"`
	Source    finding.Position `json:"source"`
	Exact     bool             `json:"exact,omitempty"`
	Hooks     []string         `json:"hooks,omitempty"`
	Overlays  []string         `json:"overlays,omitempty"`
	Patches   []int            `json:"patches,omitempty"` // indexes of the job's patches
	Template  string           `json:"template,omitempty"`
	Object    json.RawMessage  `json:"object"`
}

// freeze writes a rendering: the length of the description in eight bytes, the
// description, the documents.
func freeze(r *rendering) ([]byte, error) {
	all := append(r.objects[:len(r.objects):len(r.objects)], r.hooks...)
	s := storedRendering{Objects: make([]storedObject, len(all)), Hooks: len(r.hooks), Findings: r.findings}
	for i, o := range all {
		content, err := json.Marshal(o.Object)
		if err != nil {
			return nil, fmt.Errorf("keep %s: %w", o.Ref(), err)
		}
		t := r.traces[i]
		one := storedObject{Component: o.Component, Stage: o.Stage, Source: o.Source, Exact: o.Exact, Hooks: o.Hooks,
			Overlays: t.overlays, Template: t.template, Object: content}
		for _, p := range t.patches {
			one.Patches = append(one.Patches, p.index)
		}
		s.Objects[i] = one
	}
	head, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("keep a rendering: %w", err)
	}
	out := binary.BigEndian.AppendUint64(nil, uint64(len(head)))
	return append(append(out, head...), r.data...), nil
}

// thaw reads what freeze wrote, for a job with the same patches.
func thaw(data []byte, patches []catalog.Patch) (*rendering, error) {
	if len(data) < 8 || binary.BigEndian.Uint64(data) > uint64(len(data)-8) {
		return nil, errors.New("the rendering is cut short")
	}
	head, rest := data[8:8+binary.BigEndian.Uint64(data)], data[8+binary.BigEndian.Uint64(data):]
	var s storedRendering
	if err := json.Unmarshal(head, &s); err != nil {
		return nil, fmt.Errorf("read a rendering: %w", err)
	}
	if s.Hooks < 0 || s.Hooks > len(s.Objects) {
		return nil, errors.New("the rendering has more hooks than objects")
	}
	r := &rendering{findings: s.Findings, data: bytes.Clone(rest), sum: sumOf(rest)}
	for i, o := range s.Objects {
		object, err := fromJSON(o.Object)
		if err != nil {
			return nil, fmt.Errorf("read a rendering: %w", err)
		}
		t := &trace{overlays: o.Overlays, template: o.Template}
		for _, index := range o.Patches {
			if index < 0 || index >= len(patches) {
				return nil, errors.New("the rendering names a patch that there is not")
			}
			t.patches = append(t.patches, appliedPatch{Patch: patches[index], index: index})
		}
		one := Object{Unstructured: object, Component: o.Component, Stage: o.Stage, Source: o.Source, Exact: o.Exact, Hooks: o.Hooks}
		if i < len(s.Objects)-s.Hooks {
			r.objects = append(r.objects, one)
		} else {
			r.hooks = append(r.hooks, one)
		}
		r.traces = append(r.traces, t)
	}
	return r, nil
}
