package apply

import (
	"context"
	"fmt"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// Pace of the waits between stages, and what is kept of a deadline for asking why.
const (
	waitFirst  = 100 * time.Millisecond
	waitMost   = time.Second
	askReserve = 5 * time.Second
)

// wait blocks until the objects are current in kstatus' words. At the deadline
// it fills result.Waiting with the cluster's reasons and returns ErrNotReady.
// Claims are not waited for: a claim may be bound only once a later pod uses it.
func (a *Applier) wait(ctx context.Context, objects []render.Object, result *Result) error {
	var pending []finding.Object
	for _, o := range objects {
		if o.GetKind() != "PersistentVolumeClaim" {
			pending = append(pending, o.Ref())
		}
	}
	waiting, cancel := reserve(ctx, askReserve)
	defer cancel()
	for pause := waitFirst; ; pause = min(2*pause, waitMost) {
		_, why, err := a.statuses(waiting, pending)
		if err != nil && waiting.Err() == nil {
			return err
		}
		if err == nil {
			var still []finding.Object
			for i, o := range pending {
				if why[i] != "" {
					still = append(still, o)
				}
			}
			if pending = still; len(pending) == 0 {
				return nil
			}
		}
		if sleep(waiting, pause) == nil {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return a.notReady(ctx, pending, result)
	}
}

// reserve is ctx with a deadline a little earlier, so that there is time left to
// ask for reasons.
func reserve(ctx context.Context, keep time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	if left := time.Until(deadline); keep > left/4 {
		keep = left / 4
	}
	return context.WithDeadline(ctx, deadline.Add(-keep))
}

// statuses reads the objects and says of each why it is not current, "" if it is.
func (a *Applier) statuses(ctx context.Context, refs []finding.Object) ([]*unstructured.Unstructured, []string, error) {
	lives := make([]*unstructured.Unstructured, len(refs))
	why := make([]string, len(refs))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(a.config.Workers)
	for i, ref := range refs {
		group.Go(func() error {
			u := &unstructured.Unstructured{}
			u.SetAPIVersion(ref.APIVersion)
			u.SetKind(ref.Kind)
			err := a.client.Get(gctx, client.ObjectKey{Namespace: ref.Namespace, Name: ref.Name}, u)
			if apierrors.IsNotFound(err) {
				why[i] = "deleted while waiting for it"
				return nil
			}
			if err != nil {
				return objectError(ref, err)
			}
			lives[i] = u
			r, err := status.Compute(u)
			switch {
			case err != nil:
				why[i] = err.Error()
			case r.Status != status.CurrentStatus:
				why[i] = r.Message
			}
			return nil
		})
	}
	return lives, why, group.Wait()
}

// notReady asks the cluster for the reasons.
func (a *Applier) notReady(ctx context.Context, pending []finding.Object, result *Result) error {
	lives, why, err := a.statuses(ctx, pending)
	if err != nil {
		return err
	}
	for i, o := range pending {
		if why[i] == "" {
			continue // it became ready just now; the next run goes on from here
		}
		if lives[i] != nil {
			why[i] = Reason(ctx, a.client, lives[i], why[i])
		}
		result.Waiting = append(result.Waiting, Waiting{Object: o, Why: why[i]})
	}
	return fmt.Errorf("%w: %d objects of an earlier stage", ErrNotReady, len(pending))
}
