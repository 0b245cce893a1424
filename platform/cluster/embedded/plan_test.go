package embedded

import (
	goflag "flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/tool"
)

var update = goflag.Bool("update", false, "rewrite golden files")

// testPlanner is a planner of a cluster nobody starts.
func testPlanner(change func(*catalog.Cluster)) planner {
	c := &catalog.Cluster{Name: "edge-1", File: "clusters/edge-1/cluster.yaml"}
	c.Spec.Kubernetes = catalog.Kubernetes{APIServers: 1, EncryptSecrets: true, Audit: catalog.Audit{Level: "Metadata", MaxSizeMB: 20, MaxBackups: 3}}
	c.Spec.Etcd = catalog.Etcd{
		Members: 1, GOGC: 100, BatchInterval: catalog.Duration(100 * time.Millisecond),
		BatchLimit: 10000, SnapshotCount: 10000, Quota: "2Gi",
	}
	if change != nil {
		change(c)
	}
	pl := planner{
		layout:   layout{name: "edge-1", root: "/state/edge-1"},
		spec:     cluster.Spec{Fleet: "demo", Cluster: c, Kubernetes: "v1.99.0"},
		programs: map[string]string{"etcd": "/bin/etcd", "controlplane": "/bin/controlplane", "kwok": "/bin/kwok", "balancer": "/bin/balancer"},
		ports:    map[string]int{},
	}
	for i, name := range pl.portNames() {
		pl.ports[name] = 20000 + i
	}
	return pl
}

func TestPlan(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*catalog.Cluster){
		"single": nil,
		"ha": func(c *catalog.Cluster) {
			c.Spec.Etcd.Members, c.Spec.Kubernetes.APIServers = 3, 2
		},
		"settings": func(c *catalog.Cluster) {
			c.Spec.Etcd = catalog.Etcd{
				Members: 1, GOGC: 50, GOMemLimit: "1536Mi", BatchInterval: catalog.Duration(10 * time.Millisecond),
				BatchLimit: 500, SnapshotCount: 2500, Quota: "512Mi",
			}
			c.Spec.Kubernetes.Audit.Level = "None"
			c.Spec.Kubernetes.AdmissionPlugins = []string{"AlwaysPullImages"}
			c.Spec.Kubernetes.ExtraArgs = catalog.ExtraArgs{
				APIServer:         map[string]string{"goaway-chance": "0.01", "profiling": "true"},
				ControllerManager: map[string]string{"concurrent-deployment-syncs": "2", "kube-api-qps": "40"},
				Scheduler:         map[string]string{"kube-api-qps": "30"},
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pl := testPlanner(change)
			procs, err := pl.plan()
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for _, p := range procs {
				fmt.Fprintf(&b, "== %s (stage %d) env %s\n%s\n", p.name, p.stage, strings.Join(p.env, " "), strings.Join(p.argv(), "\n  "))
				fmt.Fprintf(&b, "probe %s\nreads %s\n", p.probe.url, strings.Join(p.inputs, " "))
			}
			golden(t, name+".argv", b.String())
		})
	}
}

func TestConf(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	plain := testPlanner(func(c *catalog.Cluster) {
		c.Spec.Kubernetes.EncryptSecrets = false
		c.Spec.Kubernetes.Audit.Level = "Request"
		c.Spec.Kubernetes.PodSecurity = catalog.PodSecurity{Enforce: "privileged", Warn: "baseline", Audit: "baseline"}
	})
	for i, pl := range []planner{testPlanner(nil), plain} {
		for _, doc := range []object{pl.admission(), pl.encryption("KEY"), pl.auditPolicy()} {
			data, err := yaml.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "--- # %d\n%s", i, data)
		}
	}
	golden(t, "conf.yaml", b.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*catalog.Cluster)
		want   string
	}{
		"a flag of the provider's own": {
			func(c *catalog.Cluster) {
				c.Spec.Kubernetes.ExtraArgs.Scheduler = map[string]string{"bind-address": "0.0.0.0"}
			}, "clusters/edge-1/cluster.yaml: spec.kubernetes.extraArgs.scheduler.bind-address: this flag is the provider's own",
		},
		"a quota that is no quantity":  {func(c *catalog.Cluster) { c.Spec.Etcd.Quota = "much" }, "spec.etcd.quota"},
		"a memory limit below nothing": {func(c *catalog.Cluster) { c.Spec.Etcd.GOMemLimit = "-1" }, "spec.etcd.goMemLimit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := testPlanner(tc.change).plan()
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("plan answers %v, want %q", err, tc.want)
			}
			if problems, _ := finding.Gather(err); strings.HasPrefix(tc.want, "clusters/") && len(problems) != 1 {
				t.Errorf("%d problems, want 1", len(problems))
			}
		})
	}
}

// TestSettingsHash says which programs a change restarts.
func TestSettingsHash(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*catalog.Cluster)
		want   []string
	}{
		"GOGC":             {func(c *catalog.Cluster) { c.Spec.Etcd.GOGC = 50 }, []string{"etcd"}},
		"audit size":       {func(c *catalog.Cluster) { c.Spec.Kubernetes.Audit.MaxSizeMB = 1 }, []string{"kube-apiserver"}},
		"audit level":      {func(c *catalog.Cluster) { c.Spec.Kubernetes.Audit.Level = "Request" }, []string{"kube-apiserver"}},
		"Pod Security":     {func(c *catalog.Cluster) { c.Spec.Kubernetes.PodSecurity.Enforce = "restricted" }, []string{"kube-apiserver"}},
		"encryption":       {func(c *catalog.Cluster) { c.Spec.Kubernetes.EncryptSecrets = false }, []string{"kube-apiserver"}},
		"nodes":            {func(c *catalog.Cluster) { c.Spec.Nodes = []catalog.Node{{Name: "n"}} }, nil},
		"scheduler's flag": {func(c *catalog.Cluster) { c.Spec.Kubernetes.ExtraArgs.Scheduler = map[string]string{"v": "2"} }, []string{"kube-scheduler"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := layout{name: "edge-1", root: t.TempDir()}
			if err := l.makeFolders(); err != nil {
				t.Fatal(err)
			}
			if _, err := l.ensurePKI(time.Now(), false); err != nil {
				t.Fatal(err)
			}
			before, after := hashes(t, l, nil), hashes(t, l, tc.change)
			var got []string
			for _, program := range slices.Sorted(maps.Keys(after)) {
				if before[program] != after[program] {
					got = append(got, program)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("restarted (-want +got):\n%s", diff)
			}
		})
	}
}

func hashes(t *testing.T, l layout, change func(*catalog.Cluster)) map[string]string {
	t.Helper()
	pl := testPlanner(change)
	pl.layout = l
	if err := pl.writeConf(); err != nil {
		t.Fatal(err)
	}
	procs, err := pl.plan()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, p := range procs {
		if out[p.name], err = p.settings(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestEtcdLine(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{"": tool.Etcd, "newest": tool.Etcd, "supported": tool.Etcd35} {
		pl := testPlanner(nil)
		c := *pl.spec.Cluster
		c.Spec.Etcd.Line = line
		pl.spec.Cluster = &c
		if got := pl.binaries()[1]; got != want {
			t.Errorf("line %q runs %s, want %s", line, got, want)
		}
	}
}
