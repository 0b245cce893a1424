//go:build real

package tune_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dualtrack.internal/platform/cli"
	"dualtrack.internal/platform/tool"
	"dualtrack.internal/tests/real/tune"
)

const site = "edge-lima"

// TestFromAlertToCommit loads a member whose GOGC is set too low. The alert on the
// collector's share of CPU fires, `platform tune` proposes a higher one as a commit
// with a profile, and nothing that is checked out changes. A client that opens
// watches and never ends them raises the alert on their growth, which was silent
// before.
//
// Changed for the test: a scrape each second, a minute of the rules is a second,
// and --settle 1m --step 5s instead of a quarter of an hour of minutes.
func TestFromAlertToCommit(t *testing.T) {
	p := programs(t)
	repo := clone(t)
	etcd := member(t, p[tool.Etcd], tune.Tight)
	prom := startPrometheus(t, p[tool.Prometheus], etcd)
	keepBusy(t, p[tool.EtcdOps], etcd)
	// The tuner's rates look back a minute, and its window a minute and a half.
	seen := time.After(160 * time.Second)

	prom.fires(t, "EtcdGarbageCollectionCostly", 2*time.Minute, `site:etcd_gc_cpu:ratio_rate5m`)
	for _, name := range prom.firing(t) {
		if name == "EtcdWatchersGrow" {
			t.Errorf("%s fires without a leak", name)
		}
	}
	leak(t, etcd)
	prom.fires(t, "EtcdWatchersGrow", 2*time.Minute, `etcd_debugging_mvcc_watcher_total`, `etcd_debugging_mvcc_watcher_total offset 30s`)
	<-seen
	proposed(t, repo, prom, etcd)
}

// clone is a copy of the repository whose site sets too little.
func clone(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "repository")
	git(t, ".", "clone", "--quiet", root(t), dir)
	file := filepath.Join(dir, "clusters", site, "cluster.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "    gogc: 75\n", "    gogc: 20\n", 1)
	if changed == string(text) {
		t.Fatalf("%s does not set gogc: 75 any more", file)
	}
	write(t, file, changed)
	git(t, dir, "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "--quiet", "-am", "a site that sets too little")
	return dir
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v: %s", args, err, out)
	}
	return string(out)
}

// keepBusy writes to etcd until the test ends.
func keepBusy(t *testing.T, ops, endpoint string) {
	t.Helper()
	stop := tune.Busy(context.WithoutCancel(t.Context()), ops, endpoint)
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("the load: %v", err)
		}
	})
}

// leak opens five watches a second and ends none before the test does.
func leak(t *testing.T, endpoint string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	request, err := json.Marshal(map[string]any{"create_request": map[string]any{"key": base64.StdEncoding.EncodeToString([]byte("leaked"))}})
	if err != nil {
		t.Fatal(err)
	}
	work.Go(func() {
		tick := time.NewTicker(time.Second / 5)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				work.Go(func() {
					req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+"/v3/watch", bytes.NewReader(request))
					if err != nil {
						return // the alert will say that there are none
					}
					answer, err := http.DefaultClient.Do(req)
					if err != nil {
						return
					}
					defer answer.Body.Close()
					_, _ = io.Copy(io.Discard, answer.Body)
				})
			}
		}
	})
	t.Cleanup(func() { cancel(); work.Wait() })
}

// proposed runs the command as a user does, and reads the branch that it made.
func proposed(t *testing.T, repo string, prom prometheus, etcd string) {
	t.Helper()
	head := git(t, repo, "rev-parse", "HEAD")
	var out, complaints bytes.Buffer
	streams := cli.System()
	streams.Out, streams.Err = &out, &complaints
	code := cli.Run(t.Context(), streams, []string{"-w", repo, "tune", site, "--prometheus", prom.URL, "--pprof", etcd,
		"--settle", "1m", "--step", "5s", "--window", "90s", "-o", "json"})
	if code != 0 {
		t.Fatalf("exit %d: %s%s", code, out.String(), complaints.String())
	}
	var o struct {
		Committed *struct{ Branch, Commit string }
	}
	if err := json.Unmarshal(out.Bytes(), &o); err != nil || o.Committed == nil {
		t.Fatalf("nothing is proposed (%v): %s", err, out.String())
	}
	t.Logf("%s", git(t, repo, "show", "--stat", o.Committed.Branch))
	if parent := git(t, repo, "rev-parse", o.Committed.Branch+"^"); parent != head {
		t.Errorf("it stands on %s, not on what is checked out, %s", parent, head)
	}
	diff := git(t, repo, "diff", "--unified=0", "HEAD", o.Committed.Branch, "--", "clusters")
	if !strings.Contains(diff, "\n-    gogc: 20\n+    gogc: 45\n") || strings.Count(diff, "\n-") != 2 {
		t.Errorf("the proposal changes:\n%s", diff)
	}
	names := strings.Fields(git(t, repo, "diff", "--name-only", "HEAD", o.Committed.Branch))
	if len(names) != 2 || !strings.HasPrefix(names[1], "evidence/tune/"+site) {
		t.Fatalf("it touches %v", names)
	}
	profile := git(t, repo, "show", o.Committed.Branch+":"+names[1])
	pprof := filepath.Join(t.TempDir(), "profile")
	write(t, pprof, profile)
	top, err := exec.CommandContext(t.Context(), "go", "tool", "pprof", "-top", "-nodecount=5", pprof).CombinedOutput()
	if err != nil || !strings.Contains(string(top), "Duration: 30") {
		t.Errorf("the evidence is no profile of 30 seconds: %v\n%s", err, top)
	}
	t.Logf("%s", top)
	if status := git(t, repo, "status", "--porcelain"); status != "" || git(t, repo, "rev-parse", "HEAD") != head {
		t.Errorf("what is checked out changed: %s", status)
	}
}
