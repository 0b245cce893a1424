package p95

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// The generated hours: fixed, so that every run has the same series.
const (
	begin  = 1_767_225_600 // 2026-01-01T00:00:00Z
	scrape = 30            // seconds
	step   = 60            // of evaluations and of questions
)

// buckets are those of order-service.
func buckets() []string {
	return []string{"0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "+Inf"}
}

func codes() []string { return []string{"201", "422", "500"} }

// write writes hours of the order-service's histogram on so many pods, as
// OpenMetrics.
func write(w io.Writer, pods, hours int) error {
	out := bufio.NewWriter(w)
	fmt.Fprintln(out, "# TYPE http_request_duration_seconds histogram")
	random := rand.New(rand.NewPCG(1, uint64(pods)))
	for pod := range pods {
		for _, code := range codes() {
			counts := make([]int, len(buckets()))
			for at := 0; at <= hours*3600; at += scrape {
				total := 0
				for i, le := range buckets() {
					total += random.IntN(8)
					counts[i] += total
					fmt.Fprintf(out, "http_request_duration_seconds_bucket{job=\"order-service\",pod=\"order-service-%d\",route=\"/order/submit\",code=%q,le=%q} %d %d\n",
						pod, code, le, counts[i], begin+at)
				}
			}
		}
	}
	fmt.Fprintln(out, "# EOF")
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the series: %w", err)
	}
	return nil
}

// shipped are the rules of the component that the experiment is about.
const shipped = "components/prometheus/base/rules/orders.yaml"

// The recorded series: sums by bucket, and the percentile made of them.
const (
	bucketRecord = "site:orders_latency_bucket:rate5m"
	p95Record    = "site:orders_latency_seconds:p95_5m"
)

// one is a file with one of the shipped rules alone: a rule that reads another's
// series can be backfilled only after it.
func one(root, record, dir string) (path, expr string, err error) {
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(shipped)))
	if err != nil {
		return "", "", fmt.Errorf("the shipped rules: %w", err)
	}
	var rules struct {
		Groups []struct {
			Rules []struct {
				Record string `json:"record"`
				Expr   string `json:"expr"`
			} `json:"rules"`
		} `json:"groups"`
	}
	if err := yaml.Unmarshal(text, &rules); err != nil {
		return "", "", fmt.Errorf("%s: %w", shipped, err)
	}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			if r.Record == record {
				expr = r.Expr
			}
		}
	}
	if expr == "" {
		return "", "", errors.New(shipped + " does not record " + record)
	}
	group := map[string]any{"name": "one", "interval": fmt.Sprintf("%ds", step), "rules": []any{map[string]any{"record": record, "expr": expr}}}
	data, err := yaml.Marshal(map[string]any{"groups": []any{group}})
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", shipped, err)
	}
	path = filepath.Join(dir, "rule.yaml")
	return path, expr, os.WriteFile(path, data, 0o600)
}
