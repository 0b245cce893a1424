package preflight

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

func tree(t testing.TB, name string) fstest.MapFS {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	out := fstest.MapFS{}
	for _, f := range a.Files {
		out[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return out
}

func tried(context.Context) (*Trial, error) {
	return &Trial{Verdict: "drop", Each: 24, Attempts: []Attempt{
		{Mode: "generic", Attached: true, Counted: 1000, Sent: 1000},
		{Mode: "native", Attached: true, Counted: 1000, Sent: 1000},
	}}, nil
}

func notTried(context.Context) (*Trial, error) { return nil, errors.New("it needs root") }

func TestReports(t *testing.T) {
	t.Parallel()
	update := flag.Lookup("update").Value.String() == "true"
	cases := []struct {
		name, tree, reserved string
		try                  func(context.Context) (*Trial, error)
	}{
		{"pinned", "two-sockets", "0,4-5", tried},
		{"other-socket", "two-sockets", "0-1", tried},
		{"none-reserved", "two-sockets", "", notTried},
		{"old-box", "old-box", "0", notTried},
		{"isolated", "isolated", "0-1", tried},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, err := Look(t.Context(), Options{OS: "linux", Root: tree(t, c.tree), Reserved: c.reserved, Try: c.try})
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := r.Text(&got); err != nil {
				t.Fatal(err)
			}
			unit, err := r.Unit()
			if err != nil {
				unit = err.Error() + "\n"
			}
			got.WriteString("\n" + unit)
			golden := filepath.Join("testdata", c.name+".golden")
			if update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}

var _ = flag.Bool("update", false, "rewrite the golden files")

func TestContradictions(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, tree, reserved, want string }{
		{"another socket", "two-sockets", "0-3", "none of the reserved CPUs 0-3 is"},
		{"not there", "two-sockets", "4,9", "CPUs 9 are not online"},
		{"all of them", "two-sockets", "0-7", "pods would get none"},
		{"no list", "two-sockets", "four", `"four" names none`},
		{"nothing", "two-sockets", ",", "names none"},
		{"isolated ones", "isolated", "1-2", "CPUs 2 are reserved and isolated"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, err := Look(t.Context(), Options{OS: "linux", Root: tree(t, c.tree), Reserved: c.reserved, Try: tried})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(r.Refused(), func(k Check) bool { return strings.Contains(k.Detail, c.want) }) {
				t.Errorf("no refusal says %q: %+v", c.want, r.Refused())
			}
			if _, err := r.Unit(); !errors.Is(err, ErrNoPins) {
				t.Errorf("a unit is rendered all the same: %v", err)
			}
		})
	}
}

// TestNoFalsePass looks at machines that show nothing.
func TestNoFalsePass(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{
		{OS: "darwin", Root: fstest.MapFS{}, Try: notTried},
		{OS: "linux", Root: fstest.MapFS{}, Reserved: "0", Try: notTried},
	} {
		r, err := Look(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range r.Checks {
			if c.State == OK {
				t.Errorf("%s: %s is ok on a machine that shows nothing: %s", o.OS, c.Name, c.Detail)
			}
		}
		if len(r.Checks) == 0 {
			t.Errorf("%s: nothing is said", o.OS)
		}
	}
}

func TestTrials(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		attempt Attempt
		want    State
	}{
		{"not possible", Attempt{Mode: "native", Error: "operation not supported"}, Bad},
		{"packets missing", Attempt{Mode: "native", Attached: true, Counted: 9, Sent: 10}, Bad},
		{"as it should be", Attempt{Mode: "native", Attached: true, Counted: 10, Sent: 10}, OK},
	}
	for _, c := range cases {
		r := &Report{}
		r.trial(&Trial{Attempts: []Attempt{c.attempt}}, nil)
		if len(r.Checks) != 1 || r.Checks[0].State != c.want {
			t.Errorf("%s: %+v, want one that is %s", c.name, r.Checks, c.want)
		}
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Look(ctx, Options{OS: "linux", Root: tree(t, "old-box"), Try: notTried})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's end", err)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	r := &Report{Kernel: "6.1", Checks: []Check{{Name: "a", State: Unknown, Detail: "b"}}}
	var got bytes.Buffer
	if err := r.JSON(&got); err != nil {
		t.Fatal(err)
	}
	want := "{\n  \"kernel\": \"6.1\",\n  \"checks\": [\n    {\n      \"name\": \"a\",\n      \"state\": \"not judgeable here\",\n      \"detail\": \"b\"\n    }\n  ]\n}\n"
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

func TestQueueNumber(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{"eth0-TxRx-3": 3, "virtio2-input.1": 1, "mlx5_comp7@pci:0000:81:00.0": 7, "eth1-rx": 42} {
		if got := queueNumber(name, 42); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}
