// Package cluster brings clusters up and takes them down. A provider writes
// a small Core; everything else is derived here, once. It never applies a
// bundle and never judges one.
package cluster

import (
	"context"
	"errors"
	"io"
	"time"

	"k8s.io/client-go/rest"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// ErrNotRunning is what every provider's Access says, wrapped, of a cluster that
// has no API server to reach.
var ErrNotRunning = errors.New("the cluster does not run")

// ErrUnreachable is what a provider says, wrapped, of a cluster that lives and
// does not answer: nothing is known of what it holds.
var ErrUnreachable = errors.New("the cluster does not answer")

// ErrRefused is said, wrapped or by Is, of a cluster that nothing may be applied
// to as things are.
var ErrRefused = errors.New("the cluster is not ours to change")

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
	// Lacks are the abilities that this cluster does not offer.
	Lacks []Ability
}

// Ability is what a provider can offer a workload.
type Ability string

// The abilities that components and judgements ask for.
const (
	RunsPods   Ability = "pods"       // containers really run
	MetricsAPI Ability = "metricsAPI" // resource metrics
	Volumes    Ability = "volumes"    // dynamic volumes
)

// Core is all a provider must bring.
type Core interface {
	// Start brings the cluster to readiness; it finds and finishes what a
	// killed run left.
	Start(ctx context.Context, spec Spec, events Events) (Access, error)
	// Stop ends what runs and keeps its state.
	Stop(ctx context.Context, name string) error
	// Remove ends what runs and deletes its state.
	Remove(ctx context.Context, name string) error
	// Access reaches a cluster that runs.
	Access(ctx context.Context, name string) (Access, error)
	// Lacks lists the abilities that the provider does not offer the cluster, as
	// far as they are known without asking it.
	Lacks(c *catalog.Cluster) []Ability
	// Knows says that the provider has state of the cluster on this machine.
	Knows(name string) bool
}

// StatusReader is a provider that lists the programs of a cluster, dead ones too.
type StatusReader interface {
	Status(ctx context.Context, name string) ([]ProcessStatus, error)
}

// LogReader is a provider that keeps the logs of a cluster's programs. tail 0
// means all that is kept.
type LogReader interface {
	Logs(ctx context.Context, name, program string, tail int, w io.Writer) error
}

// ImageArchive is an image that was built here, for nodes that can ask no
// registry for it.
type ImageArchive struct {
	Path   string // of an OCI or Docker archive
	Ref    string // repository:tag
	Digest string // of its manifest, "sha256:…"
}

// ImageLoader is a provider that gives images to the nodes of a cluster that
// runs. An image that is there already is left alone.
type ImageLoader interface {
	LoadImage(ctx context.Context, name string, image ImageArchive) error
}

// Surveyor is a provider of clusters that were there before the platform: what
// they lack, and whose they are, must be seen before anything is applied.
type Surveyor interface {
	Survey(ctx context.Context, spec Spec, objects []finding.Object) (Survey, error)
}

// Survey is what applying would meet on a cluster.
type Survey struct {
	Server  string           `json:"server"`            // what the API server says its version is
	Version string           `json:"version,omitempty"` // why that is not the baseline's, "" when it is
	Owner   string           `json:"owner,omitempty"`   // fleet and cluster that adopted it, "" when none has
	Adopted bool             `json:"adopted"`           // the owner is the asking fleet's cluster
	Missing []Permission     `json:"missing,omitempty"` // needed and not granted
	Lacks   []Ability        `json:"lacks,omitempty"`   // not offered by the cluster
	Foreign []finding.Object `json:"foreign,omitempty"` // objects of the bundle that are there and somebody else's
}

// Permission is one thing that the account must be allowed to do.
type Permission struct {
	Verb      string `json:"verb"`
	Group     string `json:"group,omitempty"`
	Resource  string `json:"resource"`
	Namespace string `json:"namespace,omitempty"` // "" for the whole cluster
}

func (p Permission) String() string {
	resource := p.Resource
	if p.Group != "" {
		resource += "." + p.Group
	}
	if p.Namespace == "" {
		return p.Verb + " " + resource
	}
	return p.Verb + " " + resource + " in " + p.Namespace
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
