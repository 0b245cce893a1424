package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/tools/dashboards/catalogue"
	"dualtrack.internal/tools/dashboards/judge"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	subject := map[string]any{"name": "p", "args": []string{"--config.file", "/p.yml"}, "files": map[string]string{
		"/p.yml": "rule_files: [/r.yml]", "/r.yml": "groups: [{rules: [{alert: A, expr: upp}]}]",
	}}
	in, err := json.Marshal(map[string]any{"subjects": []any{subject}})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(t.Context(), nil, bytes.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Version string         `json:"version"`
		Answers []judge.Answer `json:"answers"`
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := []judge.Answer{{Name: "p", Accepted: []string{}, Problems: []judge.Problem{{File: "/r.yml", Path: "alert A", Line: 1,
		Message: "no program of the stack exports upp, and no rule records it; is up meant?; in: upp"}}}}
	if diff := cmp.Diff(want, got.Answers); diff != "" || got.Version == "" {
		t.Errorf("version %q (-want +got):\n%s", got.Version, diff)
	}
}

func TestWrongUse(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args     []string
		in, want string
	}{
		"unknown command": {[]string{"draw"}, "", "is not understood"},
		"argument":        {[]string{"write", "x"}, "", "is not understood"},
		"unknown flag":    {[]string{"write", "-x"}, "", "write: flag provided but not defined"},
		"no document":     {nil, "subjects", "stdin is not the document of subjects"},
		"too long":        {nil, strings.Repeat(" ", maxInput+1), "stdin has more than"},
	} {
		err := run(t.Context(), tt.args, strings.NewReader(tt.in), io.Discard)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %s", name, err, tt.want)
		}
	}
	if err := check(iotestError{}, io.Discard); err == nil {
		t.Error("a stdin that fails is no error")
	}
}

type iotestError struct{}

func (iotestError) Read([]byte) (int, error) { return 0, errors.New("broken") }

func TestWrite(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := func(args ...string) error {
		return run(t.Context(), append([]string{"write", "-root", root}, args...), nil, io.Discard)
	}
	dir := filepath.Join(root, "components", "grafana", "base", "dashboards")
	if err := write("-check"); err == nil {
		t.Error("nothing is there, and the check is content")
	}
	if err := write(); err != nil {
		t.Fatal(err)
	}
	if err := write("-check"); err != nil {
		t.Error(err)
	}
	for name, text := range map[string]string{"fleet.json": "{}", "former.json": "{}"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	err := write("-check")
	for _, want := range []string{"fleet.json differs from what tools/dashboards writes", "former.json is no dashboard that"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	if err := write(); err != nil {
		t.Fatal(err)
	}
	if err := write("-check"); err != nil {
		t.Error(err)
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	missing, added := compare([]catalogue.Metric{{Name: "a", Kind: catalogue.Gauge}, {Name: "b", Kind: catalogue.Gauge}},
		[]catalogue.Metric{{Name: "a", Kind: catalogue.Gauge}, {Name: "b", Kind: catalogue.Counter}})
	if diff := cmp.Diff([][]string{{"gauge b"}, {"counter b"}}, [][]string{missing, added}); diff != "" {
		t.Errorf("missing and added (-want +got):\n%s", diff)
	}
}
