package policy

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// TestGroups judges small clusters by rules that ask for other objects, so that
// what facts gather is what rules read, and applies the patches.
func TestGroups(t *testing.T) {
	t.Parallel()
	for _, c := range groupCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := testInput(t, strings.Split(c.docs, "\n---\n")...)
			in.Production = c.production
			found := judgedBy(t, in, c.rules)
			if diff := cmp.Diff(c.want, told(found)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			for _, f := range found {
				if f.Patch != nil {
					mends(t, in, f)
				}
			}
		})
	}
}

// judgedBy are the findings of the rules whose ids begin so.
func judgedBy(t *testing.T, in Input, prefix string) []finding.Finding {
	t.Helper()
	r, err := compiled(t).Judge(context.WithoutCancel(t.Context()), in)
	if err != nil {
		t.Fatal(err)
	}
	var out []finding.Finding
	for _, f := range r.Findings {
		if f.Rule == "policy" {
			t.Errorf("%s: %s", f.Object, f.Message)
		}
		for p := range strings.FieldsSeq(prefix) {
			if strings.HasPrefix(f.Rule, p) {
				out = append(out, f)
			}
		}
	}
	return out
}

func told(found []finding.Finding) []string {
	var out []string
	for _, f := range found {
		word := string(f.Class)
		if word == "" {
			word = string(f.Severity)
		}
		out = append(out, strings.Join([]string{f.Rule, f.Object.Kind, f.Object.Name, f.Pointer, word}, " "))
	}
	slices.Sort(out)
	return out
}

// mends applies the finding's patch: it must be gone, and nothing new be said of
// the object by any rule.
func mends(t *testing.T, in Input, f finding.Finding) {
	t.Helper()
	before := told(judgedBy(t, in, "DT-"))
	after := in
	after.Objects = slices.Clone(in.Objects)
	for i, o := range in.Objects {
		if o.Ref() == f.Object {
			after.Objects[i] = render.Object{
				Unstructured: &unstructured.Unstructured{Object: applied(t, o.Object, f.Patch)},
				Component:    o.Component, Source: o.Source,
			}
		}
	}
	for _, line := range told(judgedBy(t, after, "DT-")) {
		if !slices.Contains(before, line) {
			t.Errorf("patch of %s %s brings %s", f.Rule, f.Pointer, line)
		}
		if strings.HasPrefix(line, strings.Join([]string{f.Rule, f.Object.Kind, f.Object.Name, f.Pointer}, " ")+" ") {
			t.Errorf("patch of %s %s leaves it", f.Rule, f.Pointer)
		}
	}
}
