package policy

import (
	"context"
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/rego"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// securityJudge judges the live and the desired form of an object with the rules of
// objects, which know no neighbours here: both lack the same.
type securityJudge struct {
	query  *rego.PreparedEvalQuery // nil asks nothing
	titles map[string]string
}

func (e *Engine) securityOf(ctx context.Context, about DriftContext) (securityJudge, error) {
	s := securityJudge{titles: map[string]string{}}
	if about.Baseline == nil {
		return s, nil
	}
	for _, r := range e.rules {
		s.titles[r.ID] = r.Title
	}
	sheet, err := gather(Input{Fleet: about.Fleet, Baseline: about.Baseline})
	if err != nil {
		return s, fmt.Errorf("judge drift: %w", err)
	}
	data, err := newViews(sheet).data(nil)
	if err != nil {
		return s, fmt.Errorf("judge drift: %w", err)
	}
	query, err := e.query(ctx, entryFindings, data)
	if err != nil {
		return s, err
	}
	s.query = &query
	return s, nil
}

// weakened are the errors that rules of security find in the live form and not
// in the desired one. Their messages stay out of it: they hold values.
func (s securityJudge) weakened(ctx context.Context, desired, live *unstructured.Unstructured) ([]any, error) {
	out := []any{}
	if s.query == nil || desired == nil || live == nil {
		return out, nil
	}
	wanted, err := s.errors(ctx, desired)
	if err != nil {
		return nil, err
	}
	said := map[string]bool{}
	for _, v := range wanted {
		said[v.Rule+" "+v.Message] = true
	}
	found, err := s.errors(ctx, live)
	if err != nil {
		return nil, err
	}
	for _, v := range found {
		if !said[v.Rule+" "+v.Message] {
			out = append(out, map[string]any{"rule": v.Rule, "title": s.titles[v.Rule], "pointer": v.Pointer})
		}
	}
	return out, nil
}

func (s securityJudge) errors(ctx context.Context, o *unstructured.Unstructured) ([]verdict, error) {
	u := unit{object: o.Object, ref: render.Object{Unstructured: o}.Ref()}
	all, err := judgeUnit(ctx, *s.query, u)
	if err != nil {
		return nil, err
	}
	var out []verdict
	for _, v := range all {
		group, _, _ := strings.Cut(strings.TrimPrefix(v.Rule, "DT-"), "-")
		if v.Severity == finding.Error && v.Result == "finding" && (group == "SEC" || group == "RBA" || group == "NET") {
			out = append(out, v)
		}
	}
	return out, nil
}
