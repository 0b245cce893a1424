package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRetain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	names := []string{"snapshot-20260101T000000.000-r1.db", "snapshot-20260102T000000.000-r2.db", "snapshot-20260103T000000.000-r3.db"}
	for _, name := range append(names, "notes.txt", ".taking") {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	removed, err := retain(dir, 2)
	if err != nil || !slices.Equal(removed, names[:1]) {
		t.Errorf("removed %v, %v", removed, err)
	}
	left, err := snapshots(dir)
	if err != nil || !slices.Equal(left, names[1:]) {
		t.Errorf("left %v, %v", left, err)
	}
	if removed, err := retain(dir, 9); err != nil || len(removed) != 0 {
		t.Errorf("removed %v, %v, with room for all", removed, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "notes.txt")); err != nil {
		t.Errorf("a file of somebody else: %v", err)
	}
}

// TestClearLeft: what a killed job left goes, what a running one holds stays.
func TestClearLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	now := time.Now()
	for name, age := range map[string]time.Duration{".taking": 3 * time.Hour, ".taking.part": 3 * time.Hour, ".taking123": 3 * time.Hour, ".taking456": time.Minute, "taking": 3 * time.Hour} {
		file := filepath.Join(dir, name, "db")
		if err := errors.Join(os.Mkdir(filepath.Dir(file), 0o700), os.WriteFile(file, nil, 0o600), os.Chtimes(filepath.Dir(file), now, now.Add(-age))); err != nil {
			t.Fatal(err)
		}
	}
	if err := clearLeft(dir, now.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 || entries[0].Name() != ".taking456" || entries[1].Name() != "taking" {
		t.Errorf("left %v, %v", entries, err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	cases := []struct{ args, want string }{
		{"", "give a command"},
		{"restore", `no command "restore"`},
		{"load -workload puds -endpoints http://127.0.0.1:1", `no workload "puds"`},
		{"load -clients 0", "at least 1"},
		{"snapshot -keeps 3", "-keeps"},
		{"drill -dir x now", `"now" is left over`},
		{"snapshot -dir x -endpoints https://127.0.0.1:1", "-ca is empty"},
		{"snapshot -dir x -endpoints 127.0.0.1:1", "is no URL of a member"},
		{"snapshot -dir x -endpoints http://127.0.0.1:1 -cert c", "-cert and -key"},
		{"defrag -endpoints http://127.0.0.1:1 -below 50", "-below is a share"},
		{"load", "-endpoints is empty"},
		{"snapshot", "-dir is empty"},
		{"snapshot -dir " + empty, "-endpoints is empty"},
		{"drill -dir " + empty, "holds no snapshot"},
		{"defrag", "-endpoints is empty"},
		{"defrag -endpoints http://127.0.0.1:1 -timeout 200ms", "ask http://127.0.0.1:1 for the members"},
	}
	for _, c := range cases {
		var out strings.Builder
		err := run(context.Background(), strings.Fields(c.args), strings.NewReader(""), &out)
		if err == nil || !strings.Contains(err.Error(), c.want) || out.Len() > 0 {
			t.Errorf("%q: %v, printed %q; want %s", c.args, err, out.String(), c.want)
		}
	}
	bad := filepath.Join(empty, "snapshot-1.db")
	if err := os.WriteFile(bad, []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(context.Background(), []string{"drill", "-dir", empty, "-work", t.TempDir()}, strings.NewReader(""), &strings.Builder{}); err == nil {
		t.Error("a file that is no snapshot was restored")
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	cases := []struct {
		args []string
		want string // of the problem; "" when it is taken
	}{
		{strings.Fields("drill -dir=/snapshots -work=/work -limit=10m"), ""},
		{strings.Fields("/etcdops snapshot -ca=/client/ca.crt -cert=/client/tls.crt -key=/client/tls.key -endpoints=https://127.0.0.1:2379 -dir=/snapshots"), ""},
		{strings.Fields("drill -dir=/snapshot -work=/work"), `-dir: nothing is mounted at \"/snapshot\"`},
		{strings.Fields("drill -dir=/snapshots"), `-work: nothing is mounted at`},
		{strings.Fields("drill -dir=/snapshots -work=/work -limit=10"), `for flag -limit`},
		{strings.Fields("dril -dir=/snapshots"), `no command \"dril\"`},
		{nil, "give a command"},
	}
	for _, c := range cases {
		q := question{Subjects: []subject{{Name: "x", Args: c.args, Opaque: []string{"/client", "/snapshots", "/work"}}}}
		in, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if err := run(context.Background(), []string{"judge"}, strings.NewReader(string(in)), &out); err != nil {
			t.Fatal(err)
		}
		taken := strings.Contains(out.String(), `"accepted":[`)
		if taken != (c.want == "") || !strings.Contains(out.String(), c.want) {
			t.Errorf("%q: %s; want %q", c.args, out.String(), c.want)
		}
	}
	if err := run(context.Background(), []string{"judge"}, strings.NewReader("{"), &strings.Builder{}); err == nil {
		t.Error("half a document was read")
	}
}
