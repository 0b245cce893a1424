package load

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// calls are one sample each tenth of a second; lost says which have no answer.
func calls(seconds int, lost func(time.Duration) bool) []sample {
	var out []sample
	for i := range seconds * 10 {
		due := time.Duration(i) * 100 * time.Millisecond
		out = append(out, sample{due: due, took: time.Millisecond, answered: !lost(due)})
	}
	return out
}

func TestRecoveries(t *testing.T) {
	t.Parallel()
	away := func(from, to time.Duration) func(time.Duration) bool {
		return func(due time.Duration) bool { return due >= from && due < to }
	}
	at := 20 * time.Second
	for name, tt := range map[string]struct {
		samples []sample
		want    mark
	}{
		"nothing happens":    {calls(60, away(0, 0)), mark{measured: true}},
		"three seconds away": {calls(60, away(at, at+3*time.Second)), mark{measured: true, failed: 30, last: 2900 * time.Millisecond, dipped: true, back: 3 * time.Second}},
		"one call is no dip": {calls(60, away(at, at+time.Millisecond)), mark{measured: true, failed: 1}},
		"never again":        {calls(60, away(at, time.Hour)), mark{measured: true, failed: 400, last: 39900 * time.Millisecond, dipped: true, back: 40 * time.Second}},
		"back and away again": {calls(60, func(d time.Duration) bool {
			return away(at, at+time.Second)(d) || away(at+3*time.Second, at+5*time.Second)(d)
		}), mark{measured: true, failed: 30, last: 4900 * time.Millisecond, dipped: true, back: 5 * time.Second}},
		"too short a time": {calls(22, away(0, 0)), mark{}},
	} {
		tt.want.at = at
		length := time.Duration(len(tt.samples)) * 100 * time.Millisecond
		got := recoveries(tt.samples, []mark{{at: at}}, length)
		if diff := cmp.Diff([]mark{tt.want}, got, cmp.AllowUnexported(mark{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestRecoveriesKeepApart holds that what follows the next mark is the next mark's.
func TestRecoveriesKeepApart(t *testing.T) {
	t.Parallel()
	second := 40 * time.Second
	got := recoveries(calls(60, func(d time.Duration) bool { return d >= second && d < second+2*time.Second }), []mark{{at: 20 * time.Second}, {at: second}}, time.Minute)
	want := []mark{{at: 20 * time.Second, measured: true}, {at: second, measured: true, failed: 20, last: 1900 * time.Millisecond, dipped: true, back: 2 * time.Second}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(mark{})); diff != "" {
		t.Errorf("marks (-want +got):\n%s", diff)
	}
}

func TestAudit(t *testing.T) {
	t.Parallel()
	const line = `{"stage":"ResponseComplete","verb":"get","userAgent":"a","responseStatus":{"code":200}}` + "\n"
	dir := t.TempDir()
	for name, text := range map[string]string{
		"kube-apiserver-1.log": line + line + `{"stage":"ResponseStarted","verb":"watch","userAgent":"a","responseStatus":{"code":200}}` + "\n" +
			`{"stage":"ResponseComplete","verb":"watch","userAgent":"a","responseStatus":{"code":200}}` + "\n",
		"kube-apiserver-2.log": `{"stage":"ResponseComplete","verb":"get","userAgent":"b","responseStatus":{"code":200}}` + "\n" +
			`{"stage":"ResponseComplete","verb":"list","userAgent":"a","responseStatus":{"code":500}}` + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := readAudit(dir, "a")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(audit{status: map[int]int{200: 3, 500: 1}, files: 2}, got, cmp.AllowUnexported(audit{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	const said = "4 requests in 2 files, 1 of them 5xx; the generator had "
	for _, tt := range []struct {
		status map[int]int
		lost   map[string]int
		want   string
	}{
		{map[int]int{200: 3, 500: 1, 429: 7}, nil, said + "4 answers, 1 of them 5xx: they agree"},
		{map[int]int{200: 2, 500: 1}, map[string]int{"connection lost": 2}, said + "3 answers, 1 of them 5xx: they agree but for 1 that it holds of the 2 calls that lost their answer"},
		{map[int]int{200: 2, 500: 1}, nil, said + "3 answers, 1 of them 5xx: they DISAGREE, it holds 1 more, and only 0 calls lost their answer"},
		{map[int]int{200: 5}, nil, said + "5 answers, 0 of them 5xx: they DISAGREE, 2 answers are not in it"},
	} {
		if diff := cmp.Diff(tt.want, got.against(tt.status, tt.lost)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", tt.status, diff)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "kube-apiserver-3.log"), []byte(`{"userAgent":"a"`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err = readAudit(dir, "a"); err != nil || got.torn != 1 || got.files != 3 {
		t.Errorf("a line that is cut off: %+v, %v", got, err)
	}
}

// TestMix holds what a hundred calls are.
func TestMix(t *testing.T) {
	t.Parallel()
	g := &generator{created: make(chan string, 100)}
	for i := range g.version {
		v := "7"
		g.version[i].Store(&v)
	}
	for range 10 {
		g.created <- "/made"
	}
	got := map[string]int{}
	for i := range 100 {
		c := g.pick(i)
		name := c.method
		switch {
		case c.lists:
			name = "LIST"
		case c.watch:
			name = "WATCH"
		}
		got[name]++
	}
	want := map[string]int{"GET": 50, "LIST": 10, "PATCH": 20, "PUT": 5, "POST": 7, "DELETE": 7, "WATCH": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := listVersion([]byte(`{"kind":"ConfigMapList","metadata":{"resourceVersion":"123"},"items":[{"metadata":{"resourceVersion":"9"}}]}`)); got != "123" {
		t.Errorf("a list's version is %q", got)
	}
}
