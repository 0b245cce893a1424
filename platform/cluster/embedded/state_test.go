package embedded

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/tool"
)

// testProvider never gets as far as starting a program.
func testProvider(t *testing.T, dir string) *Provider {
	t.Helper()
	p, err := New(Config{StateDir: dir, Programs: func(context.Context) (map[string]string, error) {
		return map[string]string{"etcd": "/bin/false", "controlplane": "/bin/false", "kwok": "/bin/false", "balancer": "/bin/false"}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		state string // cluster.json
		spec  func(*cluster.Spec)
		want  string
	}{
		"a folder of another fleet":  {state: `{"format":1,"fleet":"other","cluster":"edge-1","etcdMembers":1}`, want: "fleet other, not to fleet demo"},
		"a folder of a later format": {state: `{"format":9,"fleet":"demo","cluster":"edge-1"}`, want: "has format 9 and this program knows 1"},
		"a damaged folder":           {state: `{"format":`, want: "removes the cluster"},
		"another number of members":  {state: `{"format":1,"fleet":"demo","cluster":"edge-1","etcdMembers":3}`, want: "3 members and cannot become 1"},
		"a name that is a path":      {spec: func(s *cluster.Spec) { s.Cluster.Name = "../x" }, want: "use lower case letters"},
		"no fleet":                   {spec: func(s *cluster.Spec) { s.Fleet = "" }, want: "the fleet has no name"},
		"no cluster":                 {spec: func(s *cluster.Spec) { s.Cluster = nil }, want: "no cluster given"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			spec := testPlanner(nil).spec
			if tc.spec != nil {
				tc.spec(&spec)
			}
			if tc.state != "" {
				if err := os.MkdirAll(filepath.Join(dir, "edge-1"), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, "edge-1", "cluster.json"), []byte(tc.state), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := testProvider(t, dir).Start(t.Context(), spec, cluster.Events{})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("start answers %v, want %q", err, tc.want)
			}
		})
	}
}

func TestStateFolderThatCannotBe(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := testProvider(t, filepath.Join(file, "state"))
	_, err := p.Start(t.Context(), testPlanner(nil).spec, cluster.Events{})
	if bad, ok := errors.AsType[*cluster.StorageError](err); !ok || !strings.HasPrefix(bad.Path, file) {
		t.Errorf("start answers %v", err)
	}
	if _, err := cluster.Lock(t.Context(), filepath.Join(file, "state"), "testing", nil); err == nil {
		t.Error("the lock has no error")
	}
}

func TestUnknownCluster(t *testing.T) {
	t.Parallel()
	p := testProvider(t, t.TempDir())
	_, access := p.Access(t.Context(), "none")
	_, status := p.Status(t.Context(), "none")
	for name, err := range map[string]error{
		"access": access, "status": status, "logs": p.Logs(t.Context(), "none", "etcd", 1, os.Stderr),
	} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s answers %v", name, err)
		}
	}
}

// TestPorts has two clusters of one folder pick ports in turn.
func TestPorts(t *testing.T) {
	t.Parallel()
	p := testProvider(t, t.TempDir())
	ports := map[int]string{}
	for _, name := range []string{"a", "b"} {
		pl := testPlanner(nil)
		pl.layout, _ = p.layout(name)
		if err := pl.layout.makeFolders(); err != nil {
			t.Fatal(err)
		}
		id := identity{Format: stateFormat, Fleet: "demo", Cluster: name}
		_, release, err := p.ensurePorts(t.Context(), pl, &id, nil)
		if err != nil {
			t.Fatal(err)
		}
		release() // what is written down stays the cluster's
		for use, port := range id.Ports {
			if other := ports[port]; other != "" || port < 18000 || port > 32000 {
				t.Errorf("cluster %s: port %d for %s is out of range or another's (%s)", name, port, use, other)
			}
			ports[port] = name + " " + use
		}
		same := identity{Format: stateFormat, Fleet: "demo", Cluster: name, Ports: map[string]int{}}
		for use, port := range id.Ports {
			same.Ports[use] = port
		}
		changed, release, err := p.ensurePorts(t.Context(), pl, &same, nil)
		if err != nil {
			t.Fatal(err)
		}
		release()
		if diff := cmp.Diff(id.Ports, same.Ports); diff != "" || len(changed) > 0 {
			t.Errorf("ports changed (-want +got):\n%s%v", diff, changed)
		}
	}
}

func TestPortsRunOut(t *testing.T) {
	t.Parallel()
	p := testProvider(t, t.TempDir())
	p.cfg.FirstPort, p.cfg.LastPort = 18000, 18001
	_, err := p.Start(t.Context(), testPlanner(nil).spec, cluster.Events{})
	if err == nil || !strings.Contains(err.Error(), "no port from 18000 to 18001 is free") {
		t.Errorf("start answers %v", err)
	}
}

func TestFleetLock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	release, err := cluster.Lock(t.Context(), dir, "bringing clusters up", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = cluster.Lock(t.Context(), dir, "other", nil)
	held, ok := errors.AsType[*tool.HeldError](err)
	if !ok || held.Holder.PID != os.Getpid() || held.Holder.Doing != "bringing clusters up" || held.Holder.Since.IsZero() {
		t.Errorf("a held lock answers %v", err)
	}
	release()
	release, err = cluster.Lock(t.Context(), dir, "other", nil)
	if err != nil {
		t.Fatal(err)
	}
	release()
}

func TestLogs(t *testing.T) {
	t.Parallel()
	p := testProvider(t, t.TempDir())
	l, err := p.layout("c")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.makeFolders(), l.writeIdentity(identity{Format: stateFormat})); err != nil {
		t.Fatal(err)
	}
	for run := range 3 { // each start keeps the one before
		f, err := l.openLog("etcd")
		if err != nil {
			t.Fatal(err)
		}
		for line := range 3 {
			if _, err := f.WriteString("run " + strconv.Itoa(run) + " line " + strconv.Itoa(line) + "\n"); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		tail int
		want string
	}{
		"all":  {0, "run 1 line 0\nrun 1 line 1\nrun 1 line 2\nrun 2 line 0\nrun 2 line 1\nrun 2 line 2\n"},
		"last": {4, "run 1 line 2\nrun 2 line 0\nrun 2 line 1\nrun 2 line 2\n"},
	} {
		var got strings.Builder
		if err := p.Logs(t.Context(), "c", "etcd", tc.tail, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, got.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if err := p.Logs(t.Context(), "c", "../etcd", 0, os.Stderr); err == nil || !strings.Contains(err.Error(), "there are etcd") {
		t.Errorf("an unknown program answers %v", err)
	}
}

// TestCutLog empties the log of a program that goes on writing.
func TestCutLog(t *testing.T) {
	t.Parallel()
	l := layout{name: "c", root: t.TempDir()}
	if err := l.makeFolders(); err != nil {
		t.Fatal(err)
	}
	f, err := l.openLog("etcd")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	line := strings.Repeat("x", 1<<20-1) + "\n"
	for range maxLog>>20 + 1 {
		if _, err := f.WriteString(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.cutLog("etcd"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("after\n"); err != nil {
		t.Fatal(err)
	}
	if got := read(t, l.log("etcd")); got != "after\n" {
		t.Errorf("the log holds %d bytes, want the one line written since", len(got))
	}
	if info, err := os.Stat(l.log("etcd") + ".1"); err != nil || info.Size() > maxLog {
		t.Errorf("the kept end: %v, %v", info, err)
	}
}
