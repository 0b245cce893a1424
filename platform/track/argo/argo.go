// Package argo judges a cluster as Argo CD does by default: gitops-engine's
// three-way diff where the last-applied annotation is there and its two-way diff
// where it is not, without asking the API server; and its built-in health
// checks. A cluster may choose the server-side diff instead. It never adds Argo
// CD's tracking, knows nothing of the other track and can't write.
package argo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/diff"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/health"
	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/apply"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/track"
)

// The ways to compare, as the cluster's spec.track.argoDiff names them.
const (
	ThreeWay   = "three-way"
	ServerSide = "server-side"
)

// dryRuns at a time, with the server-side diff.
const dryRuns = 8

// Judge is Argo CD's way of judging one cluster.
type Judge struct {
	client     *track.Client
	serverSide bool
}

// New makes a Judge that compares in the way named; empty means ThreeWay.
func New(client *track.Client, way string) (*Judge, error) {
	switch way {
	case "", ThreeWay, ServerSide:
		return &Judge{client: client, serverSide: way == ServerSide}, nil
	}
	return nil, fmt.Errorf("argo track: unknown diff %q: write %s or %s", way, ThreeWay, ServerSide)
}

// Name is the track's name.
func (j *Judge) Name() track.Name { return track.Argo }

// Judge gives one verdict for each object of the input, in its order, and then
// one for each extra object that lives. The error is for a cluster that can't be
// reached, or a cancelled context; an object that can't be judged is unknown.
func (j *Judge) Judge(ctx context.Context, in track.Input) ([]track.Verdict, error) {
	objects := in.Judged()
	out := make([]track.Verdict, len(objects))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(max(2, runtime.GOMAXPROCS(0)))
	if j.serverSide {
		group.SetLimit(dryRuns)
	}
	for i, o := range objects {
		group.Go(func() error {
			var err error
			out[i], err = j.one(gctx, in, o)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("argo track: cluster %s: %w", in.Cluster, err)
	}
	return append(out, extras(in)...), nil
}

func (j *Judge) one(ctx context.Context, in track.Input, o render.Object) (track.Verdict, error) {
	v := track.Verdict{Track: track.Argo, Object: o.Ref(), Component: o.Component}
	if err := ctx.Err(); err != nil {
		return v, err
	}
	live, err := in.Live.Get(v.Object)
	if err != nil {
		return unknown(v, "it could not be read", err), nil
	}
	if live == nil {
		v.Sync, v.Health, v.Native, v.Why = track.Missing, track.HealthMissing, "OutOfSync/Missing", "not on the cluster"
		return v, nil
	}
	fields, how, err := j.settled(ctx, in, o, live)
	switch {
	case err != nil && ctx.Err() != nil:
		return v, ctx.Err()
	case apply.Unreachable(err):
		return v, fmt.Errorf("%s: %w: %w", v.Object, apply.ErrUnreachable, err)
	case err != nil:
		v = unknown(v, "comparison failed", err)
	case len(fields) > 0:
		v.Sync, v.Native, v.Fields, v.Why = track.Differs, "OutOfSync", fields, how
	default:
		v.Sync, v.Native = track.InSync, "Synced"
	}
	judgeHealth(&v, in, live)
	if err == nil {
		v.Native += " (" + how + ")"
	}
	return v, nil
}

func unknown(v track.Verdict, what string, err error) track.Verdict {
	v.Sync, v.Health, v.Native = track.SyncUnknown, track.HealthUnknown, "Unknown"
	v.Why = what + ": " + apply.Words(v.Object, err)
	return v
}

// lookAgain bounds how often an object that changes under the comparison is
// compared anew.
const lookAgain = 3

// errRestless says that no comparison saw the object standing still.
var errRestless = errors.New("it changed during each comparison")

// settled compares; when the server's dry run started from another version than
// the observed one, it looks again, so that a controller's write between the two
// is no difference.
func (j *Judge) settled(ctx context.Context, in track.Input, o render.Object, live *unstructured.Unstructured) ([]track.Field, string, error) {
	for range lookAgain {
		fields, how, version, err := j.differs(ctx, in, o, live)
		if err != nil || !j.serverSide || version == live.GetResourceVersion() {
			return fields, how, err
		}
		if live, err = j.client.Get(ctx, o.Ref()); err != nil || live == nil {
			return nil, how, errors.Join(err, errRestless)
		}
	}
	return nil, ServerSide, errRestless
}

// differs lists the fields in which live is not what a sync would leave, and
// says which comparison told so, and from which version a dry run started.
func (j *Judge) differs(ctx context.Context, in track.Input, o render.Object, live *unstructured.Unstructured) ([]track.Field, string, string, error) {
	dry := &runner{dryRun: func(u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
		return j.client.DryRun(ctx, u)
	}}
	options := []diff.Option{
		diff.WithLogr(logr.Discard()),
		diff.IgnoreAggregatedRoles(true),
		diff.WithNormalizer(ignored{in}),
	}
	how := "two-way here"
	if last, err := diff.GetLastAppliedConfigAnnotation(live); err == nil && last != nil {
		how = "three-way"
	}
	if j.serverSide {
		how = "server-side"
		options = append(options,
			diff.WithServerSideDiff(true), diff.WithManager(apply.FieldManager),
			diff.WithServerSideDryRunner(dry), diff.WithIgnoreMutationWebhook(false))
	}
	seen := live.DeepCopy()
	if !j.serverSide { // only that diff looks at owners, and they are half of an object's bytes
		unstructured.RemoveNestedField(seen.Object, "metadata", "managedFields")
	}
	result, err := diff.Diff(o.DeepCopy(), seen, options...)
	if err != nil || !result.Modified {
		return nil, how, dry.version, err
	}
	var want, have map[string]any
	if err := errors.Join(json.Unmarshal(result.PredictedLive, &want), json.Unmarshal(result.NormalizedLive, &have)); err != nil {
		return nil, how, dry.version, err
	}
	return track.Explain(track.CompareExactly(want, have), live), how, dry.version, nil
}

// ignored are the differences left out: what this platform's Argo CD settings
// would name under ignoreDifferences and resource.compareoptions. Replicas
// belong to the autoscaler that the bundle sets over a workload; a CRD's status
// belongs to the API server.
type ignored struct{ in track.Input }

// Normalize takes them out of either side.
func (n ignored) Normalize(u *unstructured.Unstructured) error {
	if _, scaled := n.in.ScaledBy(track.RefOf(u)); scaled {
		unstructured.RemoveNestedField(u.Object, "spec", "replicas")
	}
	if u.GetKind() == "CustomResourceDefinition" {
		unstructured.RemoveNestedField(u.Object, "status")
	}
	return nil
}

// runner asks for the server-side diff's dry runs. dryRun brings the context of
// the judgement: gitops-engine hands one that nobody can end.
type runner struct {
	dryRun  func(*unstructured.Unstructured) (*unstructured.Unstructured, error)
	version string // resource version that the last dry run started from
}

// Run gives the object as the server would keep it, as JSON.
func (r *runner) Run(_ context.Context, u *unstructured.Unstructured, _ string) (string, error) {
	u = u.DeepCopy()
	unstructured.RemoveNestedField(u.Object, "metadata", "managedFields")
	dry, err := r.dryRun(u)
	if err != nil {
		return "", err
	}
	r.version = dry.GetResourceVersion()
	raw, err := json.Marshal(dry.Object)
	return string(raw), err
}

func extras(in track.Input) []track.Verdict {
	var out []track.Verdict
	for _, o := range in.Extra() {
		live, err := in.Live.Get(o)
		v := track.Verdict{Track: track.Argo, Object: o, Sync: track.Extra, Native: "OutOfSync"}
		switch {
		case err != nil:
			out = append(out, unknown(v, "it left the bundle and could not be read", err))
		case live != nil:
			v.Why = "it left the bundle and requires pruning"
			judgeHealth(&v, in, live)
			out = append(out, v)
		}
	}
	return out
}

// judgeHealth runs gitops-engine's own check of the kind; where there is none,
// Argo CD has no opinion and counts the object as healthy.
func judgeHealth(v *track.Verdict, in track.Input, live *unstructured.Unstructured) {
	v.ObservedGeneration, _, _ = unstructured.NestedInt64(live.Object, "status", "observedGeneration")
	if why := notJudgeable(in, live); why != "" {
		v.Health = track.NotJudgeable
		v.Native += "/not judged"
		v.Why = join(v.Why, why)
		return
	}
	h, err := health.GetResourceHealth(live, nil)
	switch {
	case err != nil:
		v.Health = track.HealthUnknown
		v.Native += "/Unknown"
		v.Why = join(v.Why, err.Error())
		return
	case h == nil:
		v.Health = track.Healthy
		v.Native += "/no health check"
		return
	}
	words := map[health.HealthStatusCode]track.Health{
		health.HealthStatusHealthy: track.Healthy, health.HealthStatusProgressing: track.Progressing,
		health.HealthStatusDegraded: track.Degraded, health.HealthStatusSuspended: track.Suspended,
		health.HealthStatusMissing: track.HealthMissing,
	}
	v.Health = track.HealthUnknown
	if word, ok := words[h.Status]; ok {
		v.Health = word
	}
	v.Native += "/" + string(h.Status)
	if h.Status != health.HealthStatusHealthy {
		v.Why = join(v.Why, h.Message)
	}
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
