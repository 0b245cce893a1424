package acceptance

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// moment is when `up` is killed: a word of its progress, of the site where the
// phase is a cluster's, and how long after it at least and at most.
type moment struct {
	name   string
	word   string
	least  time.Duration
	within time.Duration
	before func(*testing.T, *fleet, string) // makes the phase come again
}

// moments are the phases of `up`, in order.
func moments() []moment {
	anew := func(t *testing.T, f *fleet, site string) { f.run(t, "down", "-c", site).want(t, 0) }
	return []moment{
		{"build", "building", 0, 2 * time.Second, func(_ *testing.T, f *fleet, _ string) {
			// An empty cache of programs; the compiler's own cache makes it short.
			f.env = append(f.env, "DUALTRACK_CACHE_DIR="+filepath.Join(f.state+"-cache"))
		}},
		{"render", "rendering and judging", 0, 500 * time.Millisecond, anew},
		{"certificates", "starting", 0, 100 * time.Millisecond, anew},
		{"etcd", "etcd (0.0 s)", 0, 500 * time.Millisecond, anew},
		{"API server", "kube-apiserver (0.0 s)", 0, 3 * time.Second, anew},
		{"controllers", "controllers and nodes (0.0 s)", 0, time.Second, anew},
		{"apply", "apply:", 0, 2 * time.Second, anew},
		{"judge", "apply:", 2 * time.Second, 3 * time.Second, anew},
		{"settle", "settle:", 0, 2 * time.Second, anew},
		{"prune", "apply:", 0, 2 * time.Second, func(t *testing.T, f *fleet, site string) {
			f.cut(t, "clusters/"+site+"/cluster.yaml", "    - name: edge-inference\n", "  windows:\n")
		}},
	}
}

// TestKilledInEachPhase kills `up` without warning in each of its phases, and
// each time the next `up` converges with every program running once.
// DUALTRACK_SEED repeats a run; DUALTRACK_KILLS asks for more rounds.
func TestKilledInEachPhase(t *testing.T) {
	random := seeded(t)
	rounds := 1
	if s := os.Getenv("DUALTRACK_KILLS"); s != "" {
		var err error
		rounds, err = strconv.Atoi(s)
		check(t, err)
	}
	f := newFleet(t)
	site := f.site(t)
	up := []string{"up", "-c", "hub," + site}
	for round := range rounds {
		for _, m := range moments() {
			if round > 0 && (m.name == "build" || m.name == "prune") {
				continue // once done, they do not come again
			}
			m.before(t, f, site)
			after := m.least + time.Duration(random.Int64N(int64(m.within)))
			last := f.killedAt(t, site, m.word, after, up...)
			t.Logf("%s: killed %d ms after %q, at %q", m.name, after.Milliseconds(), m.word, last)
			f.converges(t, m.name, up...)
		}
	}
}

// TestKilledPrograms kills every program of two clusters, one of each at a time.
func TestKilledPrograms(t *testing.T) {
	f := newFleet(t)
	site := f.site(t)
	up := []string{"up", "-c", "hub," + site}
	f.converges(t, "first", up...)
	for _, name := range slices.Sorted(maps.Keys(processes(t).of(f.state).names())) {
		pid := processes(t).of(f.state).named(name)
		if pid == 0 {
			t.Fatalf("%s does not run", name)
		}
		t.Logf("killing %s", strings.TrimPrefix(name, f.state))
		check(t, syscall.Kill(pid, syscall.SIGKILL))
		f.converges(t, name, up...)
	}
}

// converges runs `up` and wants both clusters right and no program twice.
func (f *fleet) converges(t *testing.T, after string, up ...string) {
	t.Helper()
	got := f.run(t, up...).want(t, 0)
	if !strings.Contains(got.stdout, "2/2 in sync by both tracks") {
		t.Fatalf("%s: %s", after, got.stdout)
	}
	running := processes(t).of(f.state).names()
	if len(running) == 0 {
		t.Fatalf("%s: nothing runs", after)
	}
	for name, n := range running {
		if n != 1 {
			t.Errorf("%s: %s runs %d times", after, name, n)
		}
	}
}

// seeded is a source of randomness whose seed is in the test's log.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("DUALTRACK_SEED"); s != "" {
		var err error
		seed, err = strconv.ParseUint(s, 10, 64)
		check(t, err)
	}
	fmt.Printf("%s: seed %d\n", t.Name(), seed) // also where a passing test's log is not shown
	return rand.New(rand.NewPCG(seed, 0))
}

// killedAt runs the command and kills it a moment after its progress shows the
// word, for the site or for no cluster; it returns the last line of progress. A
// command that ends without ever showing the word fails the test: the phase did
// not come.
func (f *fleet) killedAt(t *testing.T, site, word string, after time.Duration, args ...string) string {
	t.Helper()
	cmd := f.command(t.Context(), args...)
	stderr, err := cmd.StderrPipe()
	check(t, err)
	check(t, cmd.Start())
	last, seen := "", false
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		last = lines.Text()
		if strings.Contains(last, word) && !strings.Contains(last, " hub ") && !seen {
			seen = true
			time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
	}
	if err := cmd.Wait(); err != nil {
		if _, ok := errors.AsType[*exec.ExitError](err); !ok {
			t.Fatal(err)
		}
	}
	if !seen {
		t.Fatalf("%v never said %q of %s; last %q", args, word, site, last)
	}
	return last
}
