package converge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/apply"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/track"
)

// run is one Run or Judge under way.
type run struct {
	loop    *Loop
	src     BundleSource
	applier *apply.Applier
	decider decider
	out     *Outcome

	bundle    *render.Bundle
	input     track.Input
	inventory apply.Inventory
	seen      time.Time                 // when the input's live objects had been read
	known     map[finding.Object]judged // verdicts that still hold
	lost      int                       // rounds in a row without an answer
	refusals  []*apply.ObjectError      // of the last apply
	applyErr  error
}

// judged is an object's verdicts, and the version of it that they are of.
type judged struct {
	version string
	by      map[track.Name]track.Verdict
}

// all goes round until the decider stops.
func (r *run) all(ctx context.Context) error {
	for {
		b, err := r.src.Bundle(ctx)
		if err != nil {
			return fmt.Errorf("cluster %s: bundle: %w", r.out.Cluster, err)
		}
		if r.bundle == nil || r.bundle.Digest != b.Digest {
			r.known, r.refusals, r.applyErr = nil, nil, nil
		}
		r.bundle, r.out.Bundle = b, b.Digest
		stop, err := r.round(ctx, b)
		if err != nil || stop {
			return err
		}
	}
}

// round judges, decides and acts once.
func (r *run) round(ctx context.Context, b *render.Bundle) (stop bool, err error) {
	if stop, err := r.survive(ctx, r.look(ctx, b)); stop || err != nil {
		return stop, err
	}
	d := r.decider.next(r.observed(), time.Now())
	r.report(d)
	switch d.do {
	case doStop:
		r.out.Converged = d.converged && len(r.out.NotRendered) == 0
		return true, nil
	case doApply:
		return r.survive(ctx, r.apply(ctx, b))
	default:
		return false, pause(ctx, d.after)
	}
}

// look judges, unless the first apply is still to come: then there is nothing
// to say yet.
func (r *run) look(ctx context.Context, b *render.Bundle) error {
	if err := r.recall(ctx); err != nil {
		return err
	}
	if r.decider.applied.IsZero() && r.inventory.Digest != b.Digest {
		r.input = track.Input{Cluster: r.out.Cluster}
		return nil
	}
	return r.judge(ctx, b)
}

// recall reads the cluster's inventory.
func (r *run) recall(ctx context.Context) error {
	var err error
	if r.inventory, err = apply.ReadInventory(ctx, r.loop.reader); err != nil {
		return r.reach(fmt.Errorf("cluster %s: %w", r.out.Cluster, err))
	}
	r.out.Applied = r.inventory.Digest
	return nil
}

func (r *run) reach(err error) error {
	if apply.Unreachable(err) && !errors.Is(err, apply.ErrUnreachable) {
		return fmt.Errorf("cluster %s: %w: %w", r.out.Cluster, apply.ErrUnreachable, err)
	}
	return err
}

// survive lets a round fail for want of an answer once; the second time in a row
// the cluster is unreachable.
func (r *run) survive(ctx context.Context, err error) (stop bool, _ error) {
	switch {
	case err == nil:
		r.lost = 0
		return false, nil
	case !errors.Is(err, apply.ErrUnreachable):
		return true, err
	}
	if r.lost++; r.lost > 1 {
		r.out.Reachable, r.out.Converged, r.out.Err = false, false, err
		r.out.Verdicts = map[track.Name][]track.Verdict{}
		return true, nil
	}
	return false, pause(ctx, retryLost)
}

// apply brings the bundle and adds up what was done. What the cluster refused is
// for the next observation; only a lost cluster or context is an error.
func (r *run) apply(ctx context.Context, b *render.Bundle) error {
	left := time.Until(r.decider.deadline)
	result, err := r.applier.Apply(ctx, b, apply.Options{PruneData: r.loop.config.PruneData, Timeout: max(left, time.Second)})
	r.decider.didApply(time.Now())
	r.add(result)
	r.refusals, r.applyErr = result.Failed, err
	switch {
	case err == nil, errors.Is(err, apply.ErrNotReady):
		return nil
	case errors.Is(err, apply.ErrUnreachable), errors.Is(err, apply.ErrOtherCluster), ctx.Err() != nil:
		return err
	}
	return nil
}

// add keeps one entry an object: a round that changed nothing does not hide one
// that did.
func (r *run) add(more *apply.Result) {
	if r.out.Apply == nil {
		r.out.Apply = more
		return
	}
	sum := r.out.Apply
	sum.Withheld, sum.Waiting, sum.Failed, sum.Digest = more.Withheld, more.Waiting, more.Failed, more.Digest
	for _, c := range more.Changes {
		same := func(o apply.Change) bool { return o.Object == c.Object }
		i := slices.IndexFunc(sum.Changes, same)
		switch {
		case i < 0:
			sum.Changes = append(sum.Changes, c)
		case c.Action != apply.Unchanged && sum.Changes[i].Action != apply.Created:
			sum.Changes[i] = c
		}
	}
}

// observed is the round for the decider.
func (r *run) observed() observation {
	o := observation{
		at: r.seen, bundle: r.bundle.Digest, applied: r.inventory.Digest,
		judged: r.input.Live != nil, verdicts: r.verdicts(), refused: r.applyErr != nil,
	}
	if r.applyErr != nil {
		o.incidents++
	}
	for _, f := range r.refusals {
		if errors.Is(f, apply.ErrImmutable) || errors.Is(f, apply.ErrInvalid) {
			o.hopeless = true
		}
	}
	return o
}

func (r *run) verdicts() []track.Verdict {
	return slices.Concat(r.out.Verdicts[track.Flux], r.out.Verdicts[track.Argo])
}

// judge observes the cluster once and lets both tracks judge what they saw. An
// object that did not change since its last verdicts keeps them: they are of the
// same bundle and the same live object.
func (r *run) judge(ctx context.Context, b *render.Bundle) error {
	in := r.prepare(b)
	live, err := r.loop.client.Observe(ctx, in.Refs())
	if err != nil {
		return r.reach(err)
	}
	in.Live = live
	r.input, r.seen = in, time.Now()
	in.Known = r.stillKnown(in)
	found := make([][]track.Verdict, len(r.loop.judges))
	group, gctx := errgroup.WithContext(ctx)
	for i, j := range r.loop.judges {
		group.Go(func() error {
			var err error
			found[i], err = j.Judge(gctx, in)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	r.out.ObservedAt = time.Now().UTC()
	for i, j := range r.loop.judges {
		r.out.Verdicts[j.Name()] = r.whole(j.Name(), in, found[i])
	}
	r.remember()
	r.out.Disagreements = disagreements(r.input, r.out.Verdicts[track.Flux], r.out.Verdicts[track.Argo])
	return nil
}

// prepare says what is to be judged, from bundle and inventory.
func (r *run) prepare(b *render.Bundle) track.Input {
	in := track.Input{Cluster: r.out.Cluster, Objects: b.Objects, Lacks: r.loop.config.Lacks}
	r.out.Withheld = apply.WithheldOf(b, r.loop.config.Lacks)
	for _, w := range r.out.Withheld {
		in.Withheld = append(in.Withheld, w.Object)
	}
	r.out.NotRendered, r.out.Kept = nil, nil
	for _, n := range b.NotRendered {
		r.out.NotRendered = append(r.out.NotRendered, n.Component)
	}
	for _, e := range r.inventory.Entries {
		switch {
		case e.Kept != "":
			r.out.Kept = append(r.out.Kept, e)
		case !slices.Contains(r.out.NotRendered, e.Component):
			in.Inventory = append(in.Inventory, e.Object)
		}
	}
	return in
}

// everything is the input with the whole inventory, for telling what nobody applied.
func (r *run) everything() track.Input {
	in := r.input
	in.Inventory = nil
	for _, e := range r.inventory.Entries {
		in.Inventory = append(in.Inventory, e.Object)
	}
	return in
}

// stillKnown are the objects whose live version is the one already judged.
func (r *run) stillKnown(in track.Input) map[finding.Object]bool {
	out := map[finding.Object]bool{}
	for o, k := range r.known {
		if live := in.Live.Objects[o]; live != nil && live.GetResourceVersion() == k.version {
			out[o] = true
		}
	}
	return out
}

// whole puts new and known verdicts back into bundle order.
func (r *run) whole(name track.Name, in track.Input, fresh []track.Verdict) []track.Verdict {
	known := in.Known
	in.Known = nil
	out := make([]track.Verdict, 0, len(in.Objects))
	for _, o := range in.Judged() {
		if ref := o.Ref(); known[ref] {
			out = append(out, r.known[ref].by[name])
			continue
		}
		out = append(out, fresh[0])
		fresh = fresh[1:]
	}
	return append(out, fresh...) // the extra ones
}

// remember keeps verdicts that the same live object will get again. Unknown
// ones are asked for anew.
func (r *run) remember() {
	r.known = map[finding.Object]judged{}
	for _, list := range r.out.Verdicts {
		for _, v := range list {
			live := r.input.Live.Objects[v.Object]
			if live == nil || v.Sync == track.Extra {
				continue
			}
			k, ok := r.known[v.Object]
			if !ok {
				k = judged{version: live.GetResourceVersion(), by: map[track.Name]track.Verdict{}}
			}
			k.by[v.Track] = v
			r.known[v.Object] = k
		}
	}
	for o, k := range r.known {
		for _, v := range k.by {
			if v.Sync == track.SyncUnknown || v.Health == track.HealthUnknown || volatile(r.input.Live.Objects[o]) {
				delete(r.known, o)
			}
		}
	}
}

// volatile kinds are judged by the clock too.
func volatile(live *unstructured.Unstructured) bool { return live.GetKind() == "Pod" }

func (r *run) report(d decision) {
	if r.loop.config.Report == nil {
		return
	}
	p := Progress{Cluster: r.out.Cluster, Phase: "judge", Objects: len(r.bundle.Objects)}
	switch {
	case d.do == doApply:
		p.Phase = "apply"
	case !r.decider.good.IsZero():
		p.Phase = "settle"
	}
	p.OK = len(r.out.Verdicts[track.Flux]) - len(unhappy(r.out))
	r.loop.config.Report(p)
}

// pause waits without holding up a cancelled run.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
