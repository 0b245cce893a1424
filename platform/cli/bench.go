package cli

import (
	"context"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/etcdbench"
	"dualtrack.internal/platform/experiment"
	"dualtrack.internal/platform/tool"
)

func newBench(env *environment) *cobra.Command {
	cmd := &cobra.Command{Use: "bench", Short: "Measure real programs with default against tuned settings", Args: argsUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(newBenchEtcd(env))
	return cmd
}

// etcdBench are the flags of bench etcd.
type etcdBench struct {
	bench         etcdbench.Bench
	arms          []string
	smoke, fsyncs bool
}

func newBenchEtcd(env *environment) *cobra.Command {
	var f etcdBench
	cmd := &cobra.Command{
		Use: "etcd", Short: "Measure etcd's memory, CPU and fsyncs under load, with a control",
		Long: "bench etcd runs real etcd members on loopback, with fsync, under load: each round the default, the\n" +
			"default once more as control, and every arm. A difference inside the control's spread is \"none\".\n" +
			"Rates and latencies are marked noisy: on a shared machine they prove nothing.\n\n" +
			"With --fsyncs it counts puts per fsync of the write-ahead log at 1, 8, 64 and 256 clients instead.",
		Example: "  platform bench etcd --arm gogc50,batch --rounds 8\n  platform bench etcd --workload leases --members 3\n  platform bench etcd --fsyncs",
		Args:    argsUsage(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return env.benchEtcd(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.bench.Workload, "workload", "puts", "puts, leases, revisions or watches")
	flags.IntVar(&f.bench.Members, "members", 1, "1 or 3")
	flags.IntVar(&f.bench.Rounds, "rounds", 5, "rounds; under 3 nothing is judged")
	flags.IntVar(&f.bench.Clients, "clients", 64, "callers at once")
	flags.IntVar(&f.bench.Count, "operations", 8000, "operations a run")
	flags.IntVar(&f.bench.Size, "size", 512, "bytes of a value")
	flags.StringSliceVar(&f.arms, "arm", []string{"gogc50", "batch"}, "what is compared: batch, etcd35, gogc50, gogc50limit, gogc200")
	flags.BoolVar(&f.smoke, "smoke", false, "two rounds of the default alone")
	flags.BoolVar(&f.fsyncs, "fsyncs", false, "count puts per fsync instead")
	return cmd
}

func (e *environment) benchEtcd(ctx context.Context, f etcdBench) error {
	if err := f.bench.Check(f.arms); err != nil {
		return &UsageError{Err: err}
	}
	store, err := e.openStore()
	if err != nil {
		return err
	}
	p := e.newProgress()
	defer p.Close()
	built, err := store.Ensure(ctx, []string{tool.Etcd, tool.Etcd35, tool.EtcdOps}, building(p))
	if err != nil {
		return err
	}
	f.bench.Etcd, f.bench.Etcd35, f.bench.Ops, f.bench.Dir = built[tool.Etcd], built[tool.Etcd35], built[tool.EtcdOps], e.cacheDir()
	said := func(text string) { p.Update("bench", text) }
	if f.fsyncs {
		points, err := f.bench.Fsyncs(ctx, []int{1, 8, 64, 256}, said)
		if err != nil {
			return err
		}
		return e.writeDocument(points)
	}
	plan, err := f.bench.Plan(f.arms)
	if err != nil {
		return err
	}
	if f.smoke {
		plan = plan.Smoke()
	}
	result, err := experiment.Run(ctx, plan, said)
	if err != nil {
		return err
	}
	return e.writeDocument(result)
}
