package etcdbench

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/experiment"
)

func bench() Bench {
	return Bench{Etcd: "etcd", Etcd35: "etcd35", Ops: "ops", Workload: "puts", Members: 1, Clients: 64, Count: 100, Size: 10, Rounds: 3}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	p, err := bench().Plan([]string{"gogc50", "etcd35"})
	if err != nil {
		t.Fatal(err)
	}
	names := []string{p.Base.Name}
	for _, a := range p.Others {
		names = append(names, a.Name)
	}
	if diff := cmp.Diff([]string{"default", "gogc50", "etcd35"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, m := range p.Metrics {
		if noisy := strings.Contains(m.Name, "latency") || m.Name == Rate; noisy != m.Noisy {
			t.Errorf("%s: noisy is %v", m.Name, m.Noisy)
		}
	}
}

func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	cases := []struct {
		change func(*Bench)
		arms   []string
		want   string
	}{
		{func(*Bench) {}, []string{"gogc1"}, `no arm "gogc1"; there are batch, etcd35, gogc200, gogc50, gogc50limit`},
		{func(b *Bench) { b.Workload = "puds" }, nil, `no workload "puds"; there are puts, leases, revisions, watches`},
		{func(b *Bench) { b.Members = 2 }, nil, "2 members; take 1 or 3"},
		{func(b *Bench) { b.Rounds = 0 }, nil, "clients, operations, their size and rounds are at least 1"},
	}
	for _, c := range cases {
		b := bench()
		c.change(&b)
		if _, err := b.Plan(c.arms); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

func TestProcess(t *testing.T) {
	t.Parallel()
	rss, err := peak("Name:\tetcd\nVmHWM:\t  2048 kB\nThreads:\t9\n")
	if err != nil || rss != 2<<20 {
		t.Errorf("peak %v, %v", rss, err)
	}
	if _, err := peak("Name:\tetcd\n"); err == nil {
		t.Error("a status without a peak has one")
	}
	cpu, err := cpuSeconds("7 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0")
	if err != nil || cpu != 2 {
		t.Errorf("CPU %v, %v", cpu, err)
	}
	for _, bad := range []string{"", "7 (a) S 1", "7 (a) S 1 2 3 4 5 6 7 8 9 10 x 50"} {
		if _, err := cpuSeconds(bad); err == nil {
			t.Errorf("%q has a CPU time", bad)
		}
	}
	if runtime.GOOS == "linux" {
		if rss, _, err := process(os.Getpid()); err != nil || rss < 1<<20 {
			t.Errorf("this process: %v, %v", rss, err)
		}
	}
}

func TestGCSeconds(t *testing.T) {
	t.Parallel()
	var v vars
	began := time.Unix(100, 0)
	if got := v.gcSeconds(began); got != 0 {
		t.Errorf("before the first collection: %v", got)
	}
	v.Memstats.GCCPUFraction, v.Memstats.LastGC = 0.25, time.Unix(104, 0).UnixNano()
	if got, want := v.gcSeconds(began), float64(runtime.GOMAXPROCS(0)); got != want {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestFsyncText(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := (FsyncCounts{{Clients: 64, Puts: 8000, Fsyncs: 555.5, Ratio: 14.4}}).Text(&b); err != nil {
		t.Fatal(err)
	}
	want := "puts per fsync of the write-ahead log, counted by etcd\n\n  clients    puts  fsyncs  puts per fsync\n       64    8000     556            14.4\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A program that ends at once is an error that says so, and leaves nothing.
func TestStartFails(t *testing.T) {
	t.Parallel()
	if _, err := Start(t.Context(), Setting{Binary: "/nonexistent/etcd"}, 1, t.TempDir()); err == nil || !strings.Contains(err.Error(), "/nonexistent/etcd") {
		t.Errorf("a program that is not there: %v", err)
	}
	b := bench()
	b.Etcd, b.Dir = "/nonexistent/etcd", t.TempDir()
	p, err := b.Plan(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := experiment.Run(t.Context(), p, nil); err == nil || !strings.Contains(err.Error(), "arm default, round 1") {
		t.Errorf("an experiment on it: %v", err)
	}
	if left, err := os.ReadDir(b.Dir); err != nil || len(left) > 0 {
		t.Errorf("%d folders left, %v", len(left), err)
	}
}

func FuzzMetrics(f *testing.F) {
	f.Add([]byte("# HELP a b\na 1\nb{c=\"d\"} 2\ne 3.5e+06\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for name := range metrics(text) {
			if strings.ContainsAny(name, "{ #") && !strings.Contains(name, "#") {
				t.Errorf("%q is no series without labels", name)
			}
		}
	})
}
