package p95

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"testing"

	"dualtrack.internal/platform/catalog"
)

// TestSeries wants the same series every time, counters that never fall, and every
// bucket at least as full as the one below it.
func TestSeries(t *testing.T) {
	t.Parallel()
	var first, second bytes.Buffer
	for _, w := range []*bytes.Buffer{&first, &second} {
		if err := write(w, 2, 1); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two runs generate different series")
	}
	lines := strings.Split(strings.TrimSpace(first.String()), "\n")
	if want := 2*len(codes())*len(buckets())*121 + 2; len(lines) != want || lines[len(lines)-1] != "# EOF" {
		t.Fatalf("%d lines, the last %q; want %d", len(lines), lines[len(lines)-1], want)
	}
	last, below := map[string]int{}, 0
	for _, line := range lines[1 : len(lines)-1] {
		fields := strings.Fields(line)
		value, err := strconv.Atoi(fields[1])
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(fields[0], `le="0.001"`) {
			below = 0
		}
		if value < last[fields[0]] || value < below {
			t.Fatalf("%s falls: %d before, %d in the bucket below", line, last[fields[0]], below)
		}
		last[fields[0]], below = value, value
	}
}

func TestShippedRules(t *testing.T) {
	t.Parallel()
	root, err := catalog.FindRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	for record, part := range map[string]string{bucketRecord: "http_request_duration_seconds_bucket", p95Record: bucketRecord} {
		path, expr, err := one(root, record, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(expr, part) || !strings.Contains(string(text), record) {
			t.Errorf("%s: %q, %v\n%s", record, expr, err, text)
		}
	}
	if _, _, err := one(root, "site:none", t.TempDir()); err == nil {
		t.Error("a rule that is not shipped was found")
	}
}

func TestSame(t *testing.T) {
	t.Parallel()
	cases := []struct {
		want, got []float64
		ok        bool
	}{
		{[]float64{1, 2}, []float64{1, 2}, true},
		{[]float64{1}, []float64{1 + 1e-12}, true},
		{[]float64{1}, []float64{1.001}, false},
		{[]float64{1, 2}, []float64{1}, false},
	}
	for _, c := range cases {
		if err := same(c.want, c.got); (err == nil) != c.ok {
			t.Errorf("%v and %v: %v", c.want, c.got, err)
		}
	}
}
