package catalog_test

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

var update = flag.Bool("update", false, "write what the program says into testdata")

// lay writes the good tree and, over it, the files of a case. A file whose name
// begins with "rm " is removed instead.
func lay(t testing.TB, over ...txtar.File) string {
	t.Helper()
	good, err := txtar.ParseFile(filepath.Join("testdata", "good.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range append(good.Files, over...) {
		if name, remove := strings.CutPrefix(f.Name, "rm "); remove {
			if err := os.RemoveAll(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
				t.Fatal(err)
			}
			continue
		}
		write(t, dir, f.Name, f.Data)
	}
	return dir
}

func write(t testing.TB, dir, name string, data []byte) {
	t.Helper()
	full := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func load(t testing.TB, dir string) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Load(dir)
	if err != nil {
		t.Fatalf("Load:\n%v", err)
	}
	return c
}

// TestBroken lays each case's files over the good tree and compares every
// problem, with its place and mend, against the case's "want".
func TestBroken(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob(filepath.Join("testdata", "broken", "*.txtar"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			last := len(ar.Files) - 1
			if ar.Files[last].Name != "want" {
				t.Fatalf("the last file of the case is %s, not want", ar.Files[last].Name)
			}
			_, err = catalog.Load(lay(t, ar.Files[:last]...))
			got := "no error\n"
			if err != nil {
				got = err.Error() + "\n"
			}
			problems, rest := finding.Gather(err)
			if rest != nil {
				t.Errorf("the machine is blamed for the tree: %v", rest)
			}
			for _, p := range problems {
				if p.Mend == "" || p.File == "" {
					t.Errorf("problem without a mend or a file: %v", p)
				}
			}
			if *update {
				ar.Files[last].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(ar.Files[last].Data), got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// TestForm has the trees that a text archive cannot hold.
func TestForm(t *testing.T) {
	t.Parallel()
	const file = "clusters/hub/cluster.yaml"
	cases := []struct {
		name string
		data string
		want string
	}{
		{"byte order mark", "\xef\xbb\xbfkind: Cluster\n", file + ":1:1: begins with a byte order mark; save the file as UTF-8 without a mark"},
		{"utf-16", "\xff\xfek\x00", file + ":1:1: is UTF-16; save the file as UTF-8"},
		{"carriage return", "kind: Cluster\nspec:\r\n", file + ":2:6: has a carriage return; save the file with line feeds (LF) only"},
		{"no utf-8", "kind: Cluster\nspec: é\xe9\n", file + ":2:8: has byte 0xe9, which is no UTF-8; save the file as UTF-8"},
		{"zero byte", "kind: \x00\n", file + ":1:7: has a zero byte; put a text file here"},
		{"tab begins a line", "kind: Cluster\nspec:\n\trole: hub\n", file + ":3:1: begins with a tab; indent with spaces"},
		{"tab after spaces", "kind: Cluster\nspec:\n  role: hub\n  \tsite: {}\n", file + ":4:3: a tab stands in the indentation; indent with spaces"},
		{"too long", strings.Repeat("# filler\n", 1<<17), file + ": is 1179648 bytes long; a file may have 1048576; split it"},
		{"empty", "", file + ": is empty; write one YAML document"},
		{"only a comment", "# nothing\n", file + ": is empty; write one YAML document"},
		{"deep", "spec: " + strings.Repeat("[", 200) + strings.Repeat("]", 200) + "\n", file + ":1:106: is nested more than 100 deep; flatten it"},
		{"deeper than the parser goes", "spec: " + strings.Repeat("[", 20000) + "\n", file + ":1: is no YAML: exceeded max depth of 10000; mend the quotes, brackets or indentation here or just above"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := catalog.Load(lay(t, txtar.File{Name: file, Data: []byte(c.data)}))
			if diff := cmp.Diff(c.want, errText(err)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestLinks(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	write(t, outside, "cluster.yaml", []byte("kind: Cluster\n"))
	write(t, outside, "chart/Chart.yaml", []byte("name: x\n"))
	cases := []struct {
		name, link, target, want string
	}{
		{"file, absolute", "clusters/hub/cluster.yaml", filepath.Join(outside, "cluster.yaml"),
			"clusters/hub/cluster.yaml: is a link that leaves the repository; put the content itself here"},
		{"file, relative", "clusters/hub/cluster.yaml", "../../../cluster.yaml",
			"clusters/hub/cluster.yaml: is a link that leaves the repository; put the content itself here"},
		{"nothing", "clusters/hub/cluster.yaml", "nowhere.yaml",
			"clusters/hub/cluster.yaml: is a link to nothing; mend or remove the link"},
		{"chart", "components/shop/chart", filepath.Join(outside, "chart"),
			"components/shop/component.yaml:8:13: spec.source.helm.path: there is no folder components/shop/chart; it is a link that leaves the repository"},
		{"within the tree", "components/shop/chart", "../base", "components/shop/component.yaml:8:13: spec.source.helm.path: components/shop/chart has no Chart.yaml; add it"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := lay(t, txtar.File{Name: "rm " + c.link})
			if err := os.Symlink(c.target, filepath.Join(dir, filepath.FromSlash(c.link))); err != nil {
				t.Fatal(err)
			}
			_, err := catalog.Load(dir)
			if diff := cmp.Diff(c.want, errText(err)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	c := load(t, lay(t))
	hub, edge, shop := c.Cluster("hub"), c.Cluster("edge-1"), c.Components["shop"]
	if c.Clusters[0] != hub || c.Cluster("nobody") != nil {
		t.Errorf("clusters are not hub first: %s", c.Clusters[0].Name)
	}
	type defaults struct {
		Kubernetes catalog.Kubernetes
		Etcd       catalog.Etcd
		Track      catalog.TrackSettings
		Nodes      []catalog.Node
		Provider   string
	}
	want := defaults{
		Kubernetes: catalog.Kubernetes{
			APIServers: 1, EncryptSecrets: true,
			PodSecurity: catalog.PodSecurity{Enforce: "baseline", Warn: "restricted", Audit: "restricted"},
			Audit:       catalog.Audit{Level: "Metadata", MaxSizeMB: 100, MaxBackups: 10},
			Requests:    catalog.Requests{Inflight: 400, MutatingInflight: 200},
			Kubelet: catalog.Kubelet{
				CPUManagerPolicy: "none", TopologyManagerPolicy: "none", TopologyManagerScope: "container", MemoryManagerPolicy: "None",
				EvictionMemory: "100Mi",
			},
		},
		Etcd: catalog.Etcd{
			Members: 1, Line: "newest", GOGC: 100, BatchInterval: catalog.Duration(100 * time.Millisecond),
			BatchLimit: 10000, SnapshotCount: 10000, Quota: "2Gi",
			HeartbeatInterval: catalog.Duration(100 * time.Millisecond), ElectionTimeout: catalog.Duration(time.Second),
		},
		Track: catalog.TrackSettings{ArgoDiff: "three-way"},
		Nodes: []catalog.Node{{
			Name: "worker", Count: 1, Taints: []catalog.Taint{{Key: "dedicated", Effect: "NoSchedule"}},
			Capacity: catalog.Capacity{CPU: "4", Memory: "8Gi", Pods: 110, NUMANodes: 1},
		}},
		Provider: "embedded",
	}
	got := defaults{edge.Spec.Kubernetes, edge.Spec.Etcd, edge.Spec.Track, edge.Spec.Nodes, edge.Spec.Provider}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defaults of edge-1 (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("2.3.1", shop.Spec.Version); diff != "" {
		t.Errorf("version from the baseline (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("sha256:not-a-digest", c.Baseline.Spec.Images["shop"].Digest); diff != "" {
		t.Errorf("a malformed digest is policy's matter (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"worker-1", "worker-2", "worker-3"}, hub.Spec.Nodes[0].Names()); diff != "" {
		t.Errorf("node names (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(catalog.Duration(3*time.Second), c.Fleet.Spec.Settle); diff != "" {
		t.Errorf("settle (-want +got):\n%s", diff)
	}
	if len(c.Exceptions) != 1 || c.Exceptions[0].Expires != "2026-12-31" {
		t.Errorf("exceptions: %+v", c.Exceptions)
	}
}

func TestSilences(t *testing.T) {
	t.Parallel()
	wanted := load(t, lay(t)).Wanted()
	if len(wanted) != 1 {
		t.Fatalf("%d silences, want 1", len(wanted))
	}
	var matchers []string
	for _, m := range wanted[0].Matchers {
		matchers = append(matchers, m.String())
	}
	if diff := cmp.Diff([]string{`site="edge-1"`, `severity=~"ticket|info"`, `team!=""`}, matchers); diff != "" {
		t.Errorf("matchers (-want +got):\n%s", diff)
	}
	from, until := wanted[0].Span()
	if until.Sub(from) != 26*time.Hour || wanted[0].Over(until.Add(-time.Second)) || !wanted[0].Over(until) {
		t.Errorf("from %s until %s, over one second before %v, then %v", from, until, wanted[0].Over(until.Add(-time.Second)), wanted[0].Over(until))
	}
}

// TestPlaces holds the positions that later packages put into findings.
func TestPlaces(t *testing.T) {
	t.Parallel()
	c := load(t, lay(t))
	hub, edge, shop := c.Cluster("hub"), c.Cluster("edge-1"), c.Components["shop"]
	values := hub.Spec.Components[1].Values
	cases := []struct {
		name string
		at   finding.Position
		want string
	}{
		{"cluster's component", hub.Spec.Components[1].Position, "clusters/hub/cluster.yaml:27:7"},
		{"its values", values.Position, "clusters/hub/cluster.yaml:28:7"},
		{"one value", values.Lines["replicas"], "clusters/hub/cluster.yaml:29:19"},
		{"a mapping of values", values.Lines["gateway"], "clusters/hub/cluster.yaml:30:9"},
		{"a value inside", values.Lines["gateway.host"], "clusters/hub/cluster.yaml:31:17"},
		{"patch", edge.Spec.Components[0].Patches[1].Position, "clusters/edge-1/cluster.yaml:25:11"},
		{"values of a component", shop.Spec.Source.Helm.Values.Lines["ports[1]"], "components/shop/component.yaml:11:21"},
		{"image", c.Baseline.Spec.Images["shop"].Position, "components/baseline.yaml:10:5"},
		{"exception", c.Exceptions[0].Position, "policies/exceptions.yaml:7:7"},
		{"silence", c.Silences[0].Spec.Silences[0].Position, "policies/silences/shop.yaml:6:7"},
		{"its end", c.Silences[0].At("spec.silences[0].until"), "policies/silences/shop.yaml:9:14"},
		{"field", hub.At("spec.etcd.gogc"), "clusters/hub/cluster.yaml:17:11"},
		{"absent field", hub.At("spec.etcd.snapshotCount"), "clusters/hub/cluster.yaml:15:3"},
		{"absent entry", c.Baseline.At("spec.images.nobody.tag"), "components/baseline.yaml:9:3"},
		{"fleet", c.Fleet.At("spec.waves[0].clusters[0]"), "clusters/fleet.yaml:8:18"},
		{"nothing", hub.At("nowhere"), "clusters/hub/cluster.yaml"},
	}
	for _, tc := range cases {
		if diff := cmp.Diff(tc.want, tc.at.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	c := load(t, lay(t, txtar.File{Name: "components/shop/component.yaml", Data: []byte(`apiVersion: platform.dualtrack.internal/v1alpha1
kind: Component
metadata: {name: shop}
spec:
  roles: [hub]
  settable: ["*"]
  dependsOn: [base]
  source:
    helm:
      path: chart
      values:
        anchor: &a {x: 1, y: {z: 0x10}}
        merged: {<<: *a, x: two}
        again: *a
        8080: port
        country: NO
        when: 2026-01-02
        text: |
          a	b
`)}))
	inner := map[string]any{"z": int64(16)}
	want := map[string]any{
		"anchor": map[string]any{"x": int64(1), "y": inner}, "again": map[string]any{"x": int64(1), "y": inner},
		"merged": map[string]any{"x": "two", "y": inner},
		"8080":   "port", "country": "NO", "when": "2026-01-02", "text": "a\tb\n",
	}
	if diff := cmp.Diff(want, c.Components["shop"].Spec.Source.Helm.Values.Map); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

func TestFindRoot(t *testing.T) {
	t.Parallel()
	dir := lay(t)
	got, err := catalog.FindRoot(filepath.Join(dir, "components", "shop"))
	if err != nil || got != dir {
		t.Errorf("FindRoot = %q, %v; want %q", got, err, dir)
	}
	if _, err := catalog.FindRoot(t.TempDir()); err == nil {
		t.Error("FindRoot outside a repository gave no error")
	} else if _, ok := errors.AsType[*finding.Problem](err); !ok {
		t.Errorf("FindRoot outside a repository gave %T, not a problem", err)
	}
}

func TestException(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)
	cases := []struct {
		expires string
		now     time.Time
		want    bool
	}{
		{"2026-12-31", day.Add(-time.Hour), false},
		{"2026-12-31", day.Add(24*time.Hour - time.Second), false},
		{"2026-12-31", day.Add(24 * time.Hour), true},
		{"2026-12-31", day.Add(30 * time.Hour).In(time.FixedZone("west", -12*3600)), true},
		{"never", day, true},
	}
	for _, c := range cases {
		if got := (catalog.Exception{Expires: c.expires}).Expired(c.now); got != c.want {
			t.Errorf("expires %s, now %s: expired = %v", c.expires, c.now, got)
		}
	}
}

func TestImageRef(t *testing.T) {
	t.Parallel()
	cases := []struct{ digest, want string }{
		{"", "r/shop:1"}, {catalog.Unresolved, "r/shop:1"}, {"sha256:ab", "r/shop:1@sha256:ab"},
	}
	for _, c := range cases {
		got := catalog.Image{Repository: "r/shop", Tag: "1", Digest: c.digest}.Ref()
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("digest %q (-want +got):\n%s", c.digest, diff)
		}
	}
}

// TestTreeRefuses has what Files meets and gives no list of.
func TestTreeRefuses(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	cases := []struct{ name, target, want string }{
		{"a link to a folder", "all", "components/base/link: is a link to a folder; put the folder itself here"},
		{"a link out", outside, "components/base/link: is a link that leaves the repository; put the content itself here"},
		{"a link to nothing", "nowhere", "components/base/link: is a link to nothing; mend or remove the link"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := lay(t)
			if err := os.Symlink(c.target, filepath.Join(dir, "components", "base", "link")); err != nil {
				t.Fatal(err)
			}
			tree, err := catalog.OpenTree(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer tree.Close()
			_, err = tree.Files("components")
			if diff := cmp.Diff(c.want, errText(err)); diff != "" {
				t.Errorf("Files (-want +got):\n%s", diff)
			}
		})
	}
	if _, err := catalog.OpenTree(filepath.Join(outside, "nowhere")); err == nil {
		t.Error("OpenTree of a missing folder gave no error")
	}
}

func TestTree(t *testing.T) {
	t.Parallel()
	dir := lay(t)
	write(t, dir, "components/.hidden/x", nil)
	tree, err := catalog.OpenTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	files, err := tree.Files("components/base")
	want := []string{"components/base/all/kustomization.yaml", "components/base/component.yaml", "components/base/hub/kustomization.yaml"}
	if diff := cmp.Diff(want, files); diff != "" || err != nil {
		t.Errorf("Files: %v (-want +got):\n%s", err, diff)
	}
	dirs, err := tree.Dirs("components")
	if diff := cmp.Diff([]string{"base", "shop"}, dirs); diff != "" || err != nil {
		t.Errorf("Dirs: %v (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{"../x", "/etc/passwd", `a\b`, "a/../../b", ""} {
		if _, err := tree.Read(bad); err == nil {
			t.Errorf("Read(%q) gave no error", bad)
		}
	}
	if _, err := tree.Read("clusters/nobody.yaml"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Read of a missing file gave %v", err)
	}
	if _, err := tree.Read("clusters"); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("Read of a folder gave %v", err)
	}
}

// TestRepository loads the tree of the repository itself.
func TestRepository(t *testing.T) {
	t.Parallel()
	root, err := catalog.FindRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	load(t, root)
}

func BenchmarkLoad(b *testing.B) {
	root, err := catalog.FindRoot(".")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		load(b, root)
	}
}
