package kind

import (
	"fmt"
	"strings"
	"time"

	"dualtrack.internal/platform/cluster"
)

// ErrNotFound says that the cluster has no state here.
var ErrNotFound = fmt.Errorf("%w: there is none here; `platform up` makes it", cluster.ErrNotRunning)

// ErrStopped says that the cluster has state but its endpoint does not run.
var ErrStopped = fmt.Errorf("%w: it is stopped; `platform up` starts it", cluster.ErrNotRunning)

// NoEngineError says that no engine of containers answers.
type NoEngineError struct {
	Tried []string // "docker: …", each with what was answered
}

func (e *NoEngineError) Error() string {
	return "no engine of containers answers (" + strings.Join(e.Tried, "; ") +
		"); start Docker, Podman or nerdctl, or point DOCKER_HOST at one that runs"
}

// Is makes the error one of cluster.ErrNotRunning: without an engine no node runs.
func (*NoEngineError) Is(target error) bool { return target == cluster.ErrNotRunning }

// LackError is a cluster that cannot run here for what the machine lacks.
type LackError struct {
	Cluster string
	Err     error
}

func (e *LackError) Error() string { return fmt.Sprintf("cluster %s: %v", e.Cluster, e.Err) }

// ImageError is a node image that the engine does not hold.
type ImageError struct {
	Cluster, Image, Engine string
}

func (e *ImageError) Error() string {
	return fmt.Sprintf("cluster %s: %s does not hold the node image %s, and none is pulled; `platform node image` makes ours, `%s pull %s` fetches another's",
		e.Cluster, e.Engine, e.Image, e.Engine, e.Image)
}

// ChangedError is a declaration that a cluster of kind cannot take on in place.
type ChangedError struct {
	Cluster string
	What    string
}

func (e *ChangedError) Error() string {
	return fmt.Sprintf("cluster %s: %s, and a cluster of kind cannot change that in place; `platform down -c %s` removes it, and `platform up` makes it anew",
		e.Cluster, e.What, e.Cluster)
}

// ForeignError is a name that somebody else's containers have.
type ForeignError struct {
	Cluster, Container, Source string
}

func (e *ForeignError) Error() string {
	return fmt.Sprintf("cluster %s: container %s belongs to another cluster of that name (%s); remove that one first, or rename the fleet",
		e.Cluster, e.Container, e.Source)
}

// CreateError is a cluster that kind could not make. Nothing of it is left.
type CreateError struct {
	Cluster string
	Tail    string // last lines of kind's log
	Log     string // path of the log
	Err     error
}

func (e *CreateError) Error() string {
	return fmt.Sprintf("cluster %s: kind could not make it: %v; its log %s ends with:\n%s", e.Cluster, e.Err, e.Log, e.Tail)
}

// Unwrap is what kind said.
func (e *CreateError) Unwrap() error { return e.Err }

// TimeoutError is a start that took too long.
type TimeoutError struct {
	Cluster string
	Waiting string // for what
	Limit   time.Duration
	Last    error // the last answer
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("cluster %s: waited %s for %s: %v; `platform logs %s kubelet` says more", e.Cluster, e.Limit, e.Waiting, e.Last, e.Cluster)
}

// Unwrap is the last answer.
func (e *TimeoutError) Unwrap() error { return e.Last }

// NoLogError is a program that no node of the cluster has.
type NoLogError struct {
	Cluster, Program string
	Known            []string
}

func (e *NoLogError) Error() string {
	return fmt.Sprintf("cluster %s: no log of program %q; there are %s, each also as PROGRAM@NODE", e.Cluster, e.Program, strings.Join(e.Known, ", "))
}

func storage(doing, path string, err error) error {
	if err == nil {
		return nil
	}
	return &cluster.StorageError{Doing: doing, Path: path, Err: err}
}
