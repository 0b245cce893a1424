package etcd_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/etcdbench"
	"dualtrack.internal/tests/experiments/etcd"
)

func TestPlans(t *testing.T) {
	t.Parallel()
	b := etcdbench.Bench{Etcd: "etcd", Etcd35: "etcd35", Ops: "ops", Members: 1, Clients: 64, Count: 8000, Size: 512, Rounds: 8}
	tuning, err := etcd.Tuning(b)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{tuning.Name}
	for _, a := range tuning.Others {
		names = append(names, a.Name)
	}
	lines, err := etcd.Lines(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range lines {
		names = append(names, p.Name)
	}
	want := []string{"etcd-tuning", "gogc50", "gogc200", "batch", "etcd-lines-puts", "etcd-lines-leases", "etcd-lines-revisions", "etcd-lines-watches"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b.Members = 2
	if _, err := etcd.Lines(b); err == nil {
		t.Error("two members")
	}
}
