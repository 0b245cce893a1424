package experiment_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"dualtrack.internal/platform/experiment"
)

// wobble is an arm whose n-th run measures value by the n-th factor.
func wobble(name string, value float64, factors ...float64) experiment.Arm {
	n := 0
	return experiment.Arm{Name: name, Run: func(context.Context) (experiment.Sample, error) {
		v := value * factors[n%len(factors)]
		n++
		return experiment.Sample{"size": v}, nil
	}}
}

func plan(rounds int, base experiment.Arm, others ...experiment.Arm) experiment.Plan {
	return experiment.Plan{
		Name: "fake", Question: "does an arm differ?", Rounds: rounds, Base: base, Others: others,
		Metrics: []experiment.Metric{{Name: "size", Unit: "MB", LowerIsBetter: true}},
	}
}

func run(t *testing.T, p experiment.Plan) *experiment.Result {
	t.Helper()
	r, err := experiment.Run(t.Context(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The base runs twice a round: its factors are those of base and control, in the
// second of three rounds of control and base.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	calm := []float64{1, 1.02, 1.01, 1, 1, 1.01}
	rough := []float64{1, 1.4, 1.3, 1, 1, 1.2}
	cases := []struct {
		name    string
		rounds  int
		base    []float64
		arm     []float64
		verdict experiment.Verdict
		says    string
	}{
		{"bigger", 3, calm, []float64{1.5}, experiment.Higher, "higher by 50 %"},
		{"smaller", 3, calm, []float64{0.88}, experiment.Lower, "lower by 12 %"},
		{"equal", 3, calm, []float64{1}, experiment.None, "none: inside the control's spread"},
		{"within the noise", 3, rough, []float64{1.2}, experiment.None, "none: inside the control's spread"},
		{"beyond the noise", 3, rough, []float64{2}, experiment.Higher, "higher by 100 %"},
		{"one high run is no difference", 3, calm, []float64{1, 9, 1}, experiment.None, "none: inside the control's spread"},
		{"too few rounds", 2, calm, []float64{2}, experiment.Unknown, "unknown: 2 rounds are too few"},
		{"zero", 3, []float64{0}, []float64{1}, experiment.Unknown, "unknown: a run measured 0"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := run(t, plan(c.rounds, wobble("base", 100, c.base...), wobble("arm", 100, c.arm...)))
			f, ok := r.Figure("size", "arm")
			if !ok || len(f.Values) != c.rounds {
				t.Fatalf("figure %+v, %v", f, ok)
			}
			if diff := cmp.Diff([]string{string(c.verdict), c.says}, []string{string(f.Verdict), f.Says}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFigures(t *testing.T) {
	t.Parallel()
	r := run(t, plan(2, wobble("base", 10, 1, 1.1, 1.25, 1), wobble("arm", 10, 2, 4)))
	c, _ := r.Comparison("size")
	want := experiment.Comparison{
		Metric: experiment.Metric{Name: "size", Unit: "MB", LowerIsBetter: true}, Spread: 1.25,
		Arms: []experiment.Figure{
			{Arm: "base", Values: []float64{10, 10}, Median: 10, Min: 10, Max: 10},
			{Arm: "control", Values: []float64{11, 12.5}, Median: 11.75, Min: 11, Max: 12.5, Ratio: 1.175},
			{Arm: "arm", Values: []float64{20, 40}, Median: 30, Min: 20, Max: 40, Ratio: 3, Verdict: experiment.Unknown, Says: "unknown: 2 rounds are too few"},
		},
	}
	if diff := cmp.Diff(want, c, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, ok := r.Figure("size", "other"); ok {
		t.Error("an arm that did not run has a figure")
	}
	if _, ok := r.Figure("other", "base"); ok {
		t.Error("a metric that was not asked for has a figure")
	}
}

func TestOrderRotates(t *testing.T) {
	t.Parallel()
	var heard []string
	p := plan(5, wobble("base", 1, 1), wobble("a", 1, 1), wobble("b", 1, 1))
	if _, err := experiment.Run(t.Context(), p, func(s string) {
		_, arm, _ := strings.Cut(s, ": ")
		heard = append(heard, arm)
	}); err != nil {
		t.Fatal(err)
	}
	want := strings.Fields("base control a b  control a b base  a b base control  b base control a  b a control base")
	if diff := cmp.Diff(want, heard); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSmokeAndOnly(t *testing.T) {
	t.Parallel()
	p := plan(9, wobble("base", 1, 1), wobble("a", 1, 1), wobble("b", 1, 1))
	r := run(t, p.Smoke())
	if c, _ := r.Comparison("size"); len(c.Arms) != 2 || r.Rounds != 2 {
		t.Errorf("a smoke run has %d arms and %d rounds", len(c.Arms), r.Rounds)
	}
	one, err := p.Only("b")
	if err != nil || len(one.Others) != 1 || one.Others[0].Name != "b" || len(p.Others) != 2 {
		t.Errorf("only b: %d arms of %d, %v", len(one.Others), len(p.Others), err)
	}
	if _, err := p.Only("c"); err == nil || !strings.Contains(err.Error(), `no arm "c"; it has ["a" "b"]`) {
		t.Errorf("an arm that is not there: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	fails := experiment.Arm{Name: "fails", Run: func(context.Context) (experiment.Sample, error) { return nil, broken }}
	lacks := experiment.Arm{Name: "lacks", Run: func(context.Context) (experiment.Sample, error) { return experiment.Sample{"other": 1}, nil }}
	base := wobble("base", 1, 1)
	nothing := plan(1, base)
	nothing.Metrics = nil
	cases := []struct {
		p    experiment.Plan
		want string
	}{
		{plan(0, base), "experiment fake: 0 rounds; take at least 1"},
		{plan(1, base, base), `experiment fake: two arms are called "base"`},
		{plan(1, base, wobble("control", 1, 1)), `experiment fake: two arms are called "control"`},
		{plan(1, base, experiment.Arm{Name: "x"}), "experiment fake: an arm without a name, or with nothing to run"},
		{nothing, "experiment fake measures nothing"},
		{plan(1, base, fails), "experiment fake, arm fails, round 1: broken"},
		{plan(1, base, lacks), "experiment fake, arm lacks, round 1: the run did not measure size"},
	}
	for _, c := range cases {
		_, err := experiment.Run(t.Context(), c.p, nil)
		if err == nil {
			t.Errorf("no error; want %s", c.want)
		} else if diff := cmp.Diff(c.want, err.Error()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(broken)
	if _, err := experiment.Run(ctx, plan(1, base), nil); !errors.Is(err, broken) {
		t.Errorf("an ended context: %v", err)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	base := []float64{1, 1.02, 1.01, 1, 1, 1.01}
	r := run(t, plan(3, wobble("default", 51.17, base...), wobble("gogc50", 51.17, 0.88), wobble("batch", 51.17, 1)))
	r.Machine = experiment.Machine{System: "linux/amd64", Cores: 2, Memory: 24e9, Kernel: "6.1.0", Go: "go1.26", LoadBefore: 0.5, LoadAfter: 2}
	var b bytes.Buffer
	if err := r.Text(&b); err != nil {
		t.Fatal(err)
	}
	want := `fake: does an arm differ?
3 rounds; base "default", run twice in each: the second is the control
2 cores, 24.0 GB, linux/amd64 6.1.0, go1.26, load 0.5 before, 2.0 after

size, MB (lower is better)
  default                 51.2  [51.2 to 51.2]
  control                 51.7  [51.7 to 52.2]          1.010  spread 2.0 %
  gogc50                  45.0  [45.0 to 45.0]          0.880  lower by 12 %
  batch                   51.2  [51.2 to 51.2]          1.000  none

none: inside the control's spread
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b.Reset()
	if err := r.JSON(&b); err != nil {
		t.Fatal(err)
	}
	var back experiment.Result
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*r, back); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "0", 3: "3", 1234.5: "1234", 123.4: "123", 14.44: "14.4", 1.234: "1.23", 0.123: "0.123", 0.00123: "0.0012", -2.5: "-2.50"} {
		if got := experiment.Number(v); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
}
