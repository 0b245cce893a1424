// Package fleet drives every cluster of a fleet at once: start, apply, judge.
// Clusters do not wait for each other, one that fails or does not answer stops
// none of the others, and its outcome says so. It never renders and never
// judges by itself.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/converge"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/track"
)

// Config says how the clusters are driven. Catalog and Core are required.
type Config struct {
	Catalog   *catalog.Catalog
	Core      cluster.Core
	Starts    int           // clusters started at once; 0 means 4
	Writes    int           // clusters applied to or judged at once; 0 means 4
	Timeout   time.Duration // from a cluster's readiness to converged; 0 means 5 minutes
	PruneData bool          // prune namespaces and volumes too
	// Approved says that what a plan showed may be applied to clusters that were
	// there before; the platform's own need no approval.
	Approved bool
	// Images gives the images of a bundle that were built here: real nodes get them
	// before anything is applied. nil means none.
	Images func(ctx context.Context, b *render.Bundle) ([]cluster.ImageArchive, error)
	// RequestTimeout bounds each request to an API server; one that is silent for
	// longer is unreachable. 0 means 15 s.
	RequestTimeout time.Duration
	Events         Events
}

// Events tells a listener what happens; nil fields are skipped. Calls come from
// several goroutines.
type Events struct {
	Update func(cluster, text string)
	Done   func(cluster, text string)
}

func (e Events) update(cluster, format string, args ...any) {
	if e.Update != nil {
		e.Update(cluster, fmt.Sprintf(format, args...))
	}
}

func (e Events) done(cluster, text string) {
	if e.Done != nil {
		e.Done(cluster, text)
	}
}

// Driver drives one fleet.
type Driver struct {
	config Config
	writes chan struct{} // slots of clusters applied to or judged at once
}

// New makes a Driver. It touches no cluster.
func New(config Config) *Driver {
	if config.Starts <= 0 {
		config.Starts = 4
	}
	if config.Writes <= 0 {
		config.Writes = 4
	}
	if config.Timeout <= 0 {
		config.Timeout = 5 * time.Minute
	}
	return &Driver{config: config, writes: make(chan struct{}, config.Writes)}
}

// Outcome is what happened to one cluster.
type Outcome struct {
	Cluster string
	Version string   // what the API server says of itself
	Started []string // programs that had to be started
	// Lacks are the abilities that the cluster does not offer, as far as known.
	Lacks []cluster.Ability
	// Converge is what applying and judging found; nil when it did not come to that.
	Converge *converge.Outcome
	// Pods counts what the cluster's nodes run; nil when it was not looked at.
	Pods  *Pods
	Drift []track.Drifted // only from Drift
	Plan  []Planned       // only from Plan, and without approval
	// Survey is what applying would meet on a cluster that was there before.
	Survey *cluster.Survey
	// Planned: nothing was applied, because the plan was not approved.
	Planned bool
	// NotRunning: the cluster was never started, or was stopped.
	NotRunning bool
	// Unreachable: it lives and does not answer; Err says more.
	Unreachable bool
	// Err is a fault of the environment: a program died, a disk is full.
	Err  error
	Took map[string]time.Duration // by phase: start, converge, judge
}

// Up starts the clusters of the bundles and brings each to its bundle.
func (d *Driver) Up(ctx context.Context, bundles []*render.Bundle) ([]Outcome, error) {
	starts := make(chan struct{}, d.config.Starts)
	return d.each(ctx, bundles, func(ctx context.Context, b *render.Bundle, o *Outcome) error {
		if proceed, err := d.consider(ctx, b, o); !proceed {
			return err
		}
		access, err := d.start(ctx, starts, b, o)
		if err != nil {
			return err
		}
		if err := d.giveImages(ctx, access, b); err != nil {
			return err
		}
		return d.bring(ctx, access, b, o)
	})
}

// Apply brings the bundles to clusters that run.
func (d *Driver) Apply(ctx context.Context, bundles []*render.Bundle) ([]Outcome, error) {
	return d.each(ctx, bundles, d.reached(func(ctx context.Context, access cluster.Access, b *render.Bundle, o *Outcome) error {
		if proceed, err := d.consider(ctx, b, o); !proceed {
			return err
		}
		if o.Survey != nil && !o.Survey.Adopted {
			return &RefusedError{Cluster: b.Cluster, Reasons: []string{"this fleet has not adopted the cluster; `platform up --adopt --yes` does"}}
		}
		if err := d.giveImages(ctx, access, b); err != nil {
			return err
		}
		return d.bring(ctx, access, b, o)
	}))
}

// Judge looks at each cluster once and writes nothing.
func (d *Driver) Judge(ctx context.Context, bundles []*render.Bundle) ([]Outcome, error) {
	return d.each(ctx, bundles, d.reached(func(ctx context.Context, access cluster.Access, b *render.Bundle, o *Outcome) error {
		return d.withLoop(ctx, access, b, o, "judge", func(loop *converge.Loop) (err error) {
			o.Converge, err = loop.Judge(ctx, converge.Fixed(b))
			return err
		})
	}))
}

// Drift looks at each cluster once and lists what left its bundle.
func (d *Driver) Drift(ctx context.Context, bundles []*render.Bundle) ([]Outcome, error) {
	return d.each(ctx, bundles, d.reached(func(ctx context.Context, access cluster.Access, b *render.Bundle, o *Outcome) error {
		return d.withLoop(ctx, access, b, o, "judge", func(loop *converge.Loop) (err error) {
			o.Converge, o.Drift, err = loop.Drift(ctx, converge.Fixed(b))
			return err
		})
	}))
}

// each runs one function a bundle. A fault of one cluster is its outcome; only
// the end of ctx is an error.
func (d *Driver) each(ctx context.Context, bundles []*render.Bundle, run func(context.Context, *render.Bundle, *Outcome) error) ([]Outcome, error) {
	outcomes := make([]Outcome, len(bundles))
	var group errgroup.Group
	for i, b := range bundles {
		o := &outcomes[i]
		o.Cluster, o.Took = b.Cluster, map[string]time.Duration{}
		o.Lacks = d.config.Core.Lacks(d.config.Catalog.Cluster(b.Cluster))
		group.Go(func() error {
			if err := run(ctx, b, o); err != nil {
				o.Err, o.Unreachable = err, errors.Is(err, cluster.ErrUnreachable)
				d.config.Events.done(b.Cluster, failedWord(ctx))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return outcomes, err
	}
	if ctx.Err() != nil {
		return outcomes, context.Cause(ctx)
	}
	return outcomes, nil
}

// start brings the control plane up, a few at a time.
func (d *Driver) start(ctx context.Context, slots chan struct{}, b *render.Bundle, o *Outcome) (cluster.Access, error) {
	if err := take(ctx, slots); err != nil {
		return cluster.Access{}, err
	}
	defer func() { <-slots }()
	began := time.Now()
	d.config.Events.update(b.Cluster, "starting")
	access, err := d.config.Core.Start(ctx, d.spec(b.Cluster), cluster.Events{
		Step: func(name, step string, took time.Duration) {
			d.config.Events.update(name, "%s (%.1f s)", step, took.Seconds())
		},
	})
	o.Took["start"], o.Started = time.Since(began), access.Changed
	return access, err
}

func (d *Driver) spec(name string) cluster.Spec {
	return cluster.Spec{
		Fleet: d.config.Catalog.Fleet.Name, Cluster: d.config.Catalog.Cluster(name),
		Kubernetes: d.config.Catalog.Baseline.Spec.Kubernetes,
	}
}

// reached makes a step for clusters that must run already.
func (d *Driver) reached(step func(context.Context, cluster.Access, *render.Bundle, *Outcome) error) func(context.Context, *render.Bundle, *Outcome) error {
	return func(ctx context.Context, b *render.Bundle, o *Outcome) error {
		access, err := d.config.Core.Access(ctx, b.Cluster)
		if errors.Is(err, cluster.ErrNotRunning) {
			o.NotRunning = true
			d.config.Events.done(b.Cluster, "not running")
			return nil
		}
		if err != nil {
			return err
		}
		return step(ctx, access, b, o)
	}
}

// bring applies and judges until the cluster converged or its time is up.
func (d *Driver) bring(ctx context.Context, access cluster.Access, b *render.Bundle, o *Outcome) error {
	return d.withLoop(ctx, access, b, o, "converge", func(loop *converge.Loop) (err error) {
		o.Converge, err = loop.Run(ctx, converge.Fixed(b))
		return err
	})
}

// withLoop hands a step the cluster's loop, a few clusters at a time.
func (d *Driver) withLoop(ctx context.Context, access cluster.Access, b *render.Bundle, o *Outcome, phase string, step func(*converge.Loop) error) error {
	if err := take(ctx, d.writes); err != nil {
		return err
	}
	release := sync.OnceFunc(func() { <-d.writes })
	defer release()
	o.Lacks = access.Lacks
	began := time.Now()
	loop, err := converge.New(d.loopConfig(access, b, release))
	if err != nil {
		return err
	}
	defer loop.Close()
	if err := step(loop); err != nil {
		return err
	}
	o.Converge.Err = renewable(o.Converge.Err)
	o.Took[phase] = time.Since(began)
	if o.Converge.Reachable {
		o.Version, o.Pods = serverVersion(ctx, access), countPods(ctx, access)
	}
	d.config.Events.done(b.Cluster, word(o.Converge))
	return nil
}

// loopConfig gives the slot back while a cluster only settles: that is waiting,
// not work.
func (d *Driver) loopConfig(access cluster.Access, b *render.Bundle, release func()) converge.Config {
	return converge.Config{
		Access: access, Lacks: access.Lacks,
		ArgoDiff: d.config.Catalog.Cluster(b.Cluster).Spec.Track.ArgoDiff,
		Settle:   d.config.Catalog.Fleet.Spec.Settle.D(),
		Timeout:  d.config.Timeout, RequestTimeout: d.config.RequestTimeout, PruneData: d.config.PruneData,
		Report: func(p converge.Progress) {
			if p.Phase == "settle" {
				release()
			}
			d.config.Events.update(p.Cluster, "%s: %d of %d objects right", p.Phase, p.OK, p.Objects)
		},
	}
}

func failedWord(ctx context.Context) string {
	if ctx.Err() != nil {
		return "interrupted"
	}
	return "failed"
}

func word(o *converge.Outcome) string {
	switch {
	case !o.Reachable:
		return "unreachable"
	case o.Converged:
		return "in sync by both tracks"
	}
	return "not converged"
}

func take(ctx context.Context, slots chan struct{}) error {
	select {
	case slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
