package apply

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/fluxcd/pkg/ssa"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"

	"dualtrack.internal/platform/render"
)

// A new kind is served a moment after its CRD is established.
const (
	servedPoll = 200 * time.Millisecond
	servedWait = 15 * time.Second
)

// applyStep applies one step's objects side by side. Every object gets its
// chance; the error holds one *ObjectError for each that was refused.
func (a *Applier) applyStep(ctx context.Context, p *plan, s step, result *Result) error {
	changes := make([]Change, len(s.objects))
	failed := make([]*ObjectError, len(s.objects))
	var group errgroup.Group
	group.SetLimit(a.config.Workers)
	for i, o := range s.objects {
		group.Go(func() error {
			action, err := a.applyOne(ctx, p, o)
			if err != nil {
				failed[i] = objectError(o.Ref(), err)
				return nil
			}
			changes[i] = Change{Object: o.Ref(), Component: o.Component, Action: action}
			return nil
		})
	}
	_ = group.Wait() // each object's error is in its slot
	return result.gather(changes, failed)
}

// gather takes over what a step did.
func (r *Result) gather(changes []Change, failed []*ObjectError) error {
	var errs []error
	for i, c := range changes {
		if failed[i] == nil {
			r.Changes = append(r.Changes, c)
			continue
		}
		r.Failed = append(r.Failed, failed[i])
		errs = append(errs, failed[i])
	}
	return errors.Join(errs...)
}

func (a *Applier) applyOne(ctx context.Context, p *plan, o render.Object) (Action, error) {
	ctx, cancel := context.WithTimeout(ctx, servedWait+4*a.config.RequestTimeout)
	defer cancel()
	until := time.Now().Add(servedWait)
	for {
		u, err := a.sent(ctx, p, o)
		if err != nil {
			return "", err
		}
		entry, err := a.manager.Apply(ctx, u, a.options(p, u))
		if err == nil {
			return actionOf(entry.Action), nil
		}
		if !a.comes(p, o, err) || time.Now().After(until) {
			return "", err
		}
		if err := sleep(ctx, servedPoll); err != nil {
			return "", err
		}
	}
}

// comes says that the kind is not served yet, but will be: its CRD is applied.
func (a *Applier) comes(p *plan, o render.Object, err error) bool {
	if !p.defined[o.GroupVersionKind().GroupKind()] {
		return false
	}
	return meta.IsNoMatchError(err) || apierrors.IsNotFound(err)
}

func actionOf(a ssa.Action) Action {
	switch a {
	case ssa.CreatedAction:
		return Created
	case ssa.ConfiguredAction:
		return Configured
	case ssa.UnchangedAction, ssa.DeletedAction, ssa.SkippedAction, ssa.UnknownAction: // an apply deletes nothing
	}
	return Unchanged
}

// sleep waits without holding up a cancelled run.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// preview fills in what Apply would do, by dry runs alone.
func (a *Applier) preview(ctx context.Context, p *plan, old Inventory, opt Options, result *Result) error {
	var errs []error
	for _, s := range p.steps {
		changes := make([]Change, len(s.objects))
		failed := make([]*ObjectError, len(s.objects))
		var group errgroup.Group
		group.SetLimit(a.config.Workers)
		for i, o := range s.objects {
			group.Go(func() error {
				action, err := a.previewOne(ctx, p, o)
				if err != nil {
					failed[i] = objectError(o.Ref(), err)
					return nil
				}
				changes[i] = Change{Object: o.Ref(), Component: o.Component, Action: action}
				return nil
			})
		}
		_ = group.Wait() // each object's error is in its slot
		errs = append(errs, result.gather(changes, failed))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	_, err := a.prune(ctx, p.leaving(old), opt, result)
	return err
}

func (a *Applier) previewOne(ctx context.Context, p *plan, o render.Object) (Action, error) {
	u, err := a.sent(ctx, p, o)
	if err != nil && !a.comes(p, o, err) {
		return "", err
	}
	if err != nil {
		return Created, nil
	}
	opt := ssa.DiffOptions{DriftIgnoreRules: a.options(p, u).DriftIgnoreRules}
	entry, _, _, err := a.manager.Diff(ctx, u, opt)
	switch {
	case err == nil:
		return actionOf(entry.Action), nil
	case a.comes(p, o, err), apierrors.IsNotFound(err) && p.brings(o.GetNamespace()):
		return Created, nil
	}
	return "", err
}

// brings says that the bundle holds the namespace.
func (p *plan) brings(namespace string) bool {
	return slices.ContainsFunc(p.bundle.Objects, func(o render.Object) bool {
		return o.GetAPIVersion() == "v1" && o.GetKind() == "Namespace" && o.GetName() == namespace
	})
}
