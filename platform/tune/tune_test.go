package tune_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	git "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/tune"
)

var update = flag.Bool("update", false, "rewrite the transcripts")

const mib = 1 << 20

func start() time.Time { return time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC) }

// phase is a stretch of samples alike, one a minute, but for a small ripple.
type phase struct {
	minutes     int
	collections float64
	rss         float64 // MiB
	gc          float64 // share of CPU time
}

func samples(phases ...phase) []tune.Sample {
	var out []tune.Sample
	for _, p := range phases {
		for range p.minutes {
			ripple := 1 + 0.02*float64(len(out)%3-1)
			out = append(out, tune.Sample{At: start().Add(time.Duration(len(out)) * time.Minute), Collections: p.collections * ripple, RSS: p.rss * mib * ripple, GCShare: p.gc})
		}
	}
	return out
}

// transcript writes what each run of like words was, and every change.
func transcript(c tune.Config, from tune.Knobs, all []tune.Sample) string {
	var b strings.Builder
	s, last, n := tune.NewState(from), "", 0
	flush := func() {
		if n > 0 {
			fmt.Fprintf(&b, "%3d × %s\n", n, last)
		}
		n = 0
	}
	for _, m := range all {
		var change *tune.Change
		var word string
		s, change, word = tune.Step(c, s, m)
		if word != last {
			flush()
		}
		last = word
		n++
		if change != nil {
			flush()
			fmt.Fprintf(&b, "      %s: %s\n", change.From.To(change.To), change.Why)
		}
	}
	flush()
	return b.String()
}

func TestTranscripts(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		from tune.Knobs
		all  []tune.Sample
	}{
		{"calm", tune.Knobs{GOGC: 100}, samples(phase{minutes: 60, collections: 200, rss: 600})},
		{"memory-short", tune.Knobs{GOGC: 100}, samples(phase{minutes: 60, collections: 200, rss: 900}, phase{minutes: 60, collections: 400, rss: 820})},
		{"memory-short-at-the-floor", tune.Knobs{GOGC: 50}, samples(phase{minutes: 60, collections: 200, rss: 900})},
		{"room-for-fewer-collections", tune.Knobs{GOGC: 100}, samples(phase{minutes: 30, collections: 1760, rss: 300}, phase{minutes: 40, collections: 1400, rss: 320}, phase{minutes: 120, collections: 900, rss: 340})},
		{"costly-collecting", tune.Knobs{GOGC: 50}, samples(phase{minutes: 40, collections: 300, rss: 300, gc: 0.4}, phase{minutes: 60, collections: 200, rss: 340, gc: 0.2})},
		{"ceiling", tune.Knobs{GOGC: 190}, samples(phase{minutes: 120, collections: 1760, rss: 300})},
		{"burst", tune.Knobs{GOGC: 100}, samples(phase{minutes: 30, collections: 200, rss: 600}, phase{minutes: 3, collections: 3000, rss: 1000}, phase{minutes: 30, collections: 200, rss: 600})},
		{"lasting", tune.Knobs{GOGC: 100}, samples(phase{minutes: 30, collections: 200, rss: 600}, phase{minutes: 60, collections: 200, rss: 950})},
		{"worse", tune.Knobs{GOGC: 100}, samples(phase{minutes: 20, collections: 1760, rss: 400}, phase{minutes: 120, collections: 1200, rss: 900}, phase{minutes: 60, collections: 1760, rss: 400})},
		{"lowering-brought-nothing", tune.Knobs{GOGC: 100}, samples(phase{minutes: 20, collections: 400, rss: 900}, phase{minutes: 90, collections: 900, rss: 900})},
		{"limit-presses", tune.Knobs{GOGC: 50, Limit: 400 * mib}, samples(phase{minutes: 40, collections: 3000, rss: 395})},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := transcript(tune.Defaults(1000*mib), c.from, c.all)
			file := filepath.Join("testdata", c.name+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever is measured, a step stays within its bounds and its cool-down, and the
// state it was given is not changed by it.
func FuzzStep(f *testing.F) {
	f.Add(int64(1), 100.0, 500.0)
	f.Fuzz(func(t *testing.T, seed int64, collections, rss float64) {
		if !(collections >= 0 && collections < 1e9 && rss > 0 && rss < 1e9) {
			return
		}
		c := tune.Defaults(1000 * mib)
		s, last := tune.NewState(tune.Knobs{GOGC: 100}), time.Time{}
		at, x := start(), uint64(seed)
		for range 300 {
			x = x*6364136223846793005 + 1442695040888963407
			at = at.Add(time.Minute)
			m := tune.Sample{At: at, Collections: collections * float64(x>>60), RSS: rss * mib * float64((x>>56&15)+1)}
			again, change2, _ := tune.Step(c, s, m)
			next, change, _ := tune.Step(c, s, m)
			if (change == nil) != (change2 == nil) || again.Knobs != next.Knobs {
				t.Fatal("the same state and sample gave two answers")
			}
			s = next
			if change == nil {
				continue
			}
			if k := s.Knobs; k.GOGC < c.Floor || k.GOGC > c.Ceiling || k.Limit < 0 || k.Limit > c.Budget {
				t.Fatalf("out of bounds: %+v", k)
			}
			if !last.IsZero() && at.Sub(last) < c.CoolDown {
				t.Fatalf("changed %s after the last time", at.Sub(last))
			}
			last = at
		}
	})
}

func TestConfigRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*tune.Config){
		"budget": func(c *tune.Config) { c.Budget = 1 }, "floor": func(c *tune.Config) { c.Floor = 5 },
		"ceiling": func(c *tune.Config) { c.Ceiling = 10 }, "marks": func(c *tune.Config) { c.Low = 0.9 }, "cool-down": func(c *tune.Config) { c.CoolDown = 0 },
		"settling": func(c *tune.Config) { c.Settle = 0 },
	} {
		c := tune.Defaults(1000 * mib)
		change(&c)
		if _, err := tune.Run(c, tune.Knobs{GOGC: 100}, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestEdit(t *testing.T) {
	t.Parallel()
	gogc := func(n int) tune.Knobs { return tune.Knobs{GOGC: n} }
	cases := []struct {
		name, text string
		from, to   tune.Knobs
		want       string
	}{
		{"replace", "spec:\n  etcd:\n    gogc: 100   # why\n    quota: 2Gi\n", gogc(100), gogc(75), "spec:\n  etcd:\n    gogc: 75   # why\n    quota: 2Gi\n"},
		{"add a field", "spec:\n  role: hub\n  etcd:\n    members: 3\n", gogc(100), gogc(75), "spec:\n  role: hub\n  etcd:\n    gogc: 75\n    members: 3\n"},
		{"add the block", "kind: Cluster\nspec:\n  role: edge # small\n", gogc(100), gogc(75), "kind: Cluster\nspec:\n  etcd:\n    gogc: 75\n  role: edge # small\n"},
		{"quoted", "spec:\n  etcd:\n    goMemLimit: \"4Gi\"\n", tune.Knobs{Limit: 4 << 30}, tune.Knobs{Limit: 5 << 30}, "spec:\n  etcd:\n    goMemLimit: 5120Mi\n"},
		{"both", "spec:\n  etcd:\n    members: 1\n", gogc(100), tune.Knobs{GOGC: 50, Limit: 900 * mib}, "spec:\n  etcd:\n    goMemLimit: 900Mi\n    gogc: 50\n    members: 1\n"},
		{"nothing", "spec: {}\n", gogc(100), gogc(100), "spec: {}\n"},
	}
	for _, c := range cases {
		got, err := tune.Edit([]byte(c.text), c.from, c.to)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if diff := cmp.Diff(c.want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	for _, text := range []string{"", "spec: {etcd: {}}\n", "spec:\n  etcd: {members: 3}\n", "a: [\n", "spec:\n  etcd:\n", "- a\n"} {
		if got, err := tune.Edit([]byte(text), gogc(100), gogc(75)); err == nil {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func FuzzEdit(f *testing.F) {
	f.Add("spec:\n  etcd:\n    gogc: 100\n")
	f.Add("spec:\n  role: hub\n")
	f.Add("spec:\n  etcd:\n    gogc: |\n      1\n")
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = tune.Edit([]byte(text), tune.Knobs{GOGC: 100}, tune.Knobs{GOGC: 75}) // an error, or a text; no crash
	})
}

func TestPropose(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	repo, err := git.PlainInit(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "clusters", "hub", "cluster.yaml")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	const text = "spec:\n  etcd:\n    gogc: 100\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := repo.Worktree()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Add("clusters/hub/cluster.yaml"); err != nil {
		t.Fatal(err)
	}
	base, err := w.Commit("begin", &git.CommitOptions{Author: &object.Signature{Name: "test", When: start()}})
	if err != nil {
		t.Fatal(err)
	}
	p := tune.Proposal{Cluster: "hub", File: "clusters/hub/cluster.yaml", At: start(), Profile: []byte("profile"), Evidence: "60 samples.",
		Change: tune.Change{From: tune.Knobs{GOGC: 100}, To: tune.Knobs{GOGC: 75}, Why: "memory is 90 % of the budget"}}
	made, err := tune.Propose(dir, p)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := repo.Reference(plumbing.NewBranchReferenceName(made.Branch), false)
	if err != nil {
		t.Fatal(err)
	}
	c, err := repo.CommitObject(ref.Hash())
	if err != nil {
		t.Fatal(err)
	}
	tree, err := c.Tree()
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		f, err := tree.File(name)
		if err != nil {
			return err.Error()
		}
		text, err := f.Contents()
		if err != nil {
			return err.Error()
		}
		return text
	}
	got := []string{made.Branch, c.Message, c.ParentHashes[0].String(), read("clusters/hub/cluster.yaml"), read("evidence/tune/hub-20260301t080000z.pprof")}
	want := []string{"tune/hub-20260301t080000z", "hub: tune etcd: GOGC 100 to 75\n\nmemory is 90 % of the budget.\n\n60 samples.\n", base.String(),
		"spec:\n  etcd:\n    gogc: 75\n", "profile"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	untouched(t, repo, file, text, base)
	if _, err := tune.Propose(dir, p); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("the same again: %v", err)
	}
	p.File, p.At = "clusters/lima/cluster.yaml", start().Add(time.Hour)
	if _, err := tune.Propose(dir, p); err == nil || !strings.Contains(err.Error(), "commit it first") {
		t.Errorf("a file that is not committed: %v", err)
	}
	if _, err := tune.Propose(t.TempDir(), p); err == nil {
		t.Error("a folder that is no repository")
	}
}

// untouched holds that neither the files, nor the index, nor HEAD changed.
func untouched(t *testing.T, repo *git.Repository, file, text string, base plumbing.Hash) {
	t.Helper()
	head, err := repo.Head()
	if err != nil || head.Hash() != base {
		t.Errorf("HEAD is %v, %v", head, err)
	}
	if now, err := os.ReadFile(file); err != nil || string(now) != text {
		t.Errorf("the file that is checked out is %q, %v", now, err)
	}
	w, err := repo.Worktree()
	if err != nil {
		t.Fatal(err)
	}
	if status, err := w.Status(); err != nil || !status.IsClean() {
		t.Errorf("status %v, %v", status, err)
	}
}

func TestReplay(t *testing.T) {
	t.Parallel()
	documented, err := tune.Replay(strings.NewReader(tune.ReplayLine), "r")
	if diff := cmp.Diff([]tune.Sample{{At: start(), Collections: 1740, RSS: 192 * mib, GCShare: 0.18}}, documented); err != nil || diff != "" {
		t.Errorf("the documented line: %v (-want +got):\n%s", err, diff)
	}
	got, err := tune.Replay(strings.NewReader("{\"at\":\"2026-03-01T08:00:00Z\",\"collections\":5,\"rss\":7}\n\n"), "r")
	if diff := cmp.Diff([]tune.Sample{{At: start(), Collections: 5, RSS: 7}}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{"x", `{"at":"2026-03-01T08:00:00Z","collections":5}`, `{"rss":7}`, `{"at":"2026-03-01T08:00:00Z","rss":7,"colections":5}`} {
		if _, err := tune.Replay(strings.NewReader(bad), "r"); err == nil || !strings.HasPrefix(err.Error(), "r:1: ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzReplay(f *testing.F) {
	f.Add("{\"at\":\"2026-03-01T08:00:00Z\",\"collections\":5,\"rss\":7}\n")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := tune.Replay(strings.NewReader(text), "r")
		for _, s := range all {
			if err == nil && (s.RSS <= 0 || s.At.IsZero()) {
				t.Errorf("took %+v", s)
			}
		}
	})
}

func TestPrometheus(t *testing.T) {
	t.Parallel()
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.FormValue("query"))
		value := "1760.5"
		if strings.Contains(r.FormValue("query"), "resident") {
			value = "4096"
		} else if strings.Contains(r.FormValue("query"), "cpu_classes") {
			value = "0.5"
		}
		fmt.Fprintf(w, `{"status":"success","data":{"result":[{"values":[[%d,%q],[%d,"NaN"]]}]}}`, start().Unix(), value, start().Add(time.Minute).Unix())
	}))
	defer server.Close()
	p := tune.Prometheus{URL: server.URL + "/", Job: "etcd", Client: server.Client()}
	got, err := p.Samples(t.Context(), start(), start().Add(2*time.Minute), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]tune.Sample{{At: start(), Collections: 1760.5, RSS: 4096, GCShare: 0.5}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want := []string{`max(rate(go_gc_duration_seconds_count{job="etcd"}[60s]))*60`, `max(process_resident_memory_bytes{job="etcd"})`,
		`max((rate(go_cpu_classes_gc_total_cpu_seconds_total{job="etcd"}[60s])-rate(go_cpu_classes_gc_mark_idle_cpu_seconds_total{job="etcd"}[60s]))` +
			`/rate(process_cpu_seconds_total{job="etcd"}[60s]))`}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"status":"error","error":"too long"}`) }))
	defer refuses.Close()
	p.URL = refuses.URL
	if _, err := p.Samples(t.Context(), start(), start(), time.Minute); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("an error of the server: %v", err)
	}
}

func TestProfile(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.String() != "/debug/pprof/profile?seconds=30" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, "profile")
	}))
	defer server.Close()
	got, err := tune.Profile(t.Context(), server.Client(), server.URL)
	if err != nil || string(got) != "profile" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := tune.Profile(t.Context(), server.Client(), server.URL+"/off"); err == nil || !strings.Contains(err.Error(), "--enable-pprof") {
		t.Errorf("pprof that is off: %v", err)
	}
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	o, err := tune.Run(tune.Defaults(1000*mib), tune.Knobs{GOGC: 100}, samples(phase{minutes: 60, collections: 200, rss: 900}))
	if err != nil {
		t.Fatal(err)
	}
	o.Cluster, o.Committed = "hub", &tune.Committed{Branch: "tune/hub-x", Commit: "0123456789abcdef"}
	var b strings.Builder
	if err := o.Text(&b); err != nil {
		t.Fatal(err)
	}
	want := `hub: 16 samples; moving averages: 199 collections a minute, 894 MiB resident.
  2026-03-01 08:15  GOGC 100 to 75: memory is 89 % of the budget
proposed: GOGC 100 to 75, commit 0123456789ab on branch tune/hub-x
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
