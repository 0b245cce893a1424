package policy

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// JudgeSilences judges the silences of Git. They are the fleet's and no
// cluster's: their findings name none.
func (e *Engine) JudgeSilences(ctx context.Context, cat *catalog.Catalog, now time.Time) ([]finding.Finding, error) {
	if len(cat.Silences) == 0 {
		return nil, nil
	}
	if now.IsZero() {
		return nil, errors.New("judge: silences need the current time")
	}
	in := Input{Fleet: cat.Fleet, Baseline: cat.Baseline, Now: now, APIs: []API{}, clock: true} // they are no API of Kubernetes
	files := map[string]*catalog.Silences{}
	for _, s := range cat.Silences {
		files[s.File] = s
		in.Objects = append(in.Objects, silencesObject(s))
	}
	r, err := e.Judge(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("the silences: %w", err)
	}
	for i, f := range r.Findings {
		r.Findings[i].Position = files[f.Position.File].At(fieldOf(f.Pointer))
	}
	return r.Findings, nil
}

// silencesObject is a file of silences as rules see it. They have no clock and no
// calendar: begin and end stand beside the text in seconds.
func silencesObject(s *catalog.Silences) render.Object {
	list := []any{}
	for _, one := range s.Spec.Silences {
		from, until := one.Span()
		matchers := []any{}
		for _, m := range one.Matchers {
			matchers = append(matchers, map[string]any{"label": m.Label, "op": m.Op, "value": m.Value})
		}
		list = append(list, map[string]any{
			"name": one.Name, "matchers": matchers, "from": one.From, "until": one.Until, "owner": one.Owner, "reason": one.Reason,
			"begins": from.Unix(), "ends": until.Unix(),
		})
	}
	return render.Object{
		Source: finding.Position{File: s.File},
		Unstructured: &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": catalog.APIVersion, "kind": "Silences", "metadata": map[string]any{"name": s.Name},
			"spec": map[string]any{"silences": list},
		}},
	}
}

// fieldOf is a pointer into a file of the catalog as the path of a field:
// "/spec/silences/0/until" is "spec.silences[0].until".
func fieldOf(pointer string) string {
	var b strings.Builder
	for _, token := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		if _, err := strconv.Atoi(token); err == nil {
			b.WriteString("[" + token + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(token)
	}
	return b.String()
}
