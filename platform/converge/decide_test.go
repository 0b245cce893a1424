package converge

import (
	"bufio"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/track"
)

// verdictsOf reads "ok", "differs", "progressing", … as one verdict each.
func verdictsOf(words string) []track.Verdict {
	var out []track.Verdict
	for _, w := range strings.Fields(words) {
		v := track.Verdict{Sync: track.InSync, Health: track.Healthy}
		switch w {
		case "ok":
		case "differs", "missing", "extra", "unknown":
			v.Sync = track.Sync(w)
		case "not-judgeable":
			v.Health = track.NotJudgeable
		default:
			v.Health = track.Health(w)
		}
		out = append(out, v)
	}
	return out
}

func said(d decision) string {
	switch {
	case d.do == doApply:
		return "apply"
	case d.do == doStop && d.converged:
		return "converged"
	case d.do == doStop:
		return "stop"
	}
	return "wait " + d.after.String()
}

func transcripts() []struct{ name, transcript string } {
	return []struct{ name, transcript string }{
		{"first bring-up", `
			0s   b1 -  unjudged        -> apply
			2s   b1 b1 ok progressing  -> wait 1s
			3s   b1 b1 ok ok           -> wait 1.5s
			4s   b1 b1 ok ok           -> wait 500ms
			5.5s b1 b1 ok ok           -> wait 500ms
			6s   b1 b1 ok ok           -> converged`},
		{"not judgeable and suspended hold nothing up", `
			0s b1 b1 ok not-judgeable -> wait 1.5s
			3s b1 b1 ok suspended     -> converged`},
		{"all well from the start", `
			0s b1 b1 ok -> wait 1.5s
			3s b1 b1 ok -> converged`},
		{"a relapse begins the settle time anew", `
			0s b1 b1 ok       -> wait 1.5s
			2s b1 b1 degraded -> apply
			3s b1 b1 ok       -> wait 1.5s
			5s b1 b1 ok       -> wait 1s
			6s b1 b1 ok       -> converged`},
		{"drift is applied again, ever more patiently", `
			0s  b1 b1 differs -> apply
			1s  b1 b1 differs -> wait 1s
			2s  b1 b1 differs -> apply
			5s  b1 b1 differs -> wait 1s
			6s  b1 b1 differs -> apply
			60s b1 b1 differs -> stop`},
		{"bad health alone is not applied again", `
			0s b1 - unjudged     -> apply
			5s b1 b1 progressing -> wait 1s
			9s b1 b1 progressing -> wait 1s`},
		{"an unknown is never well", `
			0s  b1 - unjudged -> apply
			10s b1 b1 unknown -> apply
			60s b1 b1 unknown -> stop`},
		{"an old revision is never well", `
			0s b2 b1 unjudged -> apply
			2s b2 b1 ok       -> apply`},
		{"a new bundle on the way", `
			0s b1 b1 ok       -> wait 1.5s
			2s b2 b1 unjudged -> apply
			3s b2 b2 ok       -> wait 1.5s
			6s b2 b2 ok       -> converged`},
		{"no use going on", `
			0s b1 - unjudged            -> apply
			1s b1 - hopeless differs ok -> stop`},
		{"refused, perhaps not for ever", `
			0s b1 - unjudged      -> apply
			1s b1 - refused ok    -> wait 1s
			2s b1 - refused ok    -> apply
			3s b1 b1 ok           -> wait 1.5s`},
		{"the settle time begins at the look, and judging counts in it", `
			2s b1 b1 seen:0s ok -> wait 1s
			3s b1 b1 ok         -> converged`},
		{"one look is never enough, however long it was judged", `
			9s  b1 b1 seen:1s ok -> wait 0s
			10s b1 b1 seen:9s ok -> converged`},
		{"waits never pass the deadline", `
			0s    b1 - unjudged       -> apply
			59.8s b1 b1 progressing   -> wait 200ms
			60s   b1 b1 ok            -> stop`},
	}
}

// TestDecide plays transcripts: a line is a time, what the round saw, and after
// the arrow what is decided. Settle is 3 s, the interval 1 s, the deadline 60 s.
func TestDecide(t *testing.T) {
	t.Parallel()
	for _, tc := range transcripts() {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { play(t, tc.transcript) })
		})
	}
}

func play(t *testing.T, transcript string) {
	begin := time.Now()
	d := decider{settle: 3 * time.Second, interval: time.Second, deadline: begin.Add(time.Minute)}
	var got strings.Builder
	lines := bufio.NewScanner(strings.NewReader(transcript))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		left, _, _ := strings.Cut(line, "->")
		parts := strings.Fields(left)
		at, err := time.ParseDuration(parts[0])
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(begin.Add(at))) //nolint:forbidigo // by the bubble's clock, which does not wait
		o := observation{at: time.Now(), bundle: parts[1], applied: strings.Trim(parts[2], "-"), judged: true}
		saw := parts[3:]
		if at, early := strings.CutPrefix(saw[0], "seen:"); early {
			ago, err := time.ParseDuration(at)
			if err != nil {
				t.Fatal(err)
			}
			o.at, saw = begin.Add(ago), saw[1:]
		}
		switch saw[0] {
		case "unjudged":
			o.judged, saw = false, nil
		case "hopeless":
			o.hopeless, o.refused, o.incidents, saw = true, true, 1, saw[1:]
		case "refused":
			o.refused, o.incidents, saw = true, 1, saw[1:]
		}
		o.verdicts = verdictsOf(strings.Join(saw, " "))
		next := d.next(o, time.Now())
		if next.do == doApply {
			d.didApply(time.Now())
		}
		fmt.Fprintf(&got, "%s-> %s\n", left, said(next))
	}
	want := ""
	for line := range strings.Lines(strings.TrimSpace(transcript)) {
		want += strings.TrimSpace(line) + "\n"
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
