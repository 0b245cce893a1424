// Package etcd holds the experiments on etcd's settings: garbage collection and
// batches under puts, both lines of etcd under each workload, and puts per fsync.
package etcd

import (
	"fmt"

	"dualtrack.internal/platform/etcdbench"
	"dualtrack.internal/platform/experiment"
)

// Tuning asks what GOGC and the batch flags change under puts.
func Tuning(b etcdbench.Bench) (experiment.Plan, error) {
	b.Workload = "puts"
	p, err := b.Plan([]string{"gogc50", "gogc200", "batch"})
	p.Name = "etcd-tuning"
	return p, err
}

// Lines asks how the line that upstream supports differs from the newest.
func Lines(b etcdbench.Bench) ([]experiment.Plan, error) {
	var out []experiment.Plan
	for _, workload := range etcdbench.Workloads() {
		b.Workload = workload
		p, err := b.Plan([]string{"etcd35"})
		if err != nil {
			return nil, fmt.Errorf("workload %s: %w", workload, err)
		}
		p.Name = "etcd-lines-" + workload
		out = append(out, p)
	}
	return out, nil
}

// Callers are the numbers of callers at which puts per fsync are counted with
// Bench.Fsyncs.
func Callers() []int { return []int{1, 8, 64, 256} }
