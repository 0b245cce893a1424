//go:build real

package etcd_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dualtrack.internal/platform/etcdbench"
	"dualtrack.internal/platform/experiment"
	"dualtrack.internal/platform/tool"
)

// programs builds what the tests run, or finds it built.
func programs(t *testing.T) map[string]string {
	t.Helper()
	store, err := tool.New(tool.Config{ToolsDir: "../../../tools", Programs: tool.Programs("v0.0.0"), Named: tool.CheckPrograms()})
	if err != nil {
		t.Fatal(err)
	}
	built, err := store.Ensure(t.Context(), []string{tool.Etcd, tool.Etcd35, tool.EtcdOps}, tool.Events{})
	if err != nil {
		t.Fatal(err)
	}
	return built
}

func members(t *testing.T, s etcdbench.Setting, n int) *etcdbench.Cluster {
	t.Helper()
	c, err := etcdbench.Start(t.Context(), s, n, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// ops runs a command of etcdops and reads its answer.
func ops(t *testing.T, program string, into any, args ...string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var complaints strings.Builder
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%w: %s", err, complaints.String())
	}
	if err := json.Unmarshal(out, into); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	return nil
}

func load(t *testing.T, program string, c *etcdbench.Cluster, workload string, count int, compact bool) etcdbench.LoadResult {
	t.Helper()
	r, err := etcdbench.Load(t.Context(), program, c.Endpoints, workload, 32, count, 512, compact)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func freeURL(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return url
}

type snapshot struct {
	File     string
	Revision int64
	Keys     int
	Removed  []string
}

type drill struct {
	File           string
	Revision, Keys int64
	Hash           uint32
	RestoreSeconds float64
	ServingSeconds float64
}

// A snapshot of one member is restored and compared with the member itself; only
// the newest are kept; a damaged one fails the drill.
func TestSnapshotAndDrill(t *testing.T) {
	p := programs(t)
	for _, version := range []string{tool.Etcd, tool.Etcd35} {
		t.Run(version, func(t *testing.T) {
			c, dir := members(t, etcdbench.Setting{Binary: p[version]}, 1), t.TempDir()
			var last snapshot
			var files []string
			for range 3 {
				load(t, p[tool.EtcdOps], c, "puts", 500, false)
				if err := ops(t, p[tool.EtcdOps], &last, "snapshot", "-endpoints", c.Endpoints[0], "-dir", dir, "-keep", "2"); err != nil {
					t.Fatal(err)
				}
				files = append(files, last.File)
			}
			if len(last.Removed) != 1 || last.Removed[0] != files[0] {
				t.Errorf("removed %v of %v, keeping 2", last.Removed, files)
			}
			takeAtOnce(t, p[tool.EtcdOps], c.Endpoints[0])
			args := []string{"drill", "-dir", dir, "-work", t.TempDir(), "-listen", freeURL(t), "-peer", freeURL(t)}
			var d drill
			if err := ops(t, p[tool.EtcdOps], &d, args...); err != nil {
				t.Fatal(err)
			}
			if d.File != last.File || d.Revision != last.Revision || d.Keys != 500 || d.Revision != 1501 {
				t.Errorf("snapshot %+v, restored %+v; want 500 keys at revision 1501", last, d)
			}
			if hash := memberHash(t, c.Endpoints[0]); hash != d.Hash {
				t.Errorf("the member's keys have the hash %d, the restored ones %d", hash, d.Hash)
			}
			t.Logf("restored in %.2f s, serving after %.2f s", d.RestoreSeconds, d.ServingSeconds)
			damage(t, filepath.Join(dir, last.File))
			if err := ops(t, p[tool.EtcdOps], &d, args...); err == nil {
				t.Error("a damaged snapshot passed the drill")
			}
		})
	}
}

// takeAtOnce has four jobs take a snapshot into one folder at the same time: each
// keeps a whole one of its own, and nothing else stays.
func takeAtOnce(t *testing.T, program, endpoint string) {
	t.Helper()
	dir := t.TempDir()
	taken := make([]snapshot, 4)
	errs := make([]error, len(taken))
	var jobs sync.WaitGroup
	for i := range taken {
		jobs.Go(func() {
			errs[i] = ops(t, program, &taken[i], "snapshot", "-endpoints", endpoint, "-dir", dir, "-keep", "9")
		})
	}
	jobs.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{} // two of the same millisecond and revision are one
	for _, s := range taken {
		want[s.File] = true
	}
	if len(entries) != len(want) {
		t.Errorf("the folder holds %v after snapshots %+v", entries, taken)
	}
}

// memberHash asks a member for the hash of its keys by its JSON gateway: not by
// the library that the drill uses.
func memberHash(t *testing.T, url string) uint32 {
	t.Helper()
	var answer struct{ Hash uint32 }
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "curl", "-sf", "-d", "{}", url+"/v3/maintenance/hashkv").Output()
	if err != nil {
		t.Fatalf("ask the member's gateway: %v; apt-get install curl", err)
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Hash
}

func damage(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 0xff
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

type defrag struct {
	Members []struct {
		Endpoint                string
		Leader                  bool
		BeforeBytes, AfterBytes int64
		Skipped                 string
	}
}

// Three members, one of which is named: followers first, the leader last, each
// smaller afterwards. With one of the others dead nothing is touched.
func TestDefragLeaderLast(t *testing.T) {
	p := programs(t)
	c := members(t, etcdbench.Setting{Binary: p[tool.Etcd]}, 3)
	load(t, p[tool.EtcdOps], c, "revisions", 8000, true)
	args := []string{"defrag", "-endpoints", c.Endpoints[1], "-least", "1", "-below", "0.9", "-timeout", "20s"}
	var d defrag
	if err := ops(t, p[tool.EtcdOps], &d, args...); err != nil {
		t.Fatal(err)
	}
	for i, m := range d.Members {
		if m.Leader != (i == len(d.Members)-1) {
			t.Errorf("member %d of %d: leader is %v", i+1, len(d.Members), m.Leader)
		}
		if m.Skipped != "" || m.AfterBytes >= m.BeforeBytes {
			t.Errorf("%s: %d bytes became %d; %s", m.Endpoint, m.BeforeBytes, m.AfterBytes, m.Skipped)
		}
	}
	if len(d.Members) != 3 {
		t.Errorf("%d members", len(d.Members))
	}
	t.Logf("%+v", d)
	var again defrag
	if err := ops(t, p[tool.EtcdOps], &again, "defrag", "-endpoints", strings.Join(c.Endpoints, ",")); err != nil {
		t.Fatal(err)
	}
	for _, m := range again.Members {
		if m.Skipped == "" {
			t.Errorf("%s: small, and taken again", m.Endpoint)
		}
	}
	c.Kill(0)
	if err := ops(t, p[tool.EtcdOps], &d, args...); err == nil || !strings.Contains(err.Error(), c.Endpoints[0]) {
		t.Errorf("with a member dead: %v", err)
	}
}

// Puts of one caller cost an fsync each; of 64 they share one.
func TestPutsShareFsyncs(t *testing.T) {
	p := programs(t)
	b := etcdbench.Bench{Etcd: p[tool.Etcd], Ops: p[tool.EtcdOps], Dir: t.TempDir(), Count: 4000, Size: 512}
	points, err := b.Fsyncs(t.Context(), []int{1, 64}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", points)
	if one, many := points[0].Ratio, points[1].Ratio; one < 0.9 || one > 1.05 || many < 4 {
		t.Errorf("puts per fsync: %.2f of one caller, %.2f of 64", one, many)
	}
}

// Every workload runs on one member, and puts on three.
func TestWorkloads(t *testing.T) {
	p := programs(t)
	for _, workload := range etcdbench.Workloads() {
		for _, n := range []int{1, 3} {
			if n == 3 && workload != "puts" {
				continue
			}
			b := etcdbench.Bench{Etcd: p[tool.Etcd], Etcd35: p[tool.Etcd35], Ops: p[tool.EtcdOps], Dir: t.TempDir(),
				Workload: workload, Members: n, Clients: 16, Count: 600, Size: 256, Rounds: 1}
			plan, err := b.Plan([]string{"gogc50"})
			if err != nil {
				t.Fatal(err)
			}
			r, err := experiment.Run(t.Context(), plan, nil)
			if err != nil {
				t.Fatalf("%s on %d: %v", workload, n, err)
			}
			if f, ok := r.Figure(etcdbench.PeakRSS, "gogc50"); !ok || f.Median < 10*float64(n) {
				t.Errorf("%s on %d: peak RSS %+v", workload, n, f)
			}
		}
	}
}
