package tune

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	maxReplay = 64 << 20
	maxAnswer = 32 << 20
)

// ReplayLine is a line of a recording.
const ReplayLine = `{"at": "2026-03-01T08:00:00Z", "collections": 1740, "rss": 201326592, "gcShare": 0.18}`

// Replay reads a recording: one JSON object a line, as ReplayLine is.
func Replay(r io.Reader, name string) ([]Sample, error) {
	var out []Sample
	lines := bufio.NewScanner(io.LimitReader(r, maxReplay))
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" {
			continue
		}
		var s Sample
		dec := json.NewDecoder(strings.NewReader(text))
		dec.DisallowUnknownFields()
		err := dec.Decode(&s)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s:%d: %w; a line is like %s", name, n, err, ReplayLine)
		case s.At.IsZero() || s.RSS <= 0 || s.Collections < 0 || s.GCShare < 0 || s.GCShare > 1:
			return nil, fmt.Errorf("%s:%d: at, and rss above zero, are needed; gcShare is between 0 and 1", name, n)
		}
		out = append(out, s)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return out, nil
}

// Prometheus reads a server over its HTTP API.
type Prometheus struct {
	URL    string
	Job    string       // of etcd
	Client *http.Client // with a time limit
}

// Samples are one a step between two times: the busiest member's.
func (p Prometheus) Samples(ctx context.Context, from, to time.Time, step time.Duration) ([]Sample, error) {
	job := strconv.Quote(p.Job)
	window := fmt.Sprintf("%ds", int(max(step, time.Minute).Seconds()))
	collections, err := p.query(ctx, "max(rate(go_gc_duration_seconds_count{job="+job+"}["+window+"]))*60", from, to, step)
	if err != nil {
		return nil, err
	}
	rss, err := p.query(ctx, "max(process_resident_memory_bytes{job="+job+"})", from, to, step)
	if err != nil {
		return nil, err
	}
	rate := func(metric string) string { return "rate(" + metric + "{job=" + job + "}[" + window + "])" }
	share, err := p.query(ctx, "max(("+rate("go_cpu_classes_gc_total_cpu_seconds_total")+"-"+rate("go_cpu_classes_gc_mark_idle_cpu_seconds_total")+
		")/"+rate("process_cpu_seconds_total")+")", from, to, step)
	if err != nil {
		return nil, err
	}
	var out []Sample
	for at := from; !at.After(to); at = at.Add(step) {
		c, ok := collections[at.Unix()]
		m, ok2 := rss[at.Unix()]
		if ok && ok2 && m > 0 {
			out = append(out, Sample{At: at, Collections: c, RSS: m, GCShare: min(1, share[at.Unix()])}) // 0 where etcd does not tell; an estimate, which may be above 1
		}
	}
	return out, nil
}

// answer is what the API says to a query over a range.
type answer struct {
	Status string `json:"status"`
	Error  string `json:"error"`
	Data   struct {
		Result []struct {
			Values [][2]json.RawMessage `json:"values"`
		} `json:"result"`
	} `json:"data"`
}

func (p Prometheus) query(ctx context.Context, expr string, from, to time.Time, step time.Duration) (map[int64]float64, error) {
	values := url.Values{"query": {expr}, "start": {strconv.FormatInt(from.Unix(), 10)}, "end": {strconv.FormatInt(to.Unix(), 10)},
		"step": {strconv.Itoa(int(step.Seconds()))}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(p.URL, "/")+"/api/v1/query_range?"+values.Encode(), nil)
	if err != nil {
		return nil, fmt.Errorf("ask Prometheus: %w", err)
	}
	response, err := p.Client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask Prometheus: %w", err)
	}
	defer func() { _ = response.Body.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("ask Prometheus: %w", err)
	}
	out, err := parseAnswer(text)
	if err != nil {
		return nil, fmt.Errorf("ask Prometheus for %s: %w", expr, err)
	}
	return out, nil
}

// parseAnswer reads the one series of an answer, by second.
func parseAnswer(text []byte) (map[int64]float64, error) {
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, fmt.Errorf("its answer is no JSON of the API: %w", err)
	}
	if a.Status != "success" {
		return nil, fmt.Errorf("it says %q: %s", a.Status, a.Error)
	}
	out := map[int64]float64{}
	for _, series := range a.Data.Result {
		for _, pair := range series.Values {
			var at float64
			var value string
			if err := json.Unmarshal(pair[0], &at); err != nil {
				return nil, fmt.Errorf("a time in its answer: %w", err)
			}
			if err := json.Unmarshal(pair[1], &value); err != nil {
				return nil, fmt.Errorf("a value in its answer: %w", err)
			}
			v, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return nil, fmt.Errorf("a value in its answer: %w", err)
			}
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				out[int64(at)] = v
			}
		}
	}
	return out, nil
}

// Profile takes etcd's CPU profile of 30 seconds; url is the member's, with its
// pprof switched on.
func Profile(ctx context.Context, client *http.Client, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(url, "/")+"/debug/pprof/profile?seconds=30", nil)
	if err != nil {
		return nil, fmt.Errorf("take a profile: %w", err)
	}
	response, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("take a profile: %w", err)
	}
	defer func() { _ = response.Body.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s; start etcd with --enable-pprof", url, response.Status)
	}
	if err != nil {
		return nil, fmt.Errorf("take a profile: %w", err)
	}
	return text, nil
}
