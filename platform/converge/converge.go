// Package converge brings one cluster to a bundle and keeps judging until both
// tracks agree that it is there: fetch the bundle by digest, apply it, judge it
// by both tracks, until everything is in sync and healthy, nothing extra
// remains, and that held for the settle time; or until the deadline. What to do
// next is decided by a part without clock or I/O. It never says converged of a
// cluster that it did not reach, and its Judge never writes.
package converge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"dualtrack.internal/platform/apply"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/track"
	"dualtrack.internal/platform/track/argo"
	"dualtrack.internal/platform/track/flux"
)

// Defaults of Config.
const (
	DefaultSettle   = 3 * time.Second
	DefaultInterval = 500 * time.Millisecond
	DefaultTimeout  = 10 * time.Minute
	retryLost       = time.Second // before asking once more a cluster that did not answer
)

// BundleSource gives the bundle that the cluster must hold now. It is asked
// every round, so it must be cheap; the same digest means the same bundle.
type BundleSource interface {
	Bundle(ctx context.Context) (*render.Bundle, error)
}

// Fixed makes a BundleSource that always gives the same bundle.
func Fixed(b *render.Bundle) BundleSource { return fixed{b} }

type fixed struct{ bundle *render.Bundle }

// Bundle gives the bundle.
func (f fixed) Bundle(context.Context) (*render.Bundle, error) { return f.bundle, nil }

// Judge is one track. Package flux and package argo bring them.
type Judge interface {
	Name() track.Name
	Judge(ctx context.Context, in track.Input) ([]track.Verdict, error)
}

// Config says how one cluster is brought and judged.
type Config struct {
	Access   cluster.Access
	Lacks    []cluster.Ability
	ArgoDiff string // as in the cluster's spec.track.argoDiff; empty means three-way
	// Settle is how long all must be well; Interval the pause between rounds;
	// Timeout the whole of Run. 0 means the defaults.
	Settle   time.Duration
	Interval time.Duration
	Timeout  time.Duration
	// RequestTimeout bounds each request; a cluster that is silent for longer is
	// unreachable. 0 means apply.DefaultRequestTimeout.
	RequestTimeout time.Duration
	PruneData      bool // prune namespaces and volumes too
	// Report is told of each round's end; nil is skipped.
	Report func(Progress)
}

// Progress is where a Run stands.
type Progress struct {
	Cluster string
	Phase   string // "apply", "judge", "settle"
	OK      int    // objects that both tracks hold in sync and healthy
	Objects int
}

// Outcome is what a Run or a Judge found.
type Outcome struct {
	Cluster string `json:"cluster"`
	Bundle  string `json:"bundle"`            // digest judged against
	Applied string `json:"applied,omitempty"` // digest in the cluster's inventory
	// Converged: all in sync by both tracks, none unhealthy, nothing extra. Run
	// says so only after the settle time; Judge of the one moment it looked.
	Converged bool `json:"converged"`
	// Reachable is false when the API server did not answer: then nothing else is
	// known of the cluster.
	Reachable     bool                           `json:"reachable"`
	Verdicts      map[track.Name][]track.Verdict `json:"verdicts,omitempty"`
	Disagreements []Disagreement                 `json:"disagreements,omitempty"`
	Waiting       []apply.Waiting                `json:"waiting,omitempty"`
	Withheld      []apply.Withheld               `json:"withheld,omitempty"`
	Kept          []apply.Entry                  `json:"kept,omitempty"` // left the bundle and stay on purpose
	NotRendered   []string                       `json:"notRendered,omitempty"`
	Apply         *apply.Result                  `json:"apply,omitempty"` // the sum of all rounds
	RequestedAt   time.Time                      `json:"requestedAt,omitzero"`
	ObservedAt    time.Time                      `json:"observedAt,omitzero"`
	// Err is what kept the cluster from converging where verdicts can't show it.
	Err error `json:"-"`
}

// Loop brings one cluster. It is for one goroutine at a time.
type Loop struct {
	config Config
	client *track.Client
	judges []Judge
	reader client.Reader // can't write
}

// New makes a Loop. It talks to nobody yet.
func New(config Config) (*Loop, error) {
	orElse := func(d *time.Duration, otherwise time.Duration) {
		if *d <= 0 {
			*d = otherwise
		}
	}
	orElse(&config.Settle, DefaultSettle)
	orElse(&config.Interval, DefaultInterval)
	orElse(&config.Timeout, DefaultTimeout)
	c, err := track.NewClient(config.Access, config.RequestTimeout)
	if err != nil {
		return nil, err
	}
	byArgo, err := argo.New(c, config.ArgoDiff)
	if err != nil {
		return nil, fmt.Errorf("cluster %s: %w", config.Access.Name, err)
	}
	reader, err := client.New(c.Config(), client.Options{HTTPClient: c.HTTP()})
	if err != nil {
		return nil, fmt.Errorf("cluster %s: client: %w", config.Access.Name, err)
	}
	return &Loop{config: config, client: c, judges: []Judge{flux.New(c), byArgo}, reader: reader}, nil
}

// Close ends idle connections.
func (l *Loop) Close() { l.client.Close() }

// Run applies and judges until the cluster converged or the timeout passed. An
// unreachable cluster and one that did not converge are outcomes, not errors;
// errors are a cancelled context, a source without a bundle, and a cluster that
// is another one than the bundle's.
func (l *Loop) Run(ctx context.Context, src BundleSource) (*Outcome, error) {
	applier, err := apply.New(l.config.Access, apply.Config{Lacks: l.config.Lacks, RequestTimeout: l.config.RequestTimeout})
	if err != nil {
		return nil, err
	}
	defer applier.Close()
	started := time.Now()
	r := &run{
		loop: l, src: src, applier: applier, out: l.outcome(started),
		decider: decider{settle: l.config.Settle, interval: l.config.Interval, deadline: started.Add(l.config.Timeout)},
	}
	if err := r.all(ctx); err != nil {
		return r.out, err
	}
	r.explain(ctx)
	return r.out, nil
}

// Judge looks once and writes nothing.
func (l *Loop) Judge(ctx context.Context, src BundleSource) (*Outcome, error) {
	r := &run{loop: l, src: src, out: l.outcome(time.Now())}
	b, err := src.Bundle(ctx)
	if err != nil {
		return r.out, fmt.Errorf("cluster %s: bundle: %w", l.config.Access.Name, err)
	}
	r.bundle, r.out.Bundle = b, b.Digest
	if err = r.recall(ctx); err == nil {
		err = r.judge(ctx, b)
	}
	if errors.Is(err, apply.ErrUnreachable) {
		r.out.Reachable, r.out.Err = false, err
		return r.out, nil
	}
	if err != nil {
		return r.out, err
	}
	r.out.Converged = allOK(r.verdicts()) && len(r.out.NotRendered) == 0
	r.explain(ctx)
	return r.out, nil
}

// Drift looks once and lists what is not as the bundle says, with the last
// writers, and what nobody here applied in the bundle's namespaces.
func (l *Loop) Drift(ctx context.Context, src BundleSource) (*Outcome, []track.Drifted, error) {
	r := &run{loop: l, src: src, out: l.outcome(time.Now())}
	b, err := src.Bundle(ctx)
	if err != nil {
		return r.out, nil, fmt.Errorf("cluster %s: bundle: %w", l.config.Access.Name, err)
	}
	r.bundle, r.out.Bundle = b, b.Digest
	if err = r.recall(ctx); err == nil {
		err = r.judge(ctx, b)
	}
	var unmanaged []track.Drifted
	if err == nil {
		unmanaged, err = l.client.Unmanaged(ctx, r.everything())
	}
	if errors.Is(err, apply.ErrUnreachable) {
		r.out.Reachable, r.out.Err = false, err
		return r.out, nil, nil
	}
	if err != nil {
		return r.out, nil, err
	}
	r.out.Converged = allOK(r.verdicts()) && len(r.out.NotRendered) == 0
	r.explain(ctx)
	return r.out, append(track.Drift(r.input, r.out.Verdicts[track.Flux], r.out.Verdicts[track.Argo]), unmanaged...), nil
}

func (l *Loop) outcome(at time.Time) *Outcome {
	return &Outcome{Cluster: l.config.Access.Name, Reachable: true, RequestedAt: at.UTC(), Verdicts: map[track.Name][]track.Verdict{}}
}

// Disagreement is an object of which the tracks say different things.
type Disagreement struct {
	Object  finding.Object `json:"object"`
	Flux    track.Verdict  `json:"flux"`
	Argo    track.Verdict  `json:"argo"`
	Pointer string         `json:"pointer,omitempty"` // the first field that one sees and the other does not
	Cause   string         `json:"cause,omitempty"`   // short name of a known cause
	Why     string         `json:"why"`
}
