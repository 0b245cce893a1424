package policy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/memo"
	"dualtrack.internal/platform/render"
)

// TestSettled changes, one after the other, all that a cluster's findings and their
// places depend on: each time they are those of a program that keeps nothing.
func TestSettled(t *testing.T) {
	t.Parallel()
	const site = "edge-berlin"
	root := t.TempDir()
	for _, dir := range []string{"components", "clusters", "policies"} {
		if err := os.CopyFS(filepath.Join(root, dir), os.DirFS(filepath.Join("../..", dir))); err != nil {
			t.Fatal(err)
		}
	}
	store, err := memo.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	gate := func(store *memo.Store, o GateOptions) *Gated {
		t.Helper()
		cat, err := catalog.Load(root)
		if err != nil {
			t.Fatal(err)
		}
		o.Clusters, o.Shared = []string{site}, render.NewShared(store)
		g, err := Gate(t.Context(), fresh(t, store), cat, o)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	options := GateOptions{Now: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}
	var before []finding.Finding
	for _, step := range []struct {
		name string
		file string // gets a first line more
		do   func()
		same bool // the findings are those of the step before
	}{
		{name: "first"},
		{name: "nothing", same: true},
		{name: "a line of a source", file: "components/cilium/base/agent.yaml"},
		{name: "a line of the exceptions", file: "policies/exceptions.yaml", same: true},
		{name: "time", do: func() { options.Now = options.Now.AddDate(3, 0, 0) }},
		{name: "a line of the expired exceptions", file: "policies/exceptions.yaml"},
		{name: "who runs the containers", do: func() { options.Provider = catalog.ProviderKind }},
		{name: "the version", do: func() { options.KubeVersion = "v1.31.0" }},
		{name: "a setting", do: func() {
			replace(t, filepath.Join(root, "clusters/fleet.yaml"), "  policy:\n", "  policy:\n    severity: {DT-SUP-002: info}\n")
		}},
		{name: "whose signatures count", do: func() {
			replace(t, filepath.Join(root, "clusters/fleet.yaml"), "    params:\n", "    params:\n      DT-SUP-007: {identities: [{identity: shop}]}\n")
		}},
		{name: "evidence", do: func() {
			options.Evidence = &catalog.Evidence{Spec: catalog.EvidenceSpec{Signatures: []catalog.Signature{}}}
		}},
		{name: "an hour of its day", do: func() { options.Now = options.Now.Add(time.Hour) }, same: true},
	} {
		if step.file != "" {
			replace(t, filepath.Join(root, step.file), "", "# one line more\n")
		}
		if step.do != nil {
			step.do()
		}
		want, got := gate(nil, options), gate(store, options)
		if diff := cmp.Diff(want.Findings, got.Findings); diff != "" {
			t.Errorf("%s: (-anew +settled)\n%s", step.name, diff)
		}
		if want.Passed != got.Passed || want.Waived != got.Waived || want.Unknown != got.Unknown || want.Objects != got.Objects {
			t.Errorf("%s: %d passed, %d waived, %d unknown of %d; want %d, %d, %d of %d", step.name,
				got.Passed, got.Waived, got.Unknown, got.Objects, want.Passed, want.Waived, want.Unknown, want.Objects)
		}
		if same := cmp.Equal(before, got.Findings); same != step.same {
			t.Errorf("%s: are the findings those before? %t, want %t", step.name, same, step.same)
		}
		before = got.Findings
	}
}

// replace writes text in place of the first old; an empty old is the beginning.
func replace(t *testing.T, file, old, text string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	if old != "" {
		if at = strings.Index(string(data), old); at < 0 {
			t.Fatalf("%s has no %q", file, old)
		}
	}
	if err := os.WriteFile(file, []byte(string(data[:at])+text+string(data[at+len(old):])), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestSettledOnce holds that a cluster that is known is not judged, and that one is
// which lacks a component, or whose tree does not share.
func TestSettledOnce(t *testing.T) {
	t.Parallel()
	store, err := memo.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.Load("../..")
	if err != nil {
		t.Fatal(err)
	}
	cluster := cat.Clusters[0]
	in := Input{Cluster: cluster, Fleet: cat.Fleet, Baseline: cat.Baseline}
	whole := func() *render.Bundle {
		return &render.Bundle{Cluster: cluster.Name, Sum: "sum", Parts: map[string]string{}}
	}
	result := &Result{Objects: 2, Passed: 1, Findings: []finding.Finding{{Rule: "DT-SEC-001", Severity: finding.Error, Message: "a < b"}}, uses: map[int]int{3: 1}}
	s := newSettler(fresh(t, store), cat, "v1.31.0", time.Now())
	key := func(in Input, b *render.Bundle) string {
		t.Helper()
		key, err := s.key(in, b)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	keep := func(b *render.Bundle, r *Result) {
		t.Helper()
		if err := s.keep(key(in, b), b.Cluster, &outcome{valid: []finding.Finding{{Rule: "schema"}}, result: r}); err != nil {
			t.Fatal(err)
		}
	}
	late, long := whole(), whole()
	late.Sum, long.Sum = "late", "long"
	keep(late, &Result{late: true})
	keep(long, &Result{Findings: make([]finding.Finding, mostSaid)})
	keep(whole(), result)
	got := s.recall(key(in, whole()))
	if diff := cmp.Diff(result, got.result, cmp.AllowUnexported(Result{})); diff != "" || len(got.valid) != 1 {
		t.Errorf("(-kept +known) %s; %d of the schema", diff, len(got.valid))
	}
	for name, change := range map[string]func(*Input, *render.Bundle){
		"of another sum":    func(_ *Input, b *render.Bundle) { b.Sum = "other" },
		"of no sum":         func(_ *Input, b *render.Bundle) { b.Sum = "" },
		"of a late verdict": func(_ *Input, b *render.Bundle) { b.Sum = "late" },
		"of many findings":  func(_ *Input, b *render.Bundle) { b.Sum = "long" },
		"with duplicates":   func(_ *Input, b *render.Bundle) { b.Parts = nil },
		"in part":           func(in *Input, _ *render.Bundle) { in.Partial = []string{"otel"} },
		"without a catalog": func(in *Input, _ *render.Bundle) { in.NoSettings = true },
		"of real nodes":     func(in *Input, _ *render.Bundle) { in.RealNodes = true },
		"in production":     func(in *Input, _ *render.Bundle) { in.Production = true },
		"by another policy": func(in *Input, _ *render.Bundle) {
			fleet := *in.Fleet
			fleet.Spec.Policy.Severity = map[string]string{"DT-SEC-001": "off"}
			in.Fleet = &fleet
		},
		"of another cluster":   func(in *Input, _ *render.Bundle) { in.Cluster = cat.Clusters[1] },
		"of an unread cluster": func(in *Input, _ *render.Bundle) { in.Cluster = &catalog.Cluster{Name: cluster.Name, File: "x"} },
	} {
		in, b := in, whole()
		change(&in, b)
		if s.recall(key(in, b)) != nil {
			t.Errorf("a bundle %s is known", name)
		}
	}
}

// TestAhead changes one component: the rules that it meets are compiled once, and no
// others, and they say what all rules say.
func TestAhead(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, dir := range []string{"components", "clusters", "policies"} {
		if err := os.CopyFS(filepath.Join(root, dir), os.DirFS(filepath.Join("../..", dir))); err != nil {
			t.Fatal(err)
		}
	}
	load := func(root string) *catalog.Catalog {
		cat, err := catalog.Load(root)
		if err != nil {
			t.Fatal(err)
		}
		return cat
	}
	store, err := memo.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	gate := func(e *Engine, store *memo.Store, base, head *catalog.Catalog) *GatedChange {
		o := GateOptions{Clusters: []string{"hub", "edge-berlin"}, Now: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), Shared: render.NewShared(store)}
		c, err := GateChange(t.Context(), Judges{e, e}, base, head, o)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	before := load("../..")
	gate(fresh(t, store), store, before, before) // an earlier run
	replace(t, filepath.Join(root, "components/jaeger/base/kustomization.yaml"), "", "commonAnnotations: {changed: \"true\"}\n")
	after := load(root)
	e := fresh(t, store)
	got, want := gate(e, store, before, after), gate(fresh(t, nil), nil, before, after)
	if diff := cmp.Diff(want.Findings, got.Findings); diff != "" {
		t.Errorf("(-all rules +theirs)\n%s", diff)
	}
	if e.all != nil || len(e.subsets) != 2 {
		t.Errorf("all rules compiled: %t; some: %d times, want those for objects and those for changes", e.all != nil, len(e.subsets))
	}
	if _, err := e.compilerFor(t.Context(), []string{anyChange}); err != nil || len(e.subsets) != 2 {
		t.Errorf("%v; the rules for changes were not compiled with them", err)
	}
}
