package embedded

import (
	"fmt"
	"strings"
	"time"

	"dualtrack.internal/platform/cluster"
)

// ErrNotFound says that the cluster has no state here.
var ErrNotFound = fmt.Errorf("%w: there is none here; `platform up` makes it", cluster.ErrNotRunning)

// ErrStopped says that the cluster has state but no API server runs.
var ErrStopped = fmt.Errorf("%w: it is stopped; `platform up` starts it", cluster.ErrNotRunning)

// ExitError is a program that ended while it was needed.
type ExitError struct {
	Cluster string
	Program string
	Argv    []string
	Status  string // "exit status 1", "signal: killed", or that nobody saw it
	LogTail string // last lines of its log
}

func (e *ExitError) Error() string {
	s := fmt.Sprintf("cluster %s: %s ended (%s)", e.Cluster, e.Program, e.Status)
	if e.LogTail != "" {
		s += "; its log ends with:\n" + e.LogTail
	}
	return s + "\ncommand: " + strings.Join(e.Argv, " ")
}

// StoppedError is a program that somebody stopped with a signal: it lives and
// does nothing, and starting a second one would do harm.
type StoppedError struct {
	Cluster, Program string
	PID              int
}

func (e *StoppedError) Error() string {
	return fmt.Sprintf("cluster %s: %s (process %d) was stopped by a signal; let it go on with `kill -CONT %d`, or end it with `platform stop`",
		e.Cluster, e.Program, e.PID, e.PID)
}

// Is makes the error one of cluster.ErrUnreachable: the program lives and does
// not answer.
func (e *StoppedError) Is(target error) bool { return target == cluster.ErrUnreachable }

// TimeoutError is a start that took too long though every program lives.
type TimeoutError struct {
	Cluster string
	Waiting string // for what
	Limit   time.Duration
	Last    error // the last answer
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("cluster %s: waited %s for %s: %v", e.Cluster, e.Limit, e.Waiting, e.Last)
}

// Unwrap is the last answer.
func (e *TimeoutError) Unwrap() error { return e.Last }

// PortError is a port that somebody else took while the program was down.
type PortError struct {
	Cluster string
	Use     string // "etcd-1 client"
	Port    int
	PID     int    // of the owner; 0 when it is not known
	Command string // of the owner
}

func (e *PortError) Error() string {
	owner := "a process of another user"
	if e.PID != 0 {
		owner = fmt.Sprintf("process %d (%s)", e.PID, e.Command)
	}
	return fmt.Sprintf("cluster %s: port %d, needed for %s, is taken by %s; end that process, or run `platform stop` and `platform up`, which takes other ports",
		e.Cluster, e.Port, e.Use, owner)
}

// NoLogError is a program that wrote no log in the cluster.
type NoLogError struct {
	Cluster, Program string
	Known            []string // programs with a log
}

func (e *NoLogError) Error() string {
	return fmt.Sprintf("cluster %s: no log of program %q; there are %s", e.Cluster, e.Program, strings.Join(e.Known, ", "))
}

func storage(doing, path string, err error) error {
	if err == nil {
		return nil
	}
	return &cluster.StorageError{Doing: doing, Path: path, Err: err}
}
