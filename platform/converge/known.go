package converge

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/apply"
	"dualtrack.internal/platform/track"
)

// cause is a known reason for Flux and Argo CD to say different things of the
// same object.
type cause struct {
	name    string
	why     string
	matches func(d Disagreement, live *unstructured.Unstructured) bool
}

// causeOf recognises a disagreement; the name is empty when it is a new one.
func causeOf(d Disagreement, in track.Input) (name, why string) {
	live := in.Live.Objects[d.Object]
	for _, c := range causes() {
		if live != nil && c.matches(d, live) {
			return c.name, c.why
		}
	}
	what := fmt.Sprintf("Flux says %s, %s; Argo CD says %s, %s", d.Flux.Sync, d.Flux.Health, d.Argo.Sync, d.Argo.Health)
	for _, v := range []track.Verdict{d.Flux, d.Argo} {
		if v.Why != "" {
			what += fmt.Sprintf("; %s: %s", v.Track, v.Why)
		}
	}
	return "", what
}

func causes() []cause { return slices.Concat(syncCauses(), healthCauses()) }

func syncCauses() []cause {
	onlyFlux := func(d Disagreement) bool { return d.Flux.Sync == track.Differs && d.Argo.Sync == track.InSync }
	onlyArgo := func(d Disagreement) bool { return d.Flux.Sync == track.InSync && d.Argo.Sync == track.Differs }
	return []cause{
		{"flux-takes-over-kubectl", "Flux takes over and removes what kubectl added; Argo CD's diff passes over fields that Git does not name",
			func(d Disagreement, _ *unstructured.Unstructured) bool {
				return onlyFlux(d) && every(d.Flux.Fields, func(f track.Field) bool {
					return f.Want == nil && strings.HasPrefix(f.Writer.Manager, "kubectl")
				})
			}},
		{"removal-unseen-without-last-applied", "the field left Git: a server-side apply removes what the platform owns, a diff without the last-applied annotation can't see it",
			func(d Disagreement, _ *unstructured.Unstructured) bool {
				return onlyFlux(d) && every(d.Flux.Fields, func(f track.Field) bool {
					return f.Want == nil && f.Writer.Manager == apply.FieldManager
				})
			}},
		{"aggregated-role", "the cluster fills in an aggregated role's rules: Flux empties them again as Git says, Argo CD is set to leave them",
			func(d Disagreement, live *unstructured.Unstructured) bool {
				_, aggregated := live.Object["aggregationRule"]
				return onlyFlux(d) && aggregated && every(d.Flux.Fields, func(f track.Field) bool { return strings.HasPrefix(f.Pointer, "/rules") })
			}},
		{"explicit-empty", "Git sets a field to its empty value: equal to absent for Flux, a difference for Argo CD",
			func(d Disagreement, _ *unstructured.Unstructured) bool {
				return onlyArgo(d) && every(d.Argo.Fields, func(f track.Field) bool { return blank(f.Want) && blank(f.Have) })
			}},
		{"quantity-form", "the same quantity written in another form: the server compares amounts, Argo CD's diff compares text for this kind",
			func(d Disagreement, _ *unstructured.Unstructured) bool {
				return onlyArgo(d) && every(d.Argo.Fields, func(f track.Field) bool { return sameAmount(f.Want, f.Have) })
			}},
		{"autoscaler-order", "the autoscaler keeps its metrics in another order than Git",
			func(d Disagreement, _ *unstructured.Unstructured) bool {
				return onlyArgo(d) && d.Object.Kind == "HorizontalPodAutoscaler" &&
					every(d.Argo.Fields, func(f track.Field) bool { return strings.HasPrefix(f.Pointer, "/spec/metrics") })
			}},
		{"status-in-git", "Git holds a status: Flux drops it, Argo CD compares it",
			func(d Disagreement, _ *unstructured.Unstructured) bool {
				return onlyArgo(d) && every(d.Argo.Fields, func(f track.Field) bool { return strings.HasPrefix(f.Pointer, "/status") })
			}},
		{"server-changes-what-git-says", "the API server or an admission webhook rewrites what Git says: a dry run passes through it, Argo CD's diff does not ask the server",
			func(d Disagreement, _ *unstructured.Unstructured) bool { return onlyArgo(d) }},
		{"dry-run-refused", "the API server refuses the object, so Flux knows nothing; Argo CD's diff does not ask it",
			func(d Disagreement, _ *unstructured.Unstructured) bool { return d.Flux.Sync == track.SyncUnknown }},
	}
}

// every says that the fields are some, and each is so.
func every(fields []track.Field, so func(track.Field) bool) bool {
	return len(fields) > 0 && !slices.ContainsFunc(fields, func(f track.Field) bool { return !so(f) })
}

func blank(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case bool:
		return !v
	case int64:
		return v == 0
	case float64:
		return v == 0
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

func sameAmount(a, b any) bool {
	if a == nil || b == nil {
		return false
	}
	qa, errA := resource.ParseQuantity(fmt.Sprint(a))
	qb, errB := resource.ParseQuantity(fmt.Sprint(b))
	return errA == nil && errB == nil && qa.Cmp(qb) == 0
}

// state is a kind in a state that the two health checks see differently.
func state(name, group, kind, why string, in func(live map[string]any) bool) cause {
	return cause{name, why, func(d Disagreement, live *unstructured.Unstructured) bool {
		return d.Flux.Health != d.Argo.Health && d.Object.Group() == group && d.Object.Kind == kind && (in == nil || in(live.Object))
	}}
}

func healthCauses() []cause {
	onDelete := func(live map[string]any) bool {
		s, _, _ := unstructured.NestedString(live, "spec", "updateStrategy", "type")
		return s == "OnDelete"
	}
	flag := func(fields ...string) func(map[string]any) bool {
		return func(live map[string]any) bool {
			on, _, _ := unstructured.NestedBool(live, fields...)
			return on
		}
	}
	phase := func(want string) func(map[string]any) bool {
		return func(live map[string]any) bool {
			p, _, _ := unstructured.NestedString(live, "status", "phase")
			return p == want
		}
	}
	return []cause{
		state("paused", "apps", "Deployment", "paused: Argo CD calls it suspended, kstatus does not look at the pause", flag("spec", "paused")),
		state("on-delete", "apps", "StatefulSet", "update strategy OnDelete: kstatus asks no more, Argo CD waits for ready pods", onDelete),
		state("on-delete", "apps", "DaemonSet", "update strategy OnDelete: kstatus waits for updated pods, Argo CD does not", onDelete),
		state("statefulset-surplus", "apps", "StatefulSet", "kstatus counts pods exactly and needs no observed generation; Argo CD wants enough ready ones and an observed generation", nil),
		state("replica-failure", "apps", "ReplicaSet", "pods can't be made: Argo CD calls it degraded, kstatus still waits", nil),
		state("job-suspended", "batch", "Job", "suspended: Argo CD has a word for it, kstatus waits for completion", flag("spec", "suspend")),
		state("job-running", "batch", "Job", "a suspension in its history makes a running Job complete for Argo CD; Flux waits for completion", nil),
		state("claim-lost", "", "PersistentVolumeClaim", "its volume is lost: Argo CD calls it degraded, kstatus still waits", phase("Lost")),
		state("no-load-balancer", "", "Service", "no load balancer address yet: Argo CD waits for one, kstatus is content with the cluster IP", nil),
		state("no-load-balancer", "networking.k8s.io", "Ingress", "no load balancer address yet: Argo CD waits for one, kstatus does not look", nil),
		state("autoscaler-conditions", "autoscaling", "HorizontalPodAutoscaler", "kstatus has no rule for autoscalers, Argo CD reads their conditions", nil),
		state("api-unavailable", "apiregistration.k8s.io", "APIService", "not available: Argo CD reads that condition, kstatus reads only Ready", nil),
		state("pod-failed", "", "Pod", "failed: for kstatus a pod that ended is current, Argo CD calls it degraded", phase("Failed")),
		state("pod-waiting", "", "Pod", "the two read a waiting pod's conditions differently: kstatus fails an unschedulable pod after 15 s, Argo CD one whose image can't be pulled", nil),
		state("names-refused", "apiextensions.k8s.io", "CustomResourceDefinition", "its names were not accepted: kstatus fails it, Argo CD has no check for definitions", nil),
		{"no-health-check", "kstatus reads conditions and generations of every kind; Argo CD has no health check for this one and counts it as healthy",
			func(d Disagreement, _ *unstructured.Unstructured) bool {
				return d.Flux.Health != d.Argo.Health && strings.Contains(d.Argo.Native, "no health check")
			}},
		{"generation-behind", "the controller has not seen the newest generation: kstatus waits for that, Argo CD only for some kinds",
			func(d Disagreement, live *unstructured.Unstructured) bool {
				return d.Flux.Health == track.Progressing && d.Argo.Health == track.Healthy &&
					d.Flux.ObservedGeneration > 0 && d.Flux.ObservedGeneration < live.GetGeneration()
			}},
	}
}
