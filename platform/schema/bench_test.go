package schema

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// many are some hundred objects, good and bad.
func many(t testing.TB) []render.Object {
	t.Helper()
	var objs []render.Object
	for range 12 {
		objs = append(objs, readGood(t, "workloads.yaml")...)
		objs = append(objs, readGood(t, "rest.yaml")...)
		objs = append(objs, objects(t, deployment("replica: 3", "env: [{nam: a}]"))...)
	}
	return append(objs, widgets(t)...)
}

func TestOrderIsTheObjects(t *testing.T) {
	t.Parallel()
	v, objs := open(t, baseline(t)), many(t)
	want := v.Check(t.Context(), objs)
	if len(want) == 0 {
		t.Fatal("no findings to compare")
	}
	at := 0
	for _, f := range want {
		for at < len(objs) && objs[at].Ref() != f.Object {
			at++
		}
	}
	if at == len(objs) {
		t.Error("findings do not come in the objects' order")
	}
	// Many at once, on one validator and on fresh ones.
	got := make([][]finding.Finding, 8)
	var all sync.WaitGroup
	for i := range got {
		all.Go(func() {
			mine := v
			if i%2 == 0 {
				mine = open(t, baseline(t))
			}
			got[i] = mine.Check(t.Context(), objs)
		})
	}
	all.Wait()
	for i := range got {
		if diff := cmp.Diff(want, got[i]); diff != "" {
			t.Errorf("run %d differs (-want +got):\n%s", i, diff)
		}
	}
}

// The marks have room for a busy machine: 300 ms to the first word, then 0.3 ms
// an object.
func TestCost(t *testing.T) {
	objs := many(t)
	first, each := time.Hour, time.Hour
	for range 5 {
		start := time.Now()
		v := open(t, baseline(t))
		v.Check(t.Context(), objs[:1])
		first = min(first, time.Since(start))
		start = time.Now()
		v.Check(t.Context(), objs)
		each = min(each, time.Since(start)/time.Duration(len(objs)))
	}
	if first > 300*time.Millisecond || each > 300*time.Microsecond {
		t.Errorf("open and first check took %v, then an object %v", first, each)
	}
}

func BenchmarkOpen(b *testing.B) {
	version := baseline(b)
	for b.Loop() {
		open(b, version)
	}
}

func BenchmarkCheck(b *testing.B) {
	v, objs := open(b, baseline(b)), many(b)
	for b.Loop() {
		v.Check(b.Context(), objs)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(objs)), "ns/object")
}
