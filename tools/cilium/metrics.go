package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	agent "github.com/cilium/cilium/daemon/cmd"
	operator "github.com/cilium/cilium/operator/cmd"
	"github.com/cilium/cilium/pkg/hive"
	"github.com/cilium/cilium/pkg/hive/cell"
	"github.com/cilium/cilium/pkg/logging"
	"github.com/cilium/cilium/pkg/metrics"
	"github.com/cilium/cilium/pkg/metrics/metric"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/sirupsen/logrus"
)

// metricsWord makes the program write what the agent, its Hubble and the operator
// export, for the lists that dashboards and rules are judged with.
const metricsWord = "metrics"

// mostLabels bounds the labels that a metric is tried with.
const mostLabels = 16

// errEnough ends the making of an agent once its metrics are known.
var errEnough = errors.New("the metrics are known")

// list is what one program exports.
type list struct {
	program, source string
	metrics         []exported
}

// exported is one metric: of a counter its whole name, labels sorted.
type exported struct {
	kind, name string
	labels     []string
}

// metricsCommand writes the lists, or says which differs.
func metricsCommand(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet(metricsWord, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	check := flags.Bool("check", false, "write nothing, fail when a list differs from what would be written")
	root := flags.String("root", "../..", "the repository's folder")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("%s: %w", metricsWord, err)
	}
	logrus.SetOutput(io.Discard)
	logging.DefaultLogger.SetOutput(io.Discard)
	lists, err := allLists(ctx, *root)
	if err != nil {
		return err
	}
	var differ []error
	for _, l := range lists {
		path := filepath.Join(*root, "tools", "dashboards", "catalogue", "lists", l.program+".txt")
		want := l.text()
		if !*check {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				return fmt.Errorf("writing a list: %w", err)
			}
			continue
		}
		have, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("reading a list: %w", err)
		}
		if !bytes.Equal(have, want) {
			differ = append(differ, fmt.Errorf("%s differs from what tools/cilium writes; run `go run -C tools/cilium . %s`", path, metricsWord))
		}
	}
	return errors.Join(differ...)
}

func allLists(ctx context.Context, root string) ([]list, error) {
	ofAgent, err := ofHive(agent.Agent, metrics.Namespace, agentRuntime(), onNode())
	if err != nil {
		return nil, fmt.Errorf("the agent's metrics: %w", err)
	}
	metrics.InitOperatorMetrics()
	ofOperator, err := ofHive(operator.Operator, metrics.CiliumOperatorNamespace, []prometheus.Collector{metrics.ErrorsWarnings}, nil)
	if err != nil {
		return nil, fmt.Errorf("the operator's metrics: %w", err)
	}
	wanted, err := hubbleSetting(root)
	if err != nil {
		return nil, err
	}
	ofHubble, err := hubbleMetrics(ctx, wanted)
	if err != nil {
		return nil, fmt.Errorf("Hubble's metrics: %w", err)
	}
	return []list{
		{agentProgram, "what Cilium's agent registers, each metric once set by its own code; its programs and maps need a kernel and are not run here", ofAgent},
		{"cilium-operator", "what Cilium's operator registers, each metric once set by its own code; it is not run here", ofOperator},
		{"hubble", "what Hubble's own handlers count of made flows, with the setting hubble-metrics of components/cilium", ofHubble},
	}, nil
}

// agentRuntime are the collectors that the agent has beside its own metrics.
func agentRuntime() []prometheus.Collector {
	return []prometheus.Collector{collectors.NewGoCollector()}
}

// onNode are metrics that the agent takes from its API, from bpftool and from maps
// in the kernel, or registers once there is something to tell: written by hand,
// and held by a test to the files of the library that name them.
func onNode() []exported {
	return []exported{
		{"gauge", "cilium_bpf_map_pressure", []string{"map_name"}},
		{"gauge", "cilium_bpf_maps_virtual_memory_max_bytes", nil},
		{"gauge", "cilium_bpf_progs_virtual_memory_max_bytes", nil},
		{"gauge", "cilium_controllers_failing", nil},
		{"counter", "cilium_drop_bytes_total", []string{"direction", "reason"}},
		{"counter", "cilium_drop_count_total", []string{"direction", "reason"}},
		{"gauge", "cilium_endpoint", nil},
		{"counter", "cilium_forward_bytes_total", []string{"direction"}},
		{"counter", "cilium_forward_count_total", []string{"direction"}},
		{"gauge", "cilium_ip_addresses", []string{"family"}},
		{"gauge", "cilium_unreachable_health_endpoints", nil},
		{"gauge", "cilium_unreachable_nodes", nil},
	}
}

// ofHive are the metrics that the parts of a program bring along and that are not
// off, and those of its process. The program itself is not made: who asks for
// metrics comes first and ends it.
func ofHive(program cell.Cell, namespace string, more []prometheus.Collector, also []exported) ([]exported, error) {
	var found []metric.WithMetadata
	ask := cell.Invoke(func(in struct {
		cell.In
		Metrics []metric.WithMetadata `group:"hive-metrics"`
	}) error {
		found = in.Metrics
		return errEnough
	})
	if err := hive.New(ask, program).Populate(); !errors.Is(err, errEnough) {
		return nil, fmt.Errorf("asking for them: %w", err)
	}
	all := append(slices.Clone(more), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{Namespace: namespace}))
	byName := map[string]metric.WithMetadata{} // as the registry does: of two with one name the later
	for _, m := range found {
		byName[m.Opts().GetConfigName()] = m
	}
	for _, m := range byName {
		if c, ok := m.(prometheus.Collector); ok && m.IsEnabled() {
			all = append(all, c)
		}
	}
	registry := prometheus.NewPedanticRegistry()
	for _, c := range all {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("registering: %w", err)
		}
		if err := set(c); err != nil {
			return nil, err
		}
	}
	out, err := gather(registry)
	return sorted(append(out, also...)), err
}

// set makes a metric with labels have one sample, since without it shows nothing.
func set(c prometheus.Collector) error {
	var try func(values []string) error
	switch v := c.(type) {
	case metric.Vec[metric.Counter]:
		try = func(values []string) error { _, err := v.GetMetricWithLabelValues(values...); return err }
	case metric.Vec[metric.Gauge]:
		try = func(values []string) error { _, err := v.GetMetricWithLabelValues(values...); return err }
	case metric.Vec[metric.Observer]:
		try = func(values []string) error { _, err := v.GetMetricWithLabelValues(values...); return err }
	default:
		return nil
	}
	var err error
	for n := range mostLabels {
		if err = try(slices.Repeat([]string{"x"}, n)); err == nil {
			return nil
		}
	}
	return fmt.Errorf("setting a metric: %w", err)
}

// gather are the metrics that a registry shows.
func gather(r prometheus.Gatherer) ([]exported, error) {
	families, err := r.Gather()
	if err != nil {
		return nil, fmt.Errorf("gathering: %w", err)
	}
	var out []exported
	for _, f := range families {
		e := exported{kind: strings.ToLower(f.GetType().String()), name: f.GetName()}
		if e.kind == "untyped" {
			e.kind = "unknown"
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				e.labels = append(e.labels, l.GetName())
			}
		}
		slices.Sort(e.labels)
		e.labels = slices.Compact(e.labels)
		out = append(out, e)
	}
	return sorted(out), nil
}

func sorted(metrics []exported) []exported {
	slices.SortFunc(metrics, func(a, b exported) int { return strings.Compare(a.name, b.name) })
	return metrics
}

// text is the list in the form that tools/dashboards reads.
func (l list) text() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Generated by `go run . %s` in tools/cilium; do not edit.\n", metricsWord)
	fmt.Fprintf(&b, "# program: %s\n# jobs: %s\n# state: declared\n# source: %s\n", l.program, l.program, l.source)
	for _, m := range l.metrics {
		fmt.Fprintf(&b, "%s\n", strings.TrimSpace(m.kind+" "+m.name+" "+strings.Join(m.labels, ",")))
	}
	return b.Bytes()
}
