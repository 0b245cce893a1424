// Package sampling measures what a site's gateway keeps of the traces that are sent
// to it and what that costs: the real collector with the gateway's configuration as
// it is rendered, against what the collector's sampler does by itself with the same
// policies. It also takes the backend away for as long as is asked, kills the
// collectors meanwhile, and counts what was lost. It knows nothing of clusters: the
// traces are made here, and the backend is a counter.
package sampling

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/experiment"
	"dualtrack.internal/tests/experiments/collector"
)

// Options are how much is measured.
type Options struct {
	Cluster   string
	Traces    int // of 2 spans
	PerSecond int
	Rounds    int
	Hurry     bool // decisions after a second, for a run that shows only that it works
}

// What every run measures.
const (
	orders   = "orders kept"
	others   = "others kept"
	cpuTrace = "CPU a trace"
	memory   = "peak RSS"
	wire     = "bytes a kept trace"
)

// Plan is the experiment: what the collector does by itself is the base.
func Plan(ctx context.Context, o Options) (experiment.Plan, error) {
	ours, err := collector.Find(ctx, o.Cluster, "otel-gateway")
	if err != nil {
		return experiment.Plan{}, err
	}
	plain, err := Default(ours)
	if err != nil {
		return experiment.Plan{}, err
	}
	arm := func(name string, r collector.Rendered) experiment.Arm {
		return experiment.Arm{Name: name, Run: func(ctx context.Context) (experiment.Sample, error) { return o.run(ctx, r) }}
	}
	return experiment.Plan{
		Name: "sampling",
		Question: fmt.Sprintf("What is kept of %d traces of 2 spans that come at %d a second, %d of them of /order/submit, and at what cost: "+
			"the sampler with its own defaults, against the gateway of %s as rendered? The policies are the same.",
			o.Traces, o.PerSecond, o.Traces/50, o.Cluster),
		Metrics: []experiment.Metric{
			{Name: orders, Unit: "%"}, {Name: others, Unit: "%"},
			{Name: cpuTrace, Unit: "µs", LowerIsBetter: true}, {Name: memory, Unit: "MiB", LowerIsBetter: true}, {Name: wire, LowerIsBetter: true},
		},
		Base: arm("default", plain), Others: []experiment.Arm{arm("ours", ours)}, Rounds: o.Rounds,
	}, nil
}

// Default is the gateway with its policies, and everything else as the collector
// has it by itself: the sampler's room and time, batches in memory, a queue in
// memory, no limit.
func Default(r collector.Rendered) (collector.Rendered, error) {
	var c map[string]any
	if err := yaml.Unmarshal([]byte(r.Config), &c); err != nil {
		return r, fmt.Errorf("the gateway's configuration: %w", err)
	}
	processors := At(c, "processors")
	processors["tail_sampling"] = map[string]any{"policies": At(processors, "tail_sampling")["policies"]}
	processors["batch"] = map[string]any{}
	delete(processors, "memory_limiter")
	delete(processors, "batch/pack")
	exporter := At(c, "exporters", "otlp_http")
	for _, ours := range []string{"retry_on_failure", "sending_queue", "timeout", "compression"} {
		delete(exporter, ours)
	}
	At(c, "service")["extensions"] = []any{"health_check"}
	delete(At(c, "extensions"), "file_storage/queue")
	At(c, "service")["pipelines"] = map[string]any{"traces": map[string]any{
		"receivers": []any{"otlp"}, "processors": []any{"tail_sampling", "resource", "batch"}, "exporters": []any{"otlp_http"}}}
	text, err := yaml.Marshal(c)
	if err != nil {
		return r, err
	}
	r.Config = string(text)
	return r, nil
}

// hurry is a sampler that decides soon, and batches that leave soon.
func hurry(c map[string]any) {
	At(c, "processors", "tail_sampling")["decision_wait"] = "1s"
	if queue := At(c, "exporters", "otlp_http", "sending_queue", "batch"); queue != nil {
		queue["flush_timeout"] = "1s"
	}
}

// Gateway is a gateway that runs here, and its backend.
type Gateway struct {
	*Place
	Sink *Sink
	Dir  string
}

// NewGateway makes a folder with a gateway's configuration and certificates, and a
// backend that does not listen yet. Nothing runs.
func NewGateway(ctx context.Context, dir string, r collector.Rendered, change func(map[string]any)) (*Gateway, error) {
	config, err := Authority(dir)
	if err != nil {
		return nil, err
	}
	sink, err := NewSink(ctx, config)
	if err != nil {
		return nil, err
	}
	p, err := Put(ctx, r, Wiring{Dir: dir, Certs: dir, To: map[string]string{"otlp_http": "https://" + sink.Addr}, Change: change})
	return &Gateway{Place: p, Sink: sink, Dir: dir}, err
}

// run sends the traces through one gateway.
func (o Options) run(ctx context.Context, r collector.Rendered) (sample experiment.Sample, err error) {
	dir, err := os.MkdirTemp("", "dualtrack-sampling-")
	if err != nil {
		return nil, fmt.Errorf("make room for a gateway: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	change, quiet := func(map[string]any) {}, 13*time.Second
	if o.Hurry {
		change, quiet = hurry, 2*time.Second
	}
	g, err := NewGateway(ctx, dir, r, change)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, g.Sink.Close()) }()
	if err := g.Sink.Listen(ctx); err != nil {
		return nil, err
	}
	process, err := g.Start(ctx)
	if err != nil {
		return nil, err
	}
	defer process.Kill()
	before, _, err := process.Usage(ctx)
	if err != nil {
		return nil, err
	}
	sent, err := Sender{To: []string{g.HTTP}, Kinds: Kinds(o.Traces), Spans: 2, PerSecond: o.PerSecond, Seed: 7}.Send(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, g.Words())
	}
	if err := g.Sink.Settled(ctx, quiet, 3*time.Minute); err != nil {
		return nil, fmt.Errorf("%w: %s", err, g.Words())
	}
	after, peak, err := process.Usage(ctx)
	if err != nil {
		return nil, err
	}
	c := g.Sink.Counts(sent)
	if c.Strange > 0 || c.Odd > 0 {
		return nil, fmt.Errorf("%d traces came that nobody sent, %d spans without cluster_env", c.Strange, c.Odd)
	}
	return o.sample(c, after-before, peak), nil
}

func (o Options) sample(c Counts, cpu, peak float64) experiment.Sample {
	s := experiment.Sample{cpuTrace: cpu * 1e6 / float64(o.Traces), memory: peak / (1 << 20)}
	kept := 0
	for _, k := range Kinds(o.Traces) {
		kept += c.Kept(k.Name)
		share := 100 * float64(c.Kept(k.Name)) / float64(k.Traces)
		switch k.Name {
		case "order":
			s[orders] = share
		case "rest":
			s[others] = share
		}
	}
	s[wire] = float64(c.Wire) / float64(max(1, kept))
	return s
}

// files is a folder below another.
func files(dir, name string) (string, error) {
	full := filepath.Join(dir, name)
	if err := os.MkdirAll(full, 0o700); err != nil {
		return "", fmt.Errorf("make room for a collector: %w", err)
	}
	return full, nil
}
