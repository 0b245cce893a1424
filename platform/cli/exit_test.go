package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/report"
	"dualtrack.internal/platform/schema"
	"dualtrack.internal/platform/silence"
	"dualtrack.internal/platform/track"
)

// facts are what a result may hold at once, in the documented order of
// precedence.
func facts() []struct {
	name string
	code int
	add  func(*report.Result)
} {
	state := func(s report.State) func(*report.Result) {
		return func(r *report.Result) { r.Clusters = append(r.Clusters, report.Cluster{State: s}) }
	}
	finds := func(rule string) func(*report.Result) {
		return func(r *report.Result) {
			r.Findings = append(r.Findings, finding.Finding{Rule: rule, Severity: finding.Error})
		}
	}
	return []struct {
		name string
		code int
		add  func(*report.Result)
	}{
		{"bad input", 2, finds("schema")},
		{"a remote source that can't be had", 6, finds("render-unavailable")},
		{"failed", 6, state(report.Failed)},
		{"unreachable", 5, state(report.Unreachable)},
		{"denied", 1, finds("DT-SEC-001")},
		{"not converged", 3, state(report.NotConverged)},
		{"drifted", 1, func(r *report.Result) {
			r.Clusters = append(r.Clusters, report.Cluster{State: report.Running, Drift: []report.Drift{{Class: track.DriftDiffers}}})
		}},
		{"nothing", 0, state(report.Converged)},
	}
}

// TestExitPrecedence: of any two facts the first decides, in either order.
func TestExitPrecedence(t *testing.T) {
	t.Parallel()
	all := facts()
	for i, first := range all {
		for _, second := range all[i:] {
			var r, reversed report.Result
			first.add(&r)
			second.add(&r)
			second.add(&reversed)
			first.add(&reversed)
			got := []int{exitCode(t.Context(), &r, nil), exitCode(t.Context(), &reversed, nil)}
			if diff := cmp.Diff([]int{first.code, first.code}, got); diff != "" {
				t.Errorf("%s and %s (-want +got):\n%s", first.name, second.name, diff)
			}
		}
	}
}

func TestExitOfResult(t *testing.T) {
	t.Parallel()
	changed := []report.Change{{Action: "configured"}}
	with := func(f finding.Finding) *report.Result { return &report.Result{Findings: []finding.Finding{f}} }
	cases := []struct {
		name   string
		result *report.Result
		want   int
	}{
		{"no result", nil, 0},
		{"empty", &report.Result{}, 0},
		{"a source that does not render", with(finding.Finding{Rule: "render", Severity: finding.Error}), 2},
		{"the same, waived", with(finding.Finding{Rule: "schema", Severity: finding.Error, Class: finding.Waived}), 0},
		{"a schema warning", with(finding.Finding{Rule: "schema", Severity: finding.Warning}), 0},
		{"a removed API", with(finding.Finding{Rule: "schema-removed", Severity: finding.Error}), 1},
		{"unknown is no denial", with(finding.Finding{Rule: "DT-SEC-001", Severity: finding.Error, Class: finding.Unknown}), 0},
		{"fixed is no denial", with(finding.Finding{Rule: "DT-SEC-001", Severity: finding.Error, Class: finding.Fixed}), 0},
		{"a plan", &report.Result{Clusters: []report.Cluster{{State: report.Running, Changes: changed}}}, 1},
		{"changes that were made", &report.Result{Awaited: true, Clusters: []report.Cluster{{State: report.Converged, Changes: changed}}}, 0},
		{"not running, asked to look", &report.Result{Clusters: []report.Cluster{{State: report.NotRunning}}}, 5},
		{"not running, asked to converge", &report.Result{Awaited: true, Clusters: []report.Cluster{{State: report.NotRunning}}}, 3},
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, exitCode(t.Context(), c.result, nil)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestExitOfError(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	problem := &finding.Problem{What: "unknown field"}
	cases := []struct {
		name string
		ctx  context.Context
		err  error
		want int
	}{
		{"a child's own status", t.Context(), fmt.Errorf("kubectl: %w", &StatusError{Code: 42}), 42},
		{"usage", t.Context(), usagef("no cluster is called %q", "x"), 2},
		{"usage, wrapped", t.Context(), fmt.Errorf("x: %w", usagef("y")), 2},
		{"unknown version", t.Context(), &schema.UnknownVersionError{}, 2},
		{"a mistake in a file", t.Context(), problem, 2},
		{"mistakes, wrapped", t.Context(), fmt.Errorf("x: %w", finding.Problems{problem}), 2},
		{"a cluster that does not run", t.Context(), fmt.Errorf("hub: %w", cluster.ErrNotRunning), 5},
		{"a cluster that does not answer", t.Context(), fmt.Errorf("hub: %w", cluster.ErrUnreachable), 5},
		{"an Alertmanager that does not answer", t.Context(), fmt.Errorf("expire x: %w", silence.ErrUnreachable), 5},
		{"a URL of no Alertmanager", t.Context(), &silence.URLError{}, 2},
		{"a file of silences that is there", t.Context(), &silence.FileError{}, 2},
		{"a fault", t.Context(), errors.New("out of ports"), 6},
		{"Ctrl-C", cancelled, fmt.Errorf("x: %w", context.Canceled), 130},
		{"a fault during Ctrl-C", cancelled, errors.New("out of ports"), 6},
		{"cancelled by the program itself", t.Context(), context.Canceled, 6},
	}
	result := &report.Result{Findings: []finding.Finding{{Rule: "DT-SEC-001", Severity: finding.Error}}}
	for _, c := range cases {
		for _, r := range []*report.Result{nil, result} {
			if diff := cmp.Diff(c.want, exitCode(c.ctx, r, c.err)); diff != "" {
				t.Errorf("%s, result %v (-want +got):\n%s", c.name, r != nil, diff)
			}
		}
	}
}

func TestPrintError(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		code int
		err  error
		want string
	}{
		{"a child has said it", 42, &StatusError{Code: 42}, ""},
		{"a fault", exitEnvironment, errors.New("port 1 is taken"), "port 1 is taken\n"},
		{"Ctrl-C", exitInterrupted, context.Canceled, "interrupted; nothing is lost: run the same command again to go on\n"},
		{"full disk", exitEnvironment, fmt.Errorf("write: %w", syscall.ENOSPC), "write: no space left on device\n" +
			"the disk is full: free some space, or see `platform cache size` and `platform cache prune`\n"},
	}
	for _, c := range cases {
		var b bytes.Buffer
		printError(&b, c.code, c.err)
		if diff := cmp.Diff(c.want, b.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestExitCodesDiffer: a script tells every documented code from the others.
func TestExitCodesDiffer(t *testing.T) {
	t.Parallel()
	codes := []int{exitOK, exitDiffers, exitUsage, exitNotConverged, exitIncomplete, exitEnvironment, exitInterrupted}
	slices.Sort(codes)
	if diff := cmp.Diff("0 1 2 3 5 6 130", strings.Trim(fmt.Sprint(codes), "[]")); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
}
