package validate

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

const settings = "listen: 1\nname: shop\nlabels: {any: thing}\nroutes:\n  - path: /a\n    retries: 3\n"

func breaking(t *testing.T, seed uint64) Breaking {
	t.Helper()
	return Breaking{
		Checkers: checkers(library{}), Programs: machine{}, Seed: seed, Each: 9,
		Subjects: []Subject{subject("hub", settings), subject("lima", settings)},
		Bundles:  []*render.Bundle{bundle(t, "hub", workload), bundle(t, "lima", workload)},
		Objects: func(_ context.Context, o render.Object) []finding.Finding {
			if _, ok := o.Object["apiVersion"].(string); ok {
				return nil
			}
			return []finding.Finding{{Severity: finding.Error}}
		},
	}
}

func TestBreak(t *testing.T) {
	t.Setenv(standIn, "strict")
	b, err := breaking(t, 7).Break(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]string{} // field of the configuration → who caught it
	for _, m := range b.Mutants {
		if strings.Contains(m.Field, "labels") {
			t.Errorf("a free map was broken: %+v", m)
		}
		if m.What == "Deployment orders/shop shop" {
			fields[m.Field] = m.CaughtBy
		} else if want := map[bool]string{true: "schema"}[m.Field == "apiVersion"]; m.CaughtBy != want {
			t.Errorf("%+v: caught by %q, want %q", m, m.CaughtBy, want)
		}
	}
	want := map[string]string{ // the strict judge reads no routes
		"/etc/shop/shop.yaml: listen": "shop", "/etc/shop/shop.yaml: name": "shop",
		"/etc/shop/shop.yaml: routes[0].path": "", "/etc/shop/shop.yaml: routes[0].retries": "",
	}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("fields and who caught them (-want +got):\n%s", diff)
	}
	var text bytes.Buffer
	if err := b.Text(&text); err != nil || !strings.Contains(text.String(), "not caught: shop: Deployment orders/shop shop: /etc/shop/shop.yaml: routes[0].path: ") {
		t.Errorf("%v in\n%s", err, text.String())
	}
	again, err := breaking(t, 7).Break(t.Context())
	if diff := cmp.Diff(b, again); err != nil || diff != "" {
		t.Errorf("the same seed again: %v\n%s", err, diff)
	}
}

// TestBreakNeedsItsControl holds that a judge which refuses everything catches
// nothing.
func TestBreakNeedsItsControl(t *testing.T) {
	t.Setenv(standIn, "refuses")
	if _, err := breaking(t, 1).Break(t.Context()); err == nil || !strings.Contains(err.Error(), "with nothing broken, is refused by shop") {
		t.Errorf("error %v", err)
	}
}

// TestBreakJSON holds that a file of JSON stays one, and that the program which
// reads a configuration in production is named before a library that does too.
func TestBreakJSON(t *testing.T) {
	t.Setenv(standIn, "strict")
	b := breaking(t, 7)
	b.Checkers = append(b.Checkers, Checker{Name: "till", How: ByProgram, judge: library{}}, Checker{Name: "zoo", How: ByLibrary, judge: library{}})
	b.Subjects = []Subject{{Cluster: "hub", Component: "shop", Name: "s", Readers: []string{"shop", "till", "zoo"},
		Files: map[string]string{"/etc/shop/shop.yaml": settings, "/etc/shop/more.json": `{"a": {"b": 1}}`}}}
	got, err := b.Break(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	caught := map[string]string{}
	for _, m := range got.Mutants {
		caught[m.Field] = m.CaughtBy
	}
	if caught["/etc/shop/shop.yaml: name"] != "till" {
		t.Errorf("caught by: %v", caught)
	}
	if _, broken := caught["/etc/shop/more.json: a.b"]; !broken {
		t.Errorf("the field of the JSON file was not broken: %v", caught)
	}
	s := b.Subjects[0]
	whole, err := leaf{file: "/etc/shop/more.json", keys: []any{"a", "b"}}.rewritten(s)
	if err != nil || whole.Files["/etc/shop/more.json"] != `{"a":{"b":1}}` {
		t.Errorf("written anew: %v, %s", err, whole.Files["/etc/shop/more.json"])
	}
}
