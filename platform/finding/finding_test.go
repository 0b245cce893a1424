package finding_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/finding"
)

func TestPosition(t *testing.T) {
	t.Parallel()
	cases := []struct {
		at   finding.Position
		want string
	}{
		{finding.Position{}, ""},
		{finding.Position{File: "a.yaml"}, "a.yaml"},
		{finding.Position{File: "a.yaml", Line: 3}, "a.yaml:3"},
		{finding.Position{File: "a.yaml", Line: 3, Column: 7}, "a.yaml:3:7"},
		{finding.Position{File: "a.yaml", Column: 7}, "a.yaml"},
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, c.at.String()); diff != "" {
			t.Errorf("%#v (-want +got):\n%s", c.at, diff)
		}
	}
}

func TestObject(t *testing.T) {
	t.Parallel()
	cases := []struct {
		object      finding.Object
		text, group string
	}{
		{finding.Object{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"}, "Deployment shop/web", "apps"},
		{finding.Object{APIVersion: "v1", Kind: "Namespace", Name: "shop"}, "Namespace shop", ""},
	}
	for _, c := range cases {
		if diff := cmp.Diff([]string{c.text, c.group}, []string{c.object.String(), c.object.Group()}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.text, diff)
		}
		if c.object.IsZero() {
			t.Errorf("%s is called zero", c.text)
		}
	}
	if !(finding.Object{}).IsZero() {
		t.Error("the zero object is not called zero")
	}
}

func TestDenies(t *testing.T) {
	t.Parallel()
	cases := []struct {
		severity finding.Severity
		class    finding.Class
		want     bool
	}{
		{finding.Error, "", true},
		{finding.Error, finding.New, true},
		{finding.Error, finding.PreExisting, true},
		{finding.Error, finding.Waived, false},
		{finding.Error, finding.Fixed, false},
		{finding.Error, finding.Unknown, false},
		{finding.Warning, "", false},
		{finding.Info, finding.New, false},
	}
	for _, c := range cases {
		if got := (finding.Finding{Severity: c.severity, Class: c.class}).Denies(); got != c.want {
			t.Errorf("%s, class %q: denies = %v", c.severity, c.class, got)
		}
	}
}

// TestFingerprint holds what a fingerprint survives and what it tells apart.
func TestFingerprint(t *testing.T) {
	t.Parallel()
	base := finding.Finding{
		Rule: "DT-SEC-001", Severity: finding.Error, Message: "runs as root", Component: "shop", Pointer: "/spec",
		Object:   finding.Object{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"},
		Position: finding.Position{File: "a.yaml", Line: 3}, Clusters: []string{"hub"},
	}
	cases := []struct {
		name string
		edit func(*finding.Finding)
		same bool
	}{
		{"line", func(f *finding.Finding) { f.Position.Line = 4 }, true},
		{"clusters", func(f *finding.Finding) { f.Clusters = []string{"edge-1"} }, true},
		{"API version within the group", func(f *finding.Finding) { f.Object.APIVersion = "apps/v2" }, true},
		{"class", func(f *finding.Finding) { f.Class = finding.New }, true},
		{"rule", func(f *finding.Finding) { f.Rule = "DT-SEC-002" }, false},
		{"object", func(f *finding.Finding) { f.Object.Name = "api" }, false},
		{"pointer", func(f *finding.Finding) { f.Pointer = "/spec/template" }, false},
		{"message", func(f *finding.Finding) { f.Message = "may run as root" }, false},
		{"a border between two fields", func(f *finding.Finding) { f.Object.Namespace, f.Object.Name = "sho", "pweb" }, false},
	}
	want := base.WithFingerprint().Fingerprint
	if len(want) != 16 {
		t.Errorf("fingerprint %q is not 16 digits", want)
	}
	for _, c := range cases {
		f := base
		c.edit(&f)
		if got := f.WithFingerprint().Fingerprint; (got == want) != c.same {
			t.Errorf("another %s: same fingerprint = %v", c.name, got == want)
		}
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	at := func(line int) finding.Position { return finding.Position{File: "a.yaml", Line: line} }
	in := []finding.Finding{
		{Rule: "B", Severity: finding.Info, Message: "m", Position: at(1)},
		{Rule: "B", Severity: finding.Warning, Message: "m", Position: at(9), Clusters: []string{"hub"}},
		{Rule: "A", Severity: finding.Error, Message: "m", Position: at(5), Clusters: []string{"hub"}},
		{Rule: "A", Severity: finding.Error, Message: "m", Position: at(5), Clusters: []string{"edge-2", "edge-1", "hub"}},
		{Rule: "A", Severity: finding.Error, Message: "m", Position: at(5), Class: finding.Waived},
		{Rule: "C", Severity: finding.Error, Message: "m", Position: at(2)},
		{Rule: "D", Severity: "other", Message: "m"},
	}
	before := in[2].Clusters
	got := finding.Merge(in)
	for i := range got {
		got[i].Fingerprint = ""
	}
	want := []finding.Finding{
		{Rule: "C", Severity: finding.Error, Message: "m", Position: at(2)},
		{Rule: "A", Severity: finding.Error, Message: "m", Position: at(5), Clusters: []string{"edge-1", "edge-2", "hub"}},
		{Rule: "A", Severity: finding.Error, Message: "m", Position: at(5), Class: finding.Waived},
		{Rule: "B", Severity: finding.Warning, Message: "m", Position: at(9), Clusters: []string{"hub"}},
		{Rule: "B", Severity: finding.Info, Message: "m", Position: at(1)},
		{Rule: "D", Severity: "other", Message: "m"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"hub"}, before); diff != "" {
		t.Errorf("Merge changed its input (-want +got):\n%s", diff)
	}
}

// TestMergePlaces: what stands in several files is mended in each of them, so
// merging again, or taking a cluster out, loses none.
func TestMergePlaces(t *testing.T) {
	t.Parallel()
	at := func(file string) finding.Position { return finding.Position{File: file, Line: 3} }
	f := func(file string, clusters ...string) finding.Finding {
		return finding.Finding{Rule: "A", Severity: finding.Error, Message: "m", Component: "app", Position: at(file), Clusters: clusters}
	}
	want := f("a.yaml", "dev", "prod", "test")
	want.Places = []finding.Place{
		{Position: at("a.yaml"), Clusters: []string{"dev", "test"}}, {Position: at("b.yaml"), Clusters: []string{"prod", "test"}},
	}
	want = want.WithFingerprint()
	nowhere := f("", "dev")
	nowhere.Position = finding.Position{}
	once := finding.Merge([]finding.Finding{f("a.yaml", "dev"), f("b.yaml", "prod"), f("a.yaml", "test"), f("b.yaml", "test"), nowhere})
	if diff := cmp.Diff([]finding.Finding{want}, once); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
	var apart []finding.Finding
	for _, name := range once[0].Clusters {
		apart = append(apart, once[0].On(name))
	}
	if diff := cmp.Diff([]finding.Finding{want}, finding.Merge(apart)); diff != "" {
		t.Errorf("merged again (-want +got):\n%s", diff)
	}
	places := map[string]int{}
	for _, one := range apart {
		places[one.Clusters[0]+" "+one.Position.File] = len(one.Places)
	}
	if diff := cmp.Diff(map[string]int{"dev a.yaml": 0, "prod b.yaml": 0, "test a.yaml": 2}, places); diff != "" {
		t.Errorf("apart (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]finding.Finding{f("a.yaml", "dev").WithFingerprint()}, finding.Merge([]finding.Finding{nowhere, f("a.yaml", "dev")})); diff != "" {
		t.Errorf("a place is better than none (-want +got):\n%s", diff)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(finding.Finding{Rule: "schema", Severity: finding.Error, Message: "m"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"rule":"schema","severity":"error","message":"m"}`, string(got)); diff != "" {
		t.Errorf("JSON leaves out what is not known (-want +got):\n%s", diff)
	}
}
