package converge

import (
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"dualtrack.internal/platform/apply"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/track"
	"dualtrack.internal/platform/track/argo"
)

const gadgets = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.known.test}
spec:
  group: known.test
  scope: Namespaced
  names: {plural: gadgets, singular: gadget, kind: Gadget, listKind: GadgetList}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {size: {type: string}, colour: {type: string, default: red}}}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
`

func gadget(more string) string {
	return "apiVersion: known.test/v1\nkind: Gadget\nmetadata: {name: g, namespace: known}\nspec: {size: 500m}\n" + more
}

func job(image string) string {
	return "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j, namespace: known}\nspec: {suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: c, image: '" + image + "'}]}}}\n"
}

type syncCase struct {
	name, applied string
	change        func(*testing.T, render.Object)
	judged        string // "" means what was applied
	flux, argo    string // sync, and the fields' pointers
	cause         string
}

func syncCases(c client.Client) []syncCase {
	secret := "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: known}\nstringData: {k: v}\n"
	role := "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: known}\naggregationRule: {clusterRoleSelectors: [{matchLabels: {rbac.authorization.k8s.io/aggregate-to-view: 'true'}}]}\nrules: []\n"
	edit := func(manager, patch string) func(*testing.T, render.Object) {
		return func(t *testing.T, o render.Object) { patchAs(t, c, manager, o, patch) }
	}
	env := `{"spec":{"template":{"spec":{"containers":[{"name":"web","env":[{"name":"B","value":"2"}]}]}}}}`
	lastApplied := strings.ReplaceAll(configMap("known", "cm", "a: b, c: d"), "metadata: {", `metadata: {annotations: {kubectl.kubernetes.io/last-applied-configuration: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"cm","namespace":"known"},"data":{"a":"b","c":"d"}}'}, `)
	return []syncCase{
		{"kubectl adds an env", deployment("known", "web", "replicas: 0"), edit("kubectl-edit", env), "",
			"differs /spec/template/spec/containers/0/env/0", "in sync", "flux-takes-over-kubectl"},
		{"an operator adds an env", deployment("known", "web", "replicas: 0"), edit("operator", env), "", "in sync", "in sync", ""},
		{"kubectl changes an image", deployment("known", "web", "replicas: 0"), edit("kubectl-set", `{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"other"}]}}}}`), "",
			"differs /spec/template/spec/containers/0/image", "differs /spec/template/spec/containers/0/image", ""},
		{"a field leaves Git", configMap("known", "cm", "a: b, c: d"), nil, configMap("known", "cm", "a: b"), "differs /data/c", "in sync", "removal-unseen-without-last-applied"},
		{"stringData in Git", secret, nil, "", "in sync", "in sync", ""},
		{"a key leaves stringData", strings.Replace(secret, "{k: v}", "{k: v, l: w}", 1), nil, secret, "differs /data/l", "in sync", "removal-unseen-without-last-applied"},
		{"quantities in another form", strings.Replace(deployment("known", "web", "replicas: 0"), "10m", "1000m", 1), nil, "", "in sync", "in sync", ""},
		{"defaults of a definition", gadget(""), nil, "", "in sync", "in sync", ""},
		{"a status in Git", gadget(""), nil, gadget("status: {phase: Ready}\n"), "in sync", "differs /status", "status-in-git"},
		{"a misspelt field", configMap("known", "cm", "a: b"), nil, configMap("known", "cm", "a: b") + "dta: {}\n", "unknown", "differs /dta", "dry-run-refused"},
		{"an immutable field", job("a"), nil, job("b"), "unknown", "differs /spec/template/spec/containers/0/image", "dry-run-refused"},
		{"an aggregated role", role, func(t *testing.T, o render.Object) {
			patchAs(t, c, "clusterrole-aggregation-controller", o, `{"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]}`)
		}, "", "differs /rules", "in sync", "aggregated-role"},
		{"with last-applied, a field leaves Git", lastApplied, nil, configMap("known", "cm", "a: b"),
			"differs /data/c /metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration", "differs /data/c", ""},
	}
}

// TestSyncAsTheEnginesSee is what each track makes of changes of which Flux and
// Argo CD are known to say different things, and of some that they agree on.
func TestSyncAsTheEnginesSee(t *testing.T) {
	c := alone(t)
	applier, err := apply.New(access(t), apply.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(applier.Close)
	for _, tc := range syncCases(c) {
		t.Run(tc.name, func(t *testing.T) {
			b := bundleOf(t, "sha256:"+tc.name, namespaceOf("known"), gadgets, tc.applied)
			if _, err := applier.Apply(t.Context(), b, apply.Options{}); err != nil {
				t.Fatal(err)
			}
			if tc.change != nil {
				tc.change(t, b.Objects[2])
			}
			judged := *b
			judged.Objects = append([]render.Object{}, b.Objects...)
			if tc.judged != "" {
				judged.Objects[2] = manifest(t, tc.judged)
			}
			out, err := loop(t, nil).Judge(t.Context(), Fixed(&judged))
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range map[track.Name]string{track.Flux: tc.flux, track.Argo: tc.argo} {
				v := out.Verdicts[name][2]
				got := string(v.Sync)
				for _, f := range v.Fields {
					got += " " + f.Pointer
				}
				if got != want {
					t.Errorf("%s: %q, want %q (%s; %s)", name, got, want, v.Native, v.Why)
				}
			}
			cause := ""
			for _, d := range out.Disagreements {
				if d.Flux.Sync != d.Argo.Sync {
					cause = d.Cause
				}
			}
			if cause != tc.cause {
				t.Errorf("cause %q, want %q: %+v", cause, tc.cause, out.Disagreements)
			}
			if err := client.IgnoreNotFound(c.Delete(t.Context(), b.Objects[2].DeepCopy(), client.PropagationPolicy("Background"))); err != nil {
				t.Fatal(err)
			}
		})
	}
	converged(t, loop(t, nil), bundleOf(t, "sha256:known-end", namespaceOf("known")))
}

func TestServerSideDiffSeesRemovals(t *testing.T) {
	alone(t)
	converged(t, loop(t, nil), bundleOf(t, "sha256:ss", namespaceOf("ss"), configMap("ss", "cm", "a: b, c: d")))
	l := loop(t, func(c *Config) { c.ArgoDiff = argo.ServerSide })
	out, err := l.Judge(t.Context(), Fixed(bundleOf(t, "sha256:ss-2", namespaceOf("ss"), configMap("ss", "cm", "a: b"))))
	if err != nil {
		t.Fatal(err)
	}
	v := out.Verdicts[track.Argo][1]
	if v.Sync != track.Differs || len(v.Fields) != 1 || v.Fields[0].Pointer != "/data/c" || !strings.Contains(v.Native, "server-side") {
		t.Errorf("verdict %+v, want the removal of /data/c", v)
	}
	if v := out.Verdicts[track.Argo][0]; v.Sync != track.InSync {
		t.Errorf("the namespace: %+v", v)
	}
	if _, err := New(Config{Access: access(t), ArgoDiff: "sideways"}); err == nil {
		t.Error("an unknown diff is taken")
	}
	converged(t, loop(t, nil), bundleOf(t, "sha256:ss-end", namespaceOf("ss")))
}

// TestHealthAsTheEnginesSee needs no controller: the states are given.
func TestHealthAsTheEnginesSee(t *testing.T) {
	t.Parallel()
	workload := func(kind, spec, status string) string {
		return fmt.Sprintf("apiVersion: apps/v1\nkind: %s\nmetadata: {name: x, namespace: ns, generation: 1}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}}, %s}\nstatus: {observedGeneration: 1, %s}\n", kind, spec, status)
	}
	job := func(spec, status string) string {
		return fmt.Sprintf("apiVersion: batch/v1\nkind: Job\nmetadata: {name: x, namespace: ns}\nspec: {%s}\nstatus: {startTime: '2030-01-01T00:00:00Z', %s}\n", spec, status)
	}
	ready := "replicas: 1, readyReplicas: 1, updatedReplicas: 1, availableReplicas: 1"
	for _, tc := range []struct {
		name, live string
		flux, argo track.Health
		cause      string
	}{
		{"ready Deployment", workload("Deployment", "replicas: 1", ready+", conditions: [{type: Available, status: 'True'}, {type: Progressing, status: 'True', reason: NewReplicaSetAvailable}]"), track.Healthy, track.Healthy, ""},
		{"failed Deployment", workload("Deployment", "replicas: 1", "replicas: 1, conditions: [{type: Progressing, status: 'False', reason: ProgressDeadlineExceeded}]"), track.Degraded, track.Degraded, ""},
		{"paused Deployment", workload("Deployment", "replicas: 1, paused: true, progressDeadlineSeconds: 600", ready+", conditions: [{type: Available, status: 'True'}, {type: Progressing, status: Unknown, reason: DeploymentPaused}]"), track.Progressing, track.Suspended, "paused"},
		{"StatefulSet OnDelete, not ready", workload("StatefulSet", "replicas: 1, updateStrategy: {type: OnDelete}", "replicas: 1"), track.Healthy, track.Progressing, "on-delete"},
		{"DaemonSet OnDelete, not updated", workload("DaemonSet", "updateStrategy: {type: OnDelete}", "desiredNumberScheduled: 1, currentNumberScheduled: 1, numberReady: 1, numberAvailable: 1, updatedNumberScheduled: 0"), track.Progressing, track.Healthy, "on-delete"},
		{"StatefulSet with surplus pods", workload("StatefulSet", "replicas: 1, updateStrategy: {type: RollingUpdate}", "replicas: 2, readyReplicas: 2, currentReplicas: 2, updatedReplicas: 1, currentRevision: a, updateRevision: a"), track.Progressing, track.Healthy, "statefulset-surplus"},
		{"ReplicaSet that can't make pods", workload("ReplicaSet", "replicas: 1", "replicas: 0, conditions: [{type: ReplicaFailure, status: 'True'}]"), track.Progressing, track.Degraded, "replica-failure"},
		{"running Job", job("", "active: 1"), track.Progressing, track.Progressing, ""},
		{"complete Job", job("", "succeeded: 1, conditions: [{type: Complete, status: 'True'}]"), track.Healthy, track.Healthy, ""},
		{"failed Job", job("", "failed: 1, conditions: [{type: Failed, status: 'True', message: none}]"), track.Degraded, track.Degraded, ""},
		{"suspended Job", job("suspend: true", "conditions: [{type: Suspended, status: 'True'}]"), track.Progressing, track.Suspended, "job-suspended"},
		{"lost claim", "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: x, namespace: ns}\nstatus: {phase: Lost}\n", track.Progressing, track.Degraded, "claim-lost"},
		{"pending claim", "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: x, namespace: ns}\nstatus: {phase: Pending}\n", track.Progressing, track.Progressing, ""},
		{"Service without an address", "apiVersion: v1\nkind: Service\nmetadata: {name: x, namespace: ns}\nspec: {type: LoadBalancer, clusterIP: 10.0.0.1}\nstatus: {loadBalancer: {}}\n", track.Healthy, track.Progressing, "no-load-balancer"},
		{"Ingress without an address", "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: x, namespace: ns}\nstatus: {loadBalancer: {}}\n", track.Healthy, track.Progressing, "no-load-balancer"},
		{"HPA without metrics", "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: x, namespace: ns}\nspec: {maxReplicas: 2}\nstatus: {conditions: [{type: ScalingActive, status: 'False', reason: FailedGetResourceMetric, message: none}]}\n", track.Healthy, track.Degraded, "autoscaler-conditions"},
		{"APIService not available", "apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: x}\nspec: {}\nstatus: {conditions: [{type: Available, status: 'False'}]}\n", track.Healthy, track.Progressing, "api-unavailable"},
		{"failed Pod", "apiVersion: v1\nkind: Pod\nmetadata: {name: x, namespace: ns}\nspec: {containers: [{name: c, image: i}]}\nstatus: {phase: Failed}\n", track.Healthy, track.Degraded, "pod-failed"},
		{"Pod whose image can't be pulled", "apiVersion: v1\nkind: Pod\nmetadata: {name: x, namespace: ns}\nspec: {restartPolicy: Always, containers: [{name: c, image: i}]}\nstatus: {phase: Pending, containerStatuses: [{name: c, state: {waiting: {reason: ImagePullBackOff, message: none}}}]}\n", track.Progressing, track.Degraded, "pod-waiting"},
		{"CRD whose names are refused", "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x}\nspec: {}\nstatus: {conditions: [{type: NamesAccepted, status: 'False', reason: taken, message: none}]}\n", track.Degraded, track.Healthy, "names-refused"},
		{"custom object not ready", "apiVersion: known.test/v1\nkind: Gadget\nmetadata: {name: x, namespace: ns}\nstatus: {conditions: [{type: Ready, status: 'False', reason: none, message: none}]}\n", track.Progressing, track.Healthy, "no-health-check"},
		{"suspended CronJob", "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: x, namespace: ns}\nspec: {suspend: true}\n", track.Healthy, track.Healthy, ""},
		{"controller behind", "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: x, namespace: ns, generation: 2}\nstatus: {observedGeneration: 1}\n", track.Progressing, track.Healthy, "no-health-check"},
		{"terminating", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: ns, deletionTimestamp: '2030-01-01T00:00:00Z', finalizers: [a.test/b]}\n", track.Progressing, track.Progressing, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			out := judgeGiven(t, manifest(t, tc.live))
			f, a := out.Verdicts[track.Flux][0], out.Verdicts[track.Argo][0]
			if f.Health != tc.flux || a.Health != tc.argo {
				t.Errorf("flux %s (%s), want %s; argo %s (%s), want %s", f.Health, f.Native, tc.flux, a.Health, a.Native, tc.argo)
			}
			if agree := tc.flux == tc.argo; agree != (len(out.Disagreements) == 0) || !agree && out.Disagreements[0].Cause != tc.cause {
				t.Errorf("disagreements %+v, want cause %q", out.Disagreements, tc.cause)
			}
		})
	}
}
