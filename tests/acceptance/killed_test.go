package acceptance

import (
	"bufio"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// killRounds is how often `up` is killed; a longer run sets DUALTRACK_KILLS.
const killRounds = 6

// TestKilledAnywhere kills `up` at a random moment, again and again, and each
// time the next `up` converges with every program running once. Between rounds
// one child program is killed too, or a cluster is thrown away so that the
// early phases come again.
func TestKilledAnywhere(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("DUALTRACK_SEED"); s != "" {
		var err error
		seed, err = strconv.ParseUint(s, 10, 64)
		check(t, err)
	}
	rounds := killRounds
	if s := os.Getenv("DUALTRACK_KILLS"); s != "" {
		var err error
		rounds, err = strconv.Atoi(s)
		check(t, err)
	}
	t.Logf("seed %d, %d rounds", seed, rounds)
	random := rand.New(rand.NewPCG(seed, 0))
	f := newFleet(t)
	sites := []string{"hub", f.site(t)}
	up := []string{"up", "-c", strings.Join(sites, ",")}
	for round := range rounds {
		switch round % 3 {
		case 1:
			f.killChild(t, random)
		case 2:
			f.run(t, "down", "-c", sites[1]).want(t, 0)
		}
		after := time.Duration(random.Int64N(int64(25 * time.Second)))
		last := f.killed(t, after, up...)
		t.Logf("round %d: killed after %.1f s, at %q", round, after.Seconds(), last)
		got := f.run(t, up...).want(t, 0)
		if !strings.Contains(got.stdout, "2/2 in sync by both tracks") {
			t.Fatalf("round %d: %s", round, got.stdout)
		}
		for name, n := range processes(t).of(f.state).names() {
			if n != 1 {
				t.Errorf("round %d: %s runs %d times", round, name, n)
			}
		}
	}
}

// killed runs the command and kills it without warning; it returns the last
// line of progress.
func (f *fleet) killed(t *testing.T, after time.Duration, args ...string) string {
	t.Helper()
	cmd := f.command(t.Context(), args...)
	stderr, err := cmd.StderrPipe()
	check(t, err)
	check(t, cmd.Start())
	timer := time.AfterFunc(after, func() { cmd.Process.Kill() })
	defer timer.Stop()
	last := lastLine(stderr)
	if err := cmd.Wait(); err != nil {
		if _, ok := err.(*exec.ExitError); !ok {
			t.Fatal(err)
		}
	}
	return last
}

func lastLine(r io.Reader) string {
	last := ""
	for lines := bufio.NewScanner(r); lines.Scan(); {
		last = lines.Text()
	}
	return last
}

// killChild kills one program of the fleet.
func (f *fleet) killChild(t *testing.T, random *rand.Rand) {
	t.Helper()
	running := processes(t).of(f.state)
	pids := make([]int, 0, len(running))
	for pid := range running {
		pids = append(pids, pid)
	}
	if len(pids) == 0 {
		t.Fatal("nothing runs")
	}
	pid := pids[random.IntN(len(pids))]
	t.Logf("killing %.60s", running[pid])
	check(t, syscall.Kill(pid, syscall.SIGKILL))
}
