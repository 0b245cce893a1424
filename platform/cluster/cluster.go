// Package cluster brings clusters up and takes them down. A provider writes
// a small Core; everything else is derived here, once. It never applies a
// bundle and never judges one.
package cluster

import (
	"context"
	"errors"
	"time"

	"k8s.io/client-go/rest"

	"dualtrack.internal/platform/catalog"
)

// ErrNotRunning is what every provider's Access says, wrapped, of a cluster that
// has no API server to reach.
var ErrNotRunning = errors.New("the cluster does not run")

// ErrUnreachable is what a provider says, wrapped, of a cluster that lives and
// does not answer: nothing is known of what it holds.
var ErrUnreachable = errors.New("the cluster does not answer")

// Spec is what a provider needs to know of one cluster.
type Spec struct {
	Fleet      string // fleet name, for identity
	Cluster    *catalog.Cluster
	Kubernetes string // "v1.2.3", from the baseline
	Fresh      bool   // certificates and settings are renewed even if nothing changed
}

// Access is how to reach a running cluster.
type Access struct {
	Name       string
	Kubeconfig string       // path of an admin kubeconfig, 0600
	Config     *rest.Config // the same, loaded
	// Changed says what Start had to do: nothing, or a line for each program
	// that it started or restarted.
	Changed []string
}

// Ability is what a provider can offer a workload.
type Ability string

// The abilities that components and judgements ask for.
const (
	RunsPods   Ability = "pods"       // containers really run
	MetricsAPI Ability = "metricsAPI" // resource metrics
	Volumes    Ability = "volumes"    // dynamic volumes
)

// Core is all a provider brings.
type Core interface {
	// Start brings the cluster to readiness; it finds and finishes what a
	// killed run left.
	Start(ctx context.Context, spec Spec, events Events) (Access, error)
	// Stop ends the cluster's processes and keeps its state.
	Stop(ctx context.Context, name string) error
	// Remove ends the cluster's processes and deletes its state.
	Remove(ctx context.Context, name string) error
	// Access reaches a cluster that runs.
	Access(ctx context.Context, name string) (Access, error)
	// Lacks lists the abilities the provider does not offer.
	Lacks() []Ability
}

// Events tells a listener what a provider does; nil fields are skipped. Calls
// may come from several goroutines, one a cluster.
type Events struct {
	// Step says that a step of a cluster's start begins, took 0, or has ended.
	Step func(cluster, step string, took time.Duration)
}

// Begin calls Step if it is set.
func (e Events) Begin(cluster, step string, took time.Duration) {
	if e.Step != nil {
		e.Step(cluster, step, took)
	}
}
