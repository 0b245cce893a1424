// Package apply is the only writer to clusters: staged server-side apply of a
// bundle, waits with the reason why not, the inventory in the cluster, and
// pruning of what left the bundle. An object that already holds what the bundle
// says costs no mutating request. It never judges whether a cluster converged,
// never writes as another field manager, and never deletes what it did not
// write.
package apply

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/jsondiff"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// FieldManager owns every field that Dualtrack writes, for ever: another name
// would leave the old fields behind on every cluster.
const FieldManager = cluster.FieldManager

// Group prefixes the annotations that Dualtrack reads.
const Group = "platform.dualtrack.internal"

// PruneAnnotation with the value "disabled" keeps an object that left the bundle.
const PruneAnnotation = Group + "/prune"

// Defaults of Config and Options.
const (
	DefaultRequestTimeout = 15 * time.Second
	DefaultTimeout        = 5 * time.Minute
	defaultWorkers        = 4
)

// Action says what applying did to an object.
type Action string

// The actions.
const (
	Created    Action = "created"
	Configured Action = "configured"
	Unchanged  Action = "unchanged"
	Pruned     Action = "pruned"
	Kept       Action = "kept" // it left the bundle and stays, with the reason
)

// Config says how one cluster is written to.
type Config struct {
	Lacks []cluster.Ability // what the provider can't offer
	// RequestTimeout bounds each request; 0 means DefaultRequestTimeout. An API
	// server that says nothing for that long counts as unreachable.
	RequestTimeout time.Duration
	Workers        int // requests at a time; 0 means 4
}

// Options are those of one Apply.
type Options struct {
	DryRun    bool          // say what would happen, write nothing
	PruneData bool          // prune namespaces and volumes too
	Timeout   time.Duration // for everything; 0 means DefaultTimeout
}

// Result is what Apply did.
type Result struct {
	Changes  []Change   `json:"changes"` // in apply order, then what was pruned
	Withheld []Withheld `json:"withheld,omitempty"`
	Waiting  []Waiting  `json:"waiting,omitempty"`
	// Failed are the objects that the cluster refused; Apply's error holds them too.
	Failed []*ObjectError `json:"-"`
	// Digest is that of the bundle that the inventory holds now.
	Digest string `json:"digest,omitempty"`
}

// Change is one object and what was done to it.
type Change struct {
	Object    finding.Object `json:"object"`
	Component string         `json:"component,omitempty"`
	Action    Action         `json:"action"`
	Why       string         `json:"why,omitempty"` // why it was kept
}

// Withheld is an object that was not applied because the provider lacks what
// it needs.
type Withheld struct {
	Object    finding.Object `json:"object"`
	Component string         `json:"component,omitempty"`
	Why       string         `json:"why"`
}

// Waiting is an object that was not ready in time, with the cluster's own words.
type Waiting struct {
	Object finding.Object `json:"object"`
	Why    string         `json:"why"`
}

// Count says how many changes took one of the actions.
func (r *Result) Count(actions ...Action) int {
	n := 0
	for _, c := range r.Changes {
		if slices.Contains(actions, c.Action) {
			n++
		}
	}
	return n
}

// Applier writes to one cluster. It is for one goroutine at a time.
type Applier struct {
	name    string
	config  Config
	client  client.Client
	manager *ssa.ResourceManager
	http    *http.Client
	host    *rest.RESTClient
}

// New makes the Applier of one cluster. It talks to nobody yet.
func New(access cluster.Access, config Config) (*Applier, error) {
	if config.RequestTimeout <= 0 {
		config.RequestTimeout = DefaultRequestTimeout
	}
	if config.Workers <= 0 {
		config.Workers = defaultWorkers
	}
	cfg := Tune(access.Config, config.RequestTimeout)
	hc, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("cluster %s: client: %w", access.Name, err)
	}
	mapper, err := apiutil.NewDynamicRESTMapper(cfg, hc)
	if err != nil {
		return nil, fmt.Errorf("cluster %s: discovery: %w", access.Name, err)
	}
	c, err := client.New(cfg, client.Options{HTTPClient: hc, Mapper: mapper})
	if err != nil {
		return nil, fmt.Errorf("cluster %s: client: %w", access.Name, err)
	}
	host, err := rest.UnversionedRESTClientForConfigAndClient(bare(cfg), hc)
	if err != nil {
		return nil, fmt.Errorf("cluster %s: client: %w", access.Name, err)
	}
	manager := ssa.NewResourceManager(c, nil, ssa.Owner{Field: FieldManager, Group: Group})
	return &Applier{name: access.Name, config: config, client: c, manager: manager, http: hc, host: host}, nil
}

// Close ends idle connections.
func (a *Applier) Close() { a.http.CloseIdleConnections() }

// Reader reads from the cluster.
func (a *Applier) Reader() client.Reader { return a.client }

// Apply makes the cluster hold the bundle. It returns what it did even when it
// fails. The error is or holds ErrUnreachable, ErrNotReady, ErrOtherCluster or
// one *ObjectError for each object that was refused.
func (a *Applier) Apply(ctx context.Context, b *render.Bundle, opt Options) (*Result, error) {
	if opt.Timeout <= 0 {
		opt.Timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, opt.Timeout)
	defer cancel()
	result := &Result{Changes: []Change{}}
	if err := Ping(ctx, a.host); err != nil {
		return result, a.fail(ctx, err)
	}
	old, err := ReadInventory(ctx, a.client)
	if err != nil {
		return result, a.fail(ctx, err)
	}
	if old.Cluster != "" && old.Cluster != b.Cluster {
		return result, fmt.Errorf("cluster %s: its inventory is of %q, the bundle of %q: %w", a.name, old.Cluster, b.Cluster, ErrOtherCluster)
	}
	p := newPlan(b, a.config.Lacks)
	result.Withheld = p.withheld
	result.Digest = old.Digest
	if opt.DryRun {
		return result, a.fail(ctx, a.preview(ctx, p, old, opt, result))
	}
	return result, a.fail(ctx, a.run(ctx, p, old, opt, result))
}

// run remembers, applies, prunes and remembers again.
func (a *Applier) run(ctx context.Context, p *plan, old Inventory, opt Options, result *Result) error {
	next := p.inventory(old)
	union := old.union(next)
	if !sameEntries(old, union) {
		union.Cluster = p.bundle.Cluster
		if err := a.writeInventory(ctx, p, union); err != nil {
			return err
		}
	}
	var refused []error // of the stage under way: all of it is tried, the next is not
	for i, step := range p.steps {
		refused = append(refused, a.applyStep(ctx, p, step, result))
		last := i == len(p.steps)-1
		if !last && p.steps[i+1].stage == step.stage {
			continue
		}
		if err := errors.Join(refused...); err != nil {
			return err
		}
		if last {
			break
		}
		if err := a.wait(ctx, p.upTo(i), result); err != nil {
			return err
		}
	}
	kept, err := a.prune(ctx, p.leaving(old), opt, result)
	if err != nil {
		return err
	}
	next.Entries = append(kept, next.Entries...)
	next.Cluster, next.Digest = p.bundle.Cluster, p.bundle.Digest
	if err := a.writeInventory(ctx, p, next); err != nil {
		return err
	}
	result.Digest = next.Digest
	return nil
}

// options of each object's apply. Fields that kubectl or client-side apply
// wrote are taken over first, as Flux does, so that mending mends them too. A
// workload that a HorizontalPodAutoscaler of the bundle scales keeps its live
// replicas: the bundle's number counts at creation only. A rule about a field
// that the object does not name cannot be carried out.
func (a *Applier) options(p *plan, u *unstructured.Unstructured) ssa.ApplyOptions {
	o := ssa.DefaultApplyOptions()
	o.Cleanup = ssa.ApplyCleanupOptions{
		Annotations: []string{"kubectl.kubernetes.io/last-applied-configuration"},
		FieldManagers: []ssa.FieldManager{
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationApply},
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationUpdate},
			{Name: "before-first-apply", OperationType: metav1.ManagedFieldsOperationUpdate},
		},
	}
	if _, named, _ := unstructured.NestedFieldNoCopy(u.Object, "spec", "replicas"); !named {
		return o
	}
	for _, s := range p.scaled {
		o.DriftIgnoreRules = append(o.DriftIgnoreRules, jsondiff.IgnoreRule{
			Paths:    []string{"/spec/replicas"},
			Selector: s.selector(),
		})
	}
	return o
}
