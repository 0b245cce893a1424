package tool

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hello is a module that builds in a second.
func hello(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "hello", "go.mod"), "module example.org/hello\n\ngo 1.25\n")
	write(t, filepath.Join(dir, "hello", "main.go"), "package main\n\nvar word = \"unset\"\n\nfunc main() { print(word) }\n")
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func store(t *testing.T, tools, cache string, change func(*Program)) *Store {
	t.Helper()
	p := Program{Name: "hello", Dir: "hello", Package: ".", LDFlags: "-s -w -X main.word=stamped", Expected: 3 * time.Second}
	if change != nil {
		change(&p)
	}
	s, err := New(Config{ToolsDir: tools, CacheDir: cache, Programs: []Program{p}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// recorder keeps what a listener was told.
type recorder struct {
	mu  sync.Mutex
	all []Progress
}

func (r *recorder) events() Events {
	return Events{Progress: func(p Progress) { r.mu.Lock(); defer r.mu.Unlock(); r.all = append(r.all, p) }}
}

func (r *recorder) states() []State {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []State
	for _, p := range r.all {
		out = append(out, p.State)
	}
	return slices.Compact(out)
}

func TestEnsure(t *testing.T) {
	t.Parallel()
	tools, cache := hello(t), filepath.Join(t.TempDir(), "a cache")
	s := store(t, tools, cache, nil)
	if missing, err := s.Missing(nil); err != nil || !slices.Equal(missing, []string{"hello"}) {
		t.Errorf("missing %v, %v", missing, err)
	}
	var first recorder
	paths, err := s.Ensure(t.Context(), nil, first.events())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]State{Building, Built}, first.states()); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	if p := first.all[0]; p.Expected != 3*time.Second || p.Elapsed > time.Second {
		t.Errorf("the first event comes late or expects nothing: %+v", p)
	}
	out, err := exec.CommandContext(t.Context(), paths["hello"]).CombinedOutput()
	if err != nil || string(out) != "stamped" {
		t.Errorf("the program says %q, %v", out, err)
	}
	var second recorder
	begun := time.Now()
	again, err := s.Ensure(t.Context(), []string{"hello"}, second.events())
	if took := time.Since(begun); err != nil || again["hello"] != paths["hello"] || len(second.all) > 0 || took > time.Second {
		t.Errorf("a hit gives %v, %v, %v after %s", again, err, second.all, took)
	}
	if _, err := s.Ensure(t.Context(), []string{"helo"}, Events{}); err == nil || !strings.Contains(err.Error(), "[hello]") {
		t.Errorf("an unknown program answers %v", err)
	}
	t.Run("a damaged build is made anew", func(t *testing.T) {
		if err := os.Truncate(paths["hello"], 10); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Ensure(t.Context(), nil, Events{}); err != nil || got["hello"] != paths["hello"] {
			t.Errorf("%v, %v", got, err)
		}
		if info, err := os.Stat(paths["hello"]); err != nil || info.Size() == 10 {
			t.Errorf("still damaged: %v", err)
		}
	})
	t.Run("list, size, prune", func(t *testing.T) { prune(t, s, tools, cache) })
}

func prune(t *testing.T, s *Store, tools, cache string) {
	write(t, filepath.Join(tools, "hello", "more.go"), "package main\n")
	newer, err := s.Ensure(t.Context(), nil, Events{})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(cache, tempPrefix+"x", "left"), "by a killed build")
	list, err := s.List()
	if err != nil || len(list) != 2 || !list[0].Current || list[1].Current || list[0].Path != newer["hello"] {
		t.Errorf("list is %+v, %v", list, err)
	}
	before, err := s.Size()
	if err != nil {
		t.Fatal(err)
	}
	freed, err := s.Prune(t.Context(), false)
	if err != nil || freed != list[1].Bytes {
		t.Errorf("freed %d, %v; want %d", freed, err, list[1].Bytes)
	}
	if after, err := s.Size(); err != nil || before-after < freed {
		t.Errorf("size was %d, is %d, %v", before, after, err)
	}
	if left, _ := filepath.Glob(filepath.Join(cache, tempPrefix+"*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if _, err := s.Prune(t.Context(), true); err != nil {
		t.Error(err)
	}
	if list, err := s.List(); err != nil || len(list) > 0 {
		t.Errorf("list is %v, %v", list, err)
	}
}

// TestKey says what makes another build.
func TestKey(t *testing.T) {
	t.Parallel()
	tools := hello(t)
	base := func() string {
		k, err := store(t, tools, "c", nil).key(store(t, tools, "c", nil).programs["hello"])
		if err != nil {
			t.Fatal(err)
		}
		return k.String()
	}
	first := base()
	for name, tc := range map[string]struct {
		change func(*Program)
		file   string
		same   bool
	}{
		"tags":                 {change: func(p *Program) { p.Tags = []string{"x"} }},
		"linker flags":         {change: func(p *Program) { p.LDFlags = "-s" }},
		"package":              {change: func(p *Program) { p.Package = "./x" }},
		"go.sum":               {file: "go.sum"},
		"a source":             {file: "other.go"},
		"a source in a folder": {file: "sub/other.go"},
		"a test":               {file: "other_test.go", same: true},
		"a text":               {file: "README.md", same: true},
		"an embedded file":     {file: "files/unit.service"},
	} {
		s := store(t, tools, "c", tc.change)
		if tc.file != "" {
			path := filepath.Join(tools, "hello", tc.file)
			write(t, path, "// x\n")
		}
		k, err := s.key(s.programs["hello"])
		if err != nil {
			t.Fatal(err)
		}
		if tc.file != "" {
			if err := os.Remove(filepath.Join(tools, "hello", tc.file)); err != nil {
				t.Fatal(err)
			}
		}
		if same := k.String() == first; same != tc.same {
			t.Errorf("%s: the key is the same: %v, want %v", name, same, tc.same)
		}
	}
	if base() != first {
		t.Error("the key of the same sources changed")
	}
}

func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	tools, cache := hello(t), t.TempDir()
	var wg sync.WaitGroup
	records, errs := make([]recorder, 3), make([]error, 3)
	for i := range records {
		wg.Go(func() { _, errs[i] = store(t, tools, cache, nil).Ensure(t.Context(), nil, records[i].events()) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	builds := 0
	for i := range records {
		if slices.Contains(records[i].states(), Built) {
			builds++
		}
	}
	if builds != 1 {
		t.Errorf("built %d times", builds)
	}
}

func TestWaitingNamesTheHolderAndEnds(t *testing.T) {
	t.Parallel()
	tools, cache := hello(t), t.TempDir()
	release, err := Acquire(t.Context(), filepath.Join(cache, "lock"), "holding on", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var r recorder
	_, err = store(t, tools, cache, nil).Ensure(ctx, nil, r.events())
	held, ok := errors.AsType[*HeldError](err)
	if !ok || held.Holder.PID != os.Getpid() || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("ensure answers %v", err)
	}
	if len(r.all) != 1 || r.all[0].State != Waiting || r.all[0].Holder.Doing != "holding on" {
		t.Errorf("events are %+v", r.all)
	}
}

func TestCancelledBuildLeavesNothing(t *testing.T) {
	t.Parallel()
	tools, cache := hello(t), t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := store(t, tools, cache, nil).Ensure(ctx, nil, Events{Progress: func(Progress) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("ensure answers %v", err)
	}
	left, err := os.ReadDir(cache)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		if e.Name() != "lock" {
			t.Errorf("left: %s", e.Name())
		}
	}
}

func TestBuildFailures(t *testing.T) {
	t.Setenv("GOPROXY", "off") // nothing is asked of a network
	for name, tc := range map[string]struct {
		files   map[string]string
		missing []string
		text    string
	}{
		"a module that is nowhere": {
			files: map[string]string{
				"go.mod":  "module example.org/hello\n\ngo 1.25\n\nrequire example.org/absent v1.2.3\n",
				"go.sum":  "example.org/absent v1.2.3 h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nexample.org/absent v1.2.3/go.mod h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
				"main.go": "package main\n\nimport _ \"example.org/absent\"\n\nfunc main() {}\n",
			},
			missing: []string{"example.org/absent@v1.2.3"}, text: "go mod download",
		},
		"a source that does not compile": {files: map[string]string{"main.go": "package main\n\nfunc main() { nothing() }\n"}, text: "undefined: nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			tools := hello(t)
			for file, text := range tc.files {
				write(t, filepath.Join(tools, "hello", file), text)
			}
			_, err := store(t, tools, t.TempDir(), nil).Ensure(t.Context(), nil, Events{})
			failed, ok := errors.AsType[*BuildError](err)
			if !ok {
				t.Fatalf("ensure answers %v, want a *BuildError", err)
			}
			if diff := cmp.Diff(tc.missing, failed.Missing); diff != "" || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("missing (-want +got):\n%serror: %v", diff, err)
			}
		})
	}
}

func TestWithoutGo(t *testing.T) {
	tools, cache := hello(t), t.TempDir()
	built, err := store(t, tools, cache, nil).Ensure(t.Context(), nil, Events{})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", t.TempDir())
	if got, err := store(t, tools, cache, nil).Ensure(t.Context(), nil, Events{}); err != nil || got["hello"] != built["hello"] {
		t.Errorf("what is built serves without Go: %v, %v", got, err)
	}
	_, err = store(t, tools, t.TempDir(), nil).Ensure(t.Context(), nil, Events{})
	if _, ok := errors.AsType[*GoError](err); !ok || !strings.Contains(err.Error(), "install Go") {
		t.Errorf("ensure answers %v", err)
	}
}

func TestMissingModules(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		output string
		want   []string
	}{
		"no network": {
			output: "main.go:4:2: example.org/a/v2@v2.0.1: Get \"https://example.org/a/v2/@v/v2.0.1.zip\": dial tcp: lookup example.org: no such host\n" +
				"go: example.org/b@v0.0.0-20200101000000-abcdefabcdef: reading https://example.org/b.info: 403 Forbidden\n",
			want: []string{"example.org/a/v2@v2.0.1", "example.org/b@v0.0.0-20200101000000-abcdefabcdef"},
		},
		"off, and twice": {
			output: "go: example.org/a@v1.0.0: module lookup disabled by GOPROXY=off\ngo: example.org/a@v1.0.0: module lookup disabled by GOPROXY=off\n",
			want:   []string{"example.org/a@v1.0.0"},
		},
		"another failure": {output: "# example.org/a\nmain.go:1:1: syntax error\n"},
		"only the place of the import": {
			output: "go: downloading example.org/a v1.0.0\ngo: downloading example.org/here v1.0.0\nmain.go:3:8: module lookup disabled by GOPROXY=off\n",
			want:   []string{"example.org/a@v1.0.0"},
		},
		"a checksum mismatch": {output: "verifying example.org/a@v1.0.0: checksum mismatch\n\tdownloaded: h1:x\n"},
	} {
		if diff := cmp.Diff(tc.want, missingModules(tc.output, isHere)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func isHere(path, _ string) bool { return path == "example.org/here" }

func TestModuleCached(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	write(t, filepath.Join(cache, "cache", "download", "example.org", "!big!x", "@v", "v1.0.0-!r!c1.zip"), "")
	for name, want := range map[string]bool{"example.org/BigX": true, "example.org/bigx": false} {
		if got := moduleCached(cache, name, "v1.0.0-RC1"); got != want {
			t.Errorf("%s is cached: %v, want %v", name, got, want)
		}
	}
}

func FuzzMissingModules(f *testing.F) {
	f.Add("go: example.org/a@v1.0.0: module lookup disabled by GOPROXY=off\n")
	f.Fuzz(func(t *testing.T, output string) {
		found := missingModules(output, isHere)
		if !slices.IsSorted(found) {
			t.Errorf("not sorted: %q", found)
		}
		for _, m := range found {
			if path, version, ok := strings.Cut(m, "@"); !ok || path == "" || !strings.HasPrefix(version, "v") || !strings.Contains(output, version) {
				t.Errorf("%q is no module of %q", m, output)
			}
		}
	})
}

// TestNamedProgramsAreBuiltByNameOnly keeps what only real nodes need out of the
// first start of everybody else.
func TestNamedProgramsAreBuiltByNameOnly(t *testing.T) {
	t.Parallel()
	tools := hello(t)
	p := Program{Name: "hello", Dir: "hello", Package: "."}
	named, gone := p, p
	named.Name, gone.Name, gone.Dir = "other", "gone", "nowhere"
	s, err := New(Config{ToolsDir: tools, CacheDir: t.TempDir(), Programs: []Program{p}, Named: []Program{named, gone}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"other"}, s.Unbuilt()); diff != "" {
		t.Errorf("unbuilt (-want +got):\n%s", diff)
	}
	if paths, err := s.Ensure(t.Context(), nil, Events{}); err != nil || len(paths) != 1 || paths["hello"] == "" {
		t.Errorf("no names build %v, %v", paths, err)
	}
	if missing, err := s.Missing(nil); err != nil || len(missing) > 0 {
		t.Errorf("missing %v, %v", missing, err)
	}
	if paths, err := s.Ensure(t.Context(), []string{"other"}, Events{}); err != nil || len(paths) != 1 || paths["other"] == "" {
		t.Errorf("its name builds %v, %v", paths, err)
	}
	if got := s.Unbuilt(); len(got) > 0 {
		t.Errorf("unbuilt after that: %v", got)
	}
	if _, err := New(Config{ToolsDir: tools, Programs: []Program{p}, Named: []Program{p}}); err == nil {
		t.Error("one name is taken twice")
	}
}

func TestProgramsStampTheVersion(t *testing.T) {
	t.Parallel()
	for _, p := range slices.Concat(Programs("v1.99.3"), NodePrograms("v1.99.3")) {
		if p.Name != ControlPlane && p.Name != Node {
			continue
		}
		const pkg = " -X k8s.io/component-base/version."
		want := "-s -w" + pkg + "gitVersion=v1.99.3" + pkg + "gitMajor=1" + pkg + "gitMinor=99" + pkg + "gitTreeState=clean"
		if diff := cmp.Diff(want, p.LDFlags); diff != "" {
			t.Errorf("linker flags (-want +got):\n%s", diff)
		}
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	enough := limits{openFiles: 4096, instances: 1024, usedInstances: 100, watches: 65536}
	for name, tc := range map[string]struct {
		change func(*limits)
		want   []string
	}{
		"enough":              {func(*limits) {}, nil},
		"nothing is known":    {func(l *limits) { *l = limits{} }, nil},
		"few files":           {func(l *limits) { l.openFiles = 256 }, []string{"ulimit -n 1024"}},
		"few instances":       {func(l *limits) { l.instances = 128 }, []string{"sudo sysctl fs.inotify.max_user_instances=520"}},
		"instances are taken": {func(l *limits) { l.usedInstances = 1000 }, []string{"sudo sysctl fs.inotify.max_user_instances=2320"}},
		"few watches":         {func(l *limits) { l.watches = 100 }, []string{"sudo sysctl fs.inotify.max_user_watches=65536"}},
	} {
		l := enough
		tc.change(&l)
		var got []string
		for _, f := range judgeLimits(l, 8) {
			got = append(got, f.Mend)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: mends (-want +got):\n%s", name, diff)
		}
	}
	if got := judgeDisk("/x", 5*gib, 6*gib); len(got) != 1 || got[0].Message != "/x has 5.0 GiB free, 6.0 GiB are needed" {
		t.Errorf("a small disk gives %v", got)
	}
	if got := Preflight(t.Context(), Need{CacheDir: filepath.Join(t.TempDir(), "not", "made")}); len(got) > 0 {
		t.Errorf("no need gives %v", got)
	}
}
