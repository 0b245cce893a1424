//go:build linux

package kind

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/cluster"
)

// fakeDocker puts a docker into PATH that notes what it is asked and answers by
// a shell script.
func fakeDocker(t *testing.T, script string) (calls func() []string) {
	t.Helper()
	dir := t.TempDir()
	text := "#!/bin/sh\necho \"$*\" >>" + dir + "/calls\n" + script + "\n"
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/bin:/usr/bin")
	return func() []string {
		data, err := os.ReadFile(filepath.Join(dir, "calls"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(string(data)), "\n")
	}
}

func testProvider(t *testing.T) *Provider {
	t.Helper()
	p, err := New(Config{StateDir: t.TempDir(), Image: func(context.Context) (Image, error) {
		return Image{Ref: "example.org/node:1"}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestNoEngine says what was tried, in every command.
func TestNoEngine(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	p := testProvider(t)
	_, err := p.Start(t.Context(), testSpec(nil), cluster.Events{})
	lack, ok := errors.AsType[*NoEngineError](err)
	if !ok {
		t.Fatalf("start answers %v", err)
	}
	want := []string{"docker: not in PATH", "nerdctl: not in PATH", "podman: not in PATH"}
	if diff := cmp.Diff(want, lack.Tried); diff != "" {
		t.Errorf("tried (-want +got):\n%s", diff)
	}
	if p.Knows("edge-1") {
		t.Error("a start without an engine left state")
	}
	_, err = p.Status(t.Context(), "edge-1")
	if err == nil || !strings.Contains(err.Error(), "cluster edge-1: no engine of containers answers (docker: not in PATH;") || errors.Is(err, cluster.ErrNotRunning) {
		t.Errorf("status, which `doctor` shows, answers %v", err)
	}
	if err := errors.Join(p.Stop(t.Context(), "edge-1"), p.Remove(t.Context(), "edge-1")); err != nil {
		t.Errorf("stop and remove of what is not there: %v", err)
	}
}

func TestEngineThatDoesNotAnswer(t *testing.T) {
	fakeDocker(t, "echo Cannot connect to the daemon >&2; exit 1")
	_, err := detect(t.Context())
	if err == nil || !strings.Contains(err.Error(), "docker: docker version: exit status 1: Cannot connect to the daemon") {
		t.Errorf("detect answers %v", err)
	}
}

func TestImageIsNotPulled(t *testing.T) {
	calls := fakeDocker(t, `case "$1" in image) exit 1;; esac`)
	p := testProvider(t)
	_, err := p.Start(t.Context(), testSpec(nil), cluster.Events{})
	if missing, ok := errors.AsType[*ImageError](err); !ok || missing.Image != "example.org/node:1" {
		t.Errorf("start answers %v", err)
	}
	if left, err := os.ReadDir(p.cfg.StateDir); err != nil || len(left) > 0 {
		t.Errorf("state is left: %v, %v", left, err)
	}
	for _, call := range calls() {
		if strings.HasPrefix(call, "pull") || strings.HasPrefix(call, "run") {
			t.Errorf("the engine was asked: %s", call)
		}
	}
}

// inspected is what an engine says of one container.
func inspected(name, source string) string {
	return fmt.Sprintf(`[{"Name":"/%s","State":{"Status":"running","Pid":7},"Mounts":[{"Source":%q,"Destination":%q}]}]`, name, source, confFolder)
}

// TestForeign refuses containers of another state folder.
func TestForeign(t *testing.T) {
	const name = "dualtrack-demo-edge-1-control-plane"
	calls := fakeDocker(t, `case "$1" in
ps) echo `+name+`;;
inspect) echo '`+inspected(name, "/somewhere/else/conf")+`';;
esac`)
	_, err := testProvider(t).Start(t.Context(), testSpec(nil), cluster.Events{})
	if foreign, ok := errors.AsType[*ForeignError](err); !ok || foreign.Container != name || foreign.Source != "/somewhere/else/conf" {
		t.Errorf("start answers %v", err)
	}
	for _, call := range calls() {
		if strings.HasPrefix(call, "rm") {
			t.Errorf("somebody else's container was touched: %s", call)
		}
	}
}

// TestLoadImage gives an archive to a node under both of its names.
func TestLoadImage(t *testing.T) {
	p := testProvider(t)
	l, err := p.layout("edge-1")
	if err != nil {
		t.Fatal(err)
	}
	const name = "dualtrack-demo-edge-1-control-plane"
	calls := fakeDocker(t, `case "$1" in
ps) echo `+name+`;;
inspect) echo '`+inspected(name, l.path("conf"))+`';;
esac`)
	if err := l.writeIdentity(identity{Format: stateFormat, Fleet: "demo", Cluster: "edge-1", Name: "dualtrack-demo-edge-1", Ready: true}); err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(archive, []byte("tar"), 0o600); err != nil {
		t.Fatal(err)
	}
	image := cluster.ImageArchive{Path: archive, Ref: "example.org:5000/shop/orders:1", Digest: "sha256:abc"}
	if err := p.LoadImage(t.Context(), "edge-1", image); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, call := range calls() {
		if strings.HasPrefix(call, "exec") {
			got = append(got, call)
		}
	}
	want := []string{
		"exec " + name + " ctr --namespace k8s.io images ls -q name==example.org:5000/shop/orders@sha256:abc",
		"exec -i " + name + " ctr --namespace k8s.io images import --all-platforms --no-unpack -",
		"exec " + name + " ctr --namespace k8s.io images tag --force example.org:5000/shop/orders:1 example.org:5000/shop/orders@sha256:abc",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("in the node (-want +got):\n%s", diff)
	}
	image.Ref = "example.org:5000/shop/orders"
	if err := p.LoadImage(t.Context(), "edge-1", image); err == nil {
		t.Error("an image without a tag was taken")
	}
}

// TestSteps tells a listener kind's steps without its pictures.
func TestSteps(t *testing.T) {
	t.Parallel()
	l := layout{name: "edge-1", root: t.TempDir()}
	var got []string
	g, err := newLogger(l, cluster.Events{Step: func(name, step string, took time.Duration) {
		got = append(got, fmt.Sprintf("%s: %s %t", name, step, took > 0))
	}})
	if err != nil {
		t.Fatal(err)
	}
	g.V(0).Infof(" • %s  ...\n", "Preparing nodes 📦 📦 ")
	g.V(3).Info("kubeadm's words")
	g.V(0).Infof(" ✓ %s\n", "Preparing nodes 📦 📦 ")
	g.Warnf("%s", "careful")
	if err := g.close(); err != nil {
		t.Fatal(err)
	}
	want := []string{"edge-1: preparing nodes false", "edge-1: preparing nodes true"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	log := tail(l.log(), 1<<10)
	if !strings.Contains(log, "kubeadm's words") || !strings.Contains(log, "warning: careful") {
		t.Errorf("the log holds %q", log)
	}
	if short := tail(l.log(), 40); short == "" || strings.Count(short, "\n") > 0 {
		t.Errorf("the log's end is %q", short)
	}
}

func FuzzContainers(f *testing.F) {
	f.Add([]byte(inspected("a", "/b")))
	f.Add([]byte(`[{"Name":null,"NetworkSettings":{"Networks":{"kind":null}}}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		found, err := parseContainers(text)
		if err != nil {
			return
		}
		for _, c := range found {
			_, _ = c.address(), c.runs()
		}
		endpointOf(found)
		if all := names(found); !slices.IsSorted(all) {
			t.Errorf("not sorted: %q", all)
		}
	})
}
