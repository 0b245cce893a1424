package cli

import (
	"context"
	"errors"
	"fmt"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/cluster/embedded"
	"dualtrack.internal/platform/cluster/kind"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/report"
	"dualtrack.internal/platform/schema"
	"dualtrack.internal/platform/silence"
	"dualtrack.internal/platform/source"
	"dualtrack.internal/platform/source/remote"
	"dualtrack.internal/platform/tool"
)

// The exit codes, documented in the README. Where several hold, the first of
// this list wins: usage, environment, halted, incomplete, not converged,
// differs.
const (
	exitOK           = 0
	exitDiffers      = 1 // differences, drift or denial
	exitUsage        = 2 // wrong use or bad input
	exitNotConverged = 3 // not converged in time
	exitIncomplete   = 5 // some cluster could not be reached
	exitEnvironment  = 6 // disk, port, build, a remote source that can't be had, or a fault of our own
	exitInterrupted  = Interrupted
)

// Interrupted is the exit code after Ctrl-C.
const Interrupted = 130

// UsageError is a command line that cannot be carried out.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *UsageError) Unwrap() error { return e.Err }

func usagef(format string, args ...any) error {
	return &UsageError{Err: fmt.Errorf(format, args...)}
}

// exitCode reads a number off a result; nothing else in the program chooses one.
func exitCode(ctx context.Context, r *report.Result, err error) int {
	if err != nil {
		return exitOfError(ctx, err)
	}
	if r == nil {
		return exitOK
	}
	switch {
	case r.BadInput():
		return exitUsage
	case r.Unavailable(), r.Count(report.Failed) > 0:
		return exitEnvironment
	case r.Skipped() > 0, r.Count(report.Unreachable) > 0, !r.Awaited && nothingSeen(r):
		return exitIncomplete
	case r.Denials() > 0:
		return exitDiffers
	case r.Count(report.NotConverged) > 0, r.Awaited && r.Count(report.NotRunning) > 0:
		return exitNotConverged
	case r.Differs(), r.Count(report.Planned)+r.Count(report.Refused) > 0:
		return exitDiffers
	}
	return exitOK
}

// nothingSeen says that a command about live clusters found none running.
func nothingSeen(r *report.Result) bool {
	return r.Command != "doctor" && len(r.Clusters) > 0 && r.Count(report.NotRunning) == len(r.Clusters)
}

func exitOfError(ctx context.Context, err error) int {
	if child, ok := errors.AsType[*StatusError](err); ok {
		return child.Code
	}
	if _, ok := errors.AsType[*UsageError](err); ok {
		return exitUsage
	}
	if unknownName(err) {
		return exitUsage
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return exitInterrupted
	}
	if errors.Is(err, cluster.ErrNotRunning) || errors.Is(err, cluster.ErrUnreachable) || errors.Is(err, silence.ErrUnreachable) {
		return exitIncomplete
	}
	if problems, _ := finding.Gather(err); len(problems) > 0 {
		return exitUsage
	}
	return exitEnvironment
}

// unknownName says that the user named something that does not exist, or cannot.
func unknownName(err error) bool {
	_, revision := errors.AsType[*source.BaseError](err)
	_, version := errors.AsType[*schema.UnknownVersionError](err)
	_, program := errors.AsType[*tool.UnknownError](err)
	_, log := errors.AsType[*embedded.NoLogError](err)
	_, nodeLog := errors.AsType[*kind.NoLogError](err)
	_, server := errors.AsType[*silence.URLError](err)
	_, file := errors.AsType[*silence.FileError](err)
	_, remoteSource := errors.AsType[*remote.NameError](err)
	return remoteSource || revision || version || program || log || nodeLog || server || file
}
