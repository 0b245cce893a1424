package p95

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/experiment"
	"dualtrack.internal/platform/tool"
)

// Name is the experiment's name.
const Name = "p95"

// What every run measures, for one question.
const (
	samplesRead = "samples"
	cpuTime     = "cpu_ms"
	latency     = "latency_ms"
)

// Options are how much there is to ask. The zero value is the whole experiment.
type Options struct {
	Pods   int // default 20, of 42 series each
	Hours  int // default 6
	Rounds int // default 5
}

// Plan generates the series, has the shipped rules evaluated over them, and starts
// the server; stop ends it and takes its files away.
func Plan(ctx context.Context, o Options) (p experiment.Plan, stop func() error, err error) {
	defaults(&o)
	dir, err := os.MkdirTemp("", "p95")
	if err != nil {
		return p, nil, fmt.Errorf("a folder for the experiment: %w", err)
	}
	e, err := prepare(ctx, dir, o)
	stop = func() error {
		var ended error
		if e != nil && e.server != nil {
			ended = e.server.stop()
		}
		return errors.Join(ended, os.RemoveAll(dir))
	}
	if err != nil {
		return p, nil, errors.Join(err, stop())
	}
	// A question that takes a millisecond is asked often enough for clocks of 10 ms.
	return experiment.Plan{
		Name: Name,
		Question: fmt.Sprintf("What does a panel of %d hours cost that shows the P95 of the orders of %d pods (%d series): asked of their histograms, "+
			"of the recorded sums by bucket, of the recorded percentile?", o.Hours, o.Pods, o.Pods*len(codes())*len(buckets())),
		Metrics: []experiment.Metric{
			{Name: samplesRead, LowerIsBetter: true},
			{Name: cpuTime, Unit: "ms", LowerIsBetter: true},
			{Name: latency, Unit: "ms", LowerIsBetter: true, Noisy: true},
		},
		Base:   experiment.Arm{Name: "histograms", Run: e.arm(e.raw, 6)},
		Others: []experiment.Arm{{Name: "recorded-buckets", Run: e.arm(e.buckets, 200)}, {Name: "recorded-p95", Run: e.arm(p95Record, 400)}},
		Rounds: o.Rounds,
	}, stop, nil
}

func defaults(o *Options) {
	for _, f := range []struct {
		at    *int
		value int
	}{{&o.Pods, 20}, {&o.Hours, 6}, {&o.Rounds, 5}} {
		if *f.at == 0 {
			*f.at = f.value
		}
	}
}

// prepared is a server with the series in it, and the questions.
type prepared struct {
	server       *server
	hours        int
	raw, buckets string
	want         []float64 // what each question is answered with
}

func prepare(ctx context.Context, dir string, o Options) (*prepared, error) {
	root, err := catalog.FindRoot(".")
	if err != nil {
		return nil, err
	}
	store, err := tool.New(tool.Config{ToolsDir: filepath.Join(root, "tools"), Named: tool.CheckPrograms()})
	if err != nil {
		return nil, err
	}
	programs, err := store.Ensure(ctx, []string{tool.Prometheus, tool.Promtool}, tool.Events{})
	if err != nil {
		return nil, err
	}
	e := &prepared{hours: o.Hours}
	if e.server, err = newServer(ctx, programs[tool.Prometheus], dir); err != nil {
		return e, err
	}
	if err := e.generate(ctx, programs[tool.Promtool], o); err != nil {
		return e, err
	}
	for _, record := range []string{bucketRecord, p95Record} {
		if err := e.record(ctx, programs[tool.Promtool], root, record); err != nil {
			return e, err
		}
	}
	if err := e.server.start(ctx); err != nil {
		return e, err
	}
	first, err := e.server.query(ctx, e.raw, e.hours)
	e.want = first.values
	return e, err
}

// generate makes blocks of the pods' histograms.
func (e *prepared) generate(ctx context.Context, promtool string, o Options) error {
	text := filepath.Join(e.server.dir, "series")
	file, err := os.Create(text)
	if err != nil {
		return fmt.Errorf("the series: %w", err)
	}
	if err := errors.Join(write(file, o.Pods, o.Hours), file.Close()); err != nil {
		return err
	}
	if err := command(ctx, promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", text, e.server.data()); err != nil {
		return err
	}
	return os.Remove(text)
}

// record makes blocks of what a shipped rule records, as the server evaluates it.
func (e *prepared) record(ctx context.Context, promtool, root, record string) (err error) {
	file, expr, err := one(root, record, e.server.dir)
	if err != nil {
		return err
	}
	if record == bucketRecord {
		e.raw, e.buckets = "histogram_quantile(0.95, "+expr+")", "histogram_quantile(0.95, "+bucketRecord+")"
	}
	if err := e.server.start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.server.stop()) }()
	return command(ctx, promtool, "tsdb", "create-blocks-from", "rules", "--quiet", "--url=http://"+e.server.addr,
		"--start="+strconv.Itoa(begin), "--end="+strconv.Itoa(begin+e.hours*3600), "--output-dir="+e.server.data(), file)
}

func command(ctx context.Context, path string, args ...string) error {
	out, err := exec.CommandContext(ctx, path, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s %s: %w: %.500s", filepath.Base(path), args[0], args[1], err, out)
	}
	return nil
}

// arm asks one question so many times.
func (e *prepared) arm(expr string, times int) func(context.Context) (experiment.Sample, error) {
	return func(ctx context.Context) (experiment.Sample, error) {
		before, err := e.server.cpu()
		if err != nil {
			return nil, err
		}
		var took []float64
		var samples float64
		for range times {
			began := time.Now()
			a, err := e.server.query(ctx, expr, e.hours)
			if err != nil {
				return nil, err
			}
			took = append(took, float64(time.Since(began).Microseconds())/1000)
			if err := same(e.want, a.values); err != nil {
				return nil, fmt.Errorf("%s: %w", expr, err)
			}
			samples = a.samples
		}
		after, err := e.server.cpu()
		if err != nil {
			return nil, err
		}
		slices.Sort(took)
		return experiment.Sample{samplesRead: samples, cpuTime: (after - before) * 1000 / float64(times), latency: took[len(took)/2]}, nil
	}
}

// same says where two answers differ: a cheaper answer must be the same answer.
func same(want, got []float64) error {
	if len(want) != len(got) {
		return fmt.Errorf("%d values, and %d from the histograms", len(got), len(want))
	}
	for i := range want {
		if d := math.Abs(want[i] - got[i]); !(d <= 1e-9*math.Abs(want[i])) {
			return fmt.Errorf("value %d is %v, and %v from the histograms", i, got[i], want[i])
		}
	}
	return nil
}
