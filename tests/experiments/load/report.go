package load

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"
)

// report is what a run saw.
type report struct {
	samples []sample // by when they were due
	took    []time.Duration
	status  map[int]int
	errors  map[string]int
	cut     int64
	marks   []mark
	audit   audit
}

func (g *generator) report() *report {
	r := &report{samples: g.samples, status: g.answers, errors: g.lost, cut: g.cut.Load()}
	for _, s := range r.samples {
		r.took = append(r.took, s.took)
	}
	slices.Sort(r.took)
	return r
}

// answers counts those that say what was asked for, a refusal by the object's state
// included: no 5xx, and no "too many requests".
func (r *report) answers() int {
	n := 0
	for status, count := range r.status {
		if status < 500 && status != http.StatusTooManyRequests {
			n += count
		}
	}
	return n
}

func (r *report) lost() int { return len(r.samples) - r.answers() }

func (r *report) percentile(share float64) time.Duration {
	if len(r.took) == 0 {
		return 0
	}
	return r.took[int(share*float64(len(r.took)-1))]
}

// text writes the run for people.
func (r *report) text(w io.Writer, name string, length time.Duration) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s: %d calls fell due in %s, %d were answered (%.0f/s)\n", name, len(r.samples), length, r.answers(),
		float64(r.answers())/length.Seconds())
	fmt.Fprintf(&b, "  p50 %s, p99 %s from when they were due; watches cut off: %d\n", millis(r.percentile(0.5)), millis(r.percentile(0.99)), r.cut)
	for _, status := range slices.Sorted(maps.Keys(r.status)) {
		fmt.Fprintf(&b, "  %8d answered %d %s\n", r.status[status], status, http.StatusText(status))
	}
	for _, kind := range slices.Sorted(maps.Keys(r.errors)) {
		fmt.Fprintf(&b, "  %8d without an answer: %s\n", r.errors[kind], kind)
	}
	for _, m := range r.marks {
		fmt.Fprintf(&b, "  at %.0f s %s: %s\n", m.at.Seconds(), m.what, m.words())
	}
	fmt.Fprintf(&b, "  audit log: %s\n", r.audit.against(r.status, r.errors))
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write what the load saw: %w", err)
	}
	return nil
}

func (m mark) words() string {
	said := "no call failed"
	if m.failed > 0 {
		said = fmt.Sprintf("%d calls failed, the last one due %.1f s later", m.failed, m.last.Seconds())
	}
	switch {
	case !m.measured:
		return said + "; too short a time to say when as many were answered again"
	case !m.dipped:
		return said + fmt.Sprintf("; no second with less than %.0f %% of the answers before", share*100)
	}
	return said + fmt.Sprintf("; %.0f %% of the answers a second before came again after %.0f s", share*100, m.back.Seconds())
}

func millis(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }
