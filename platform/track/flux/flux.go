// Package flux judges a cluster as Flux's kustomize-controller does: a forced
// server-side dry run of each object, compared with what is live in labels,
// annotations and everything but metadata and status; and kstatus for health.
// It knows nothing of the other track and can't write.
package flux

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/apply"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/track"
)

// dryRuns at a time.
const dryRuns = 8

// Judge is Flux's way of judging one cluster.
type Judge struct{ client *track.Client }

// New makes a Judge that reads through the client.
func New(client *track.Client) *Judge { return &Judge{client: client} }

// Name is the track's name.
func (j *Judge) Name() track.Name { return track.Flux }

// Judge gives one verdict for each object of the input, in its order, and then
// one for each extra object that lives. The error is for a cluster that can't be
// reached, or a cancelled context; an object that can't be judged is unknown.
func (j *Judge) Judge(ctx context.Context, in track.Input) ([]track.Verdict, error) {
	objects := in.Judged()
	out := make([]track.Verdict, len(objects))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(dryRuns)
	for i, o := range objects {
		group.Go(func() error {
			var err error
			out[i], err = j.one(gctx, in, o)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("flux track: cluster %s: %w", in.Cluster, err)
	}
	return append(out, extras(in)...), nil
}

func (j *Judge) one(ctx context.Context, in track.Input, o render.Object) (track.Verdict, error) {
	v := track.Verdict{Track: track.Flux, Object: o.Ref(), Component: o.Component}
	live, err := in.Live.Get(v.Object)
	if err != nil {
		return unknown(v, "it could not be read", err), nil
	}
	if live == nil {
		return missing(v), nil
	}
	dry, err := j.client.DryRun(ctx, normal(o))
	switch {
	case err != nil && (ctx.Err() != nil || errors.Is(err, context.Canceled)):
		return v, ctx.Err()
	case apply.Unreachable(err):
		return v, fmt.Errorf("%s: %w: %w", v.Object, apply.ErrUnreachable, err)
	case meta.IsNoMatchError(err):
		return missing(v), nil
	case err != nil:
		v = unknown(v, "dry run failed", err)
		judgeHealth(&v, in, live)
		return v, nil
	}
	same := live
	if dry.GetResourceVersion() != live.GetResourceVersion() {
		same, err = j.client.Get(ctx, v.Object) // it changed since it was observed
		if err != nil {
			return unknown(v, "it could not be read", err), nil
		}
		if same == nil {
			return missing(v), nil
		}
	}
	fields, err := differs(dry, same, in)
	if err != nil {
		return unknown(v, "comparison failed", err), nil
	}
	v.Sync, v.Native = track.InSync, "unchanged"
	if len(fields) > 0 {
		v.Sync, v.Native, v.Fields = track.Differs, "configured", fields
	}
	judgeHealth(&v, in, live)
	return v, nil
}

func unknown(v track.Verdict, what string, err error) track.Verdict {
	v.Sync, v.Health, v.Native = track.SyncUnknown, track.HealthUnknown, "unknown"
	v.Why = what + ": " + apply.Words(v.Object, err)
	return v
}

func missing(v track.Verdict) track.Verdict {
	v.Sync, v.Health, v.Native = track.Missing, track.HealthMissing, "created/"+string(status.NotFoundStatus)
	v.Why = "not on the cluster"
	return v
}

func extras(in track.Input) []track.Verdict {
	var out []track.Verdict
	for _, o := range in.Extra() {
		live, err := in.Live.Get(o)
		v := track.Verdict{Track: track.Flux, Object: o, Sync: track.Extra, Native: "deleted"}
		switch {
		case err != nil:
			out = append(out, unknown(v, "it left the bundle and could not be read", err))
		case live != nil:
			v.Why = "it left the bundle and is still there"
			judgeHealth(&v, in, live)
			out = append(out, v)
		}
	}
	return out
}

// judgeHealth is kstatus, with kustomize-controller's own rule for Jobs: a Job
// is current only once it is complete.
func judgeHealth(v *track.Verdict, in track.Input, live *unstructured.Unstructured) {
	v.ObservedGeneration, _, _ = unstructured.NestedInt64(live.Object, "status", "observedGeneration")
	if why := notJudgeable(in, live); why != "" {
		v.Health = track.NotJudgeable
		v.Native += "/not judged"
		v.Why = join(v.Why, why)
		return
	}
	result, err := compute(live)
	if err != nil {
		v.Health = track.HealthUnknown
		v.Why = join(v.Why, "kstatus: "+err.Error())
		return
	}
	words := map[status.Status]track.Health{
		status.CurrentStatus: track.Healthy, status.InProgressStatus: track.Progressing,
		status.FailedStatus: track.Degraded, status.TerminatingStatus: track.Progressing,
		status.NotFoundStatus: track.HealthMissing,
	}
	v.Health = track.HealthUnknown
	if h, ok := words[result.Status]; ok {
		v.Health = h
	}
	v.Native += "/" + string(result.Status)
	if result.Status != status.CurrentStatus {
		v.Why = join(v.Why, result.Message)
	}
}

func compute(live *unstructured.Unstructured) (*status.Result, error) {
	result, err := status.Compute(live)
	if err != nil || live.GetKind() != "Job" || live.GroupVersionKind().Group != "batch" || result.Status != status.CurrentStatus {
		return result, err
	}
	list, _, _ := unstructured.NestedSlice(live.Object, "status", "conditions")
	for _, item := range list {
		c, _ := item.(map[string]any)
		if c["type"] == "Complete" && c["status"] == "True" {
			return result, nil
		}
	}
	return &status.Result{Status: status.InProgressStatus, Message: "Job in progress"}, nil
}

// notJudgeable says what the provider lacks for a judgement of health.
func notJudgeable(in track.Input, live *unstructured.Unstructured) string {
	switch live.GetKind() {
	case "HorizontalPodAutoscaler":
		if slices.Contains(in.Lacks, cluster.MetricsAPI) {
			return "the cluster has no metrics API"
		}
	case "PersistentVolumeClaim":
		phase, _, _ := unstructured.NestedString(live.Object, "status", "phase")
		if phase != "Bound" && slices.Contains(in.Lacks, cluster.Volumes) {
			return "the cluster offers no dynamic volumes"
		}
		if in.Live != nil && in.Live.Unused[track.RefOf(live)] {
			return "it waits for its first consumer, and no pod uses it"
		}
	}
	return ""
}

func join(parts ...string) string {
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	return strings.Join(parts, "; ")
}
