//go:build node

// Package node runs the built program with real nodes: clusters of kind on a
// Docker engine, from the node image that it makes, with pods that really run.
// It needs root and an engine: `task node` brings one.
package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// limit bounds one command of the program; the first makes the node image.
const limit = 30 * time.Minute

// built is the program and the repository that it was built from.
var built struct{ path, root string }

func TestMain(m *testing.M) {
	os.Exit(run(context.Background(), m))
}

func run(ctx context.Context, m *testing.M) int {
	dir, err := os.MkdirTemp("", "node")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		built.path = filepath.Join(dir, "platform")
		built.root, err = filepath.Abs("../..")
	}
	if err == nil {
		build := exec.CommandContext(ctx, "go", "build", "-o", built.path, "./platform")
		build.Dir, build.Stderr = built.root, os.Stderr
		err = build.Run()
	}
	if err == nil {
		err = exec.CommandContext(ctx, "docker", "version").Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "node: these tests need the program and a Docker engine:", err)
		return 1
	}
	return m.Run()
}

// fleet is a repository and state of its own.
type fleet struct{ repo, state string }

// newFleet makes a repository of a hub and a site that run this repository's
// base, order service, care of etcd and store of traces. What it starts is taken down when the test ends.
func newFleet(t *testing.T, hub, site string) *fleet {
	t.Helper()
	home := t.TempDir()
	f := &fleet{repo: filepath.Join(home, "my fleet"), state: filepath.Join(home, "state")}
	for _, folder := range []string{"policies", "components/base", "components/order-service", "components/etcd-backup", "components/jaeger", "tools"} {
		if err := os.CopyFS(filepath.Join(f.repo, folder), os.DirFS(filepath.Join(built.root, folder))); err != nil {
			t.Fatal(err)
		}
	}
	baseline, err := os.ReadFile(filepath.Join(built.root, "components", "baseline.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	component, err := os.ReadFile(filepath.Join(f.repo, "components", "order-service", "component.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	f.write(t, "components/baseline.yaml", string(baseline))
	// The collector that it reports to is not part of this fleet.
	f.write(t, "components/order-service/component.yaml", strings.Replace(string(component), "dependsOn: [base, otel]", "dependsOn: [base]", 1))
	f.write(t, "policies/exceptions.yaml", envelope("Exceptions", "exceptions")+"spec: {exceptions: []}\n")
	f.write(t, "clusters/fleet.yaml", envelope("Fleet", "nodetest")+`spec:
  settle: 3s
  waves: [{name: all, clusters: [site]}]
  policy: {registries: [registry.dualtrack.internal]}
`)
	f.write(t, "clusters/hub/cluster.yaml", envelope("Cluster", "hub")+hub)
	f.write(t, "clusters/site/cluster.yaml", envelope("Cluster", "site")+site)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Minute)
		defer cancel()
		if got := f.runContext(ctx, t, "down", "--all", "--purge"); got.code != 0 {
			t.Errorf("down after the test: exit %d\n%s", got.code, got.stderr)
		}
	})
	return f
}

func envelope(kind, name string) string {
	return "apiVersion: platform.dualtrack.internal/v1alpha1\nkind: " + kind + "\nmetadata: {name: " + name + "}\n"
}

func (f *fleet) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(f.repo, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// outcome is what one command left.
type outcome struct {
	code           int
	stdout, stderr string
	took           time.Duration
}

func (f *fleet) run(t *testing.T, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return f.runContext(ctx, t, args...)
}

func (f *fleet) runContext(ctx context.Context, t *testing.T, args ...string) outcome {
	t.Helper()
	cmd := exec.CommandContext(ctx, built.path, args...)
	cmd.Dir, cmd.Env = f.repo, append(os.Environ(), "DUALTRACK_STATE_DIR="+f.state)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	began := time.Now()
	err := cmd.Run()
	got := outcome{stdout: stdout.String(), stderr: stderr.String(), took: time.Since(began)}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got.code = exit.ExitCode()
	} else if err != nil {
		t.Fatalf("platform %s: %v", strings.Join(args, " "), err)
	}
	t.Logf("platform %s: exit %d, %.1f s", strings.Join(args, " "), got.code, got.took.Seconds())
	return got
}

func (o outcome) want(t *testing.T, code int) outcome {
	t.Helper()
	if o.code != code {
		t.Fatalf("exit %d, want %d\n%s\n%s", o.code, code, o.stdout, o.stderr)
	}
	return o
}

// report is what these tests read of a result.
type report struct {
	Clusters []struct {
		Name, State, Error, HealthEvidence string
		Changed                            []string
		Waiting                            []struct{ Why string }
		Tracks                             []struct {
			Name                           string
			OK                             bool
			Objects, Healthy, NotJudgeable int
			Against                        []struct {
				Object             struct{ Kind, Name string }
				Health, Why, Sync  string
				Native             string
				ObservedGeneration int
			}
		}
	}
}

func (o outcome) report(t *testing.T) report {
	t.Helper()
	var r report
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil {
		t.Fatalf("%v in\n%s", err, o.stdout)
	}
	return r
}

// client speaks with a cluster as its administrator, without the product's code.
func (f *fleet) client(t *testing.T, name string) *kubernetes.Clientset {
	t.Helper()
	path := strings.TrimSpace(f.run(t, "kubeconfig", name, "--path").want(t, 0).stdout)
	cfg, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	cfg.QPS = -1
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// output runs a program of this machine.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, said.String())
	}
	return string(out)
}

// machine is what clusters may change on this machine, and must put back.
// Kernel settings that a kubelet changes are put back when the engine stops.
func machine(t *testing.T) map[string][]string {
	t.Helper()
	counters := regexp.MustCompile(`\[[0-9]+:[0-9]+\]|packets [0-9]+ bytes [0-9]+|# handle [0-9]+`)
	lines := func(text string) []string {
		var out []string
		for _, line := range strings.Split(text, "\n") {
			if line = strings.TrimSpace(counters.ReplaceAllString(line, "")); line != "" && !strings.HasPrefix(line, "#") {
				out = append(out, line)
			}
		}
		slices.Sort(out)
		return out
	}
	return map[string][]string{
		"containers": lines(output(t, "docker", "ps", "-aq")),
		"networks":   lines(output(t, "docker", "network", "ls", "--no-trunc", "--format", "{{.ID}} {{.Name}}")),
		"volumes":    lines(output(t, "docker", "volume", "ls", "-q")),
		"rules":      lines(output(t, "iptables-save")),
		"tables":     lines(output(t, "nft", "list", "ruleset")),
		"links":      engines(lines(output(t, "sh", "-c", "ls /sys/class/net"))),
		"routes":     engines(lines(output(t, "ip", "route"))),
		"forwarding": lines(output(t, "sysctl", "net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding", "net.ipv6.conf.all.forwarding")),
	}
}

// engines leaves what an engine of containers makes: others may be at work.
func engines(lines []string) []string {
	made := regexp.MustCompile(`(^| )(br-|veth|docker)`)
	return slices.DeleteFunc(lines, func(l string) bool { return !made.MatchString(l) })
}

func unchanged(t *testing.T, before map[string][]string) {
	t.Helper()
	if diff := cmp.Diff(before, machine(t)); diff != "" {
		t.Errorf("the machine (-before +after):\n%s", diff)
	}
}
