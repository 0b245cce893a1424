package argo

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/track"
)

func manifest(t testing.TB, text string) *unstructured.Unstructured {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(raw); err != nil {
		t.Fatal(err)
	}
	return u
}

// judge judges one object; live "" means that it is not there.
func judge(t *testing.T, desired, live string, also ...string) track.Verdict {
	t.Helper()
	j, err := New(nil, ThreeWay) // this way asks nobody
	if err != nil {
		t.Fatal(err)
	}
	o := render.Object{Unstructured: manifest(t, desired), Component: "test"}
	in := track.Input{
		Cluster: "x", Objects: []render.Object{o}, Lacks: []cluster.Ability{cluster.MetricsAPI},
		Live: &track.Live{Objects: map[finding.Object]*unstructured.Unstructured{}, Failed: map[finding.Object]error{},
			Unused: map[finding.Object]bool{{APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: "ns", Name: "unused"}: true}},
	}
	for _, text := range also {
		in.Objects = append(in.Objects, render.Object{Unstructured: manifest(t, text)})
	}
	if live != "" {
		in.Live.Objects[o.Ref()] = manifest(t, live)
	}
	verdicts, err := j.Judge(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return verdicts[0]
}

func configMap(data, annotations string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm, namespace: ns, annotations: {" + annotations + "}}\ndata: {" + data + "}\n"
}

func TestJudge(t *testing.T) {
	t.Parallel()
	last := `kubectl.kubernetes.io/last-applied-configuration: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"cm","namespace":"ns"},"data":{"a":"1","b":"2"}}'`
	secret := func(data string) string {
		return "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: ns}\n" + data + "\n"
	}
	role := func(rules string) string {
		return "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\naggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}\nrules: " + rules + "\n"
	}
	deployment := func(replicas, cpu string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: ns}\nspec: {replicas: " + replicas + ", selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i, resources: {requests: {cpu: " + cpu + "}}}]}}}\n"
	}
	hpa := "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web, namespace: ns}\nspec: {maxReplicas: 5, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n"
	claim := func(name string) string {
		return "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: " + name + ", namespace: ns}\nstatus: {phase: Pending}\n"
	}
	for _, tc := range []struct {
		name, desired, live string
		also                []string
		want                string // sync and pointers
		native              string
	}{
		{"the same", configMap("a: b", ""), configMap("a: b", ""), nil, "in sync", "Synced/no health check (two-way here)"},
		{"missing", configMap("a: b", ""), "", nil, "missing", "OutOfSync/Missing"},
		{"a value", configMap("a: b", ""), configMap("a: c", ""), nil, "differs /data/a", "OutOfSync/no health check (two-way here)"},
		{"a field more, two-way", configMap("a: '1'", ""), configMap("a: '1', b: '2'", ""), nil, "in sync", "Synced/no health check (two-way here)"},
		{"a field more, three-way", configMap("a: '1'", ""), configMap("a: '1', b: '2'", last), nil, "differs /data/b", "OutOfSync/no health check (three-way)"},
		{"stringData", secret("stringData: {k: v}"), secret("data: {k: dg==}"), nil, "in sync", "Synced/no health check (two-way here)"},
		{"a secret value", secret("stringData: {k: v}"), secret("data: {k: dw==}"), nil, "differs /data/k", "OutOfSync/no health check (two-way here)"},
		{"aggregated role", role("[]"), role("[{apiGroups: [''], resources: [pods], verbs: [get]}]"), nil, "in sync", "Synced/no health check (two-way here)"},
		{"quantities", deployment("1", "1000m"), deployment("1", "'1'"), nil, "in sync", "Synced/Progressing (two-way here)"},
		{"replicas", deployment("1", "1"), deployment("4", "1"), nil, "differs /spec/replicas", "OutOfSync/Progressing (two-way here)"},
		{"replicas of an autoscaler", deployment("1", "1"), deployment("4", "1"), []string{hpa}, "in sync", "Synced/Progressing (two-way here)"},
		{"a claim to be bound", claim("used"), claim("used"), nil, "in sync", "Synced/Progressing (two-way here)"},
		{"a claim that no pod uses", claim("unused"), claim("unused"), nil, "in sync", "Synced/not judged (two-way here)"},
		{"HPA without metrics", hpa, hpa, nil, "in sync", "Synced/not judged (two-way here)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			v := judge(t, tc.desired, tc.live, tc.also...)
			got := string(v.Sync)
			for _, f := range v.Fields {
				got += " " + f.Pointer
			}
			if diff := cmp.Diff([]string{tc.want, tc.native}, []string{got, v.Native}); diff != "" {
				t.Errorf("(-want +got):\n%s\n%+v", diff, v)
			}
			if raw, err := json.Marshal(v); err != nil || tc.name == "a secret value" && (strings.Contains(string(raw), "dw==") || strings.Contains(string(raw), "dg==")) {
				t.Errorf("a value is shown, or %v: %s", err, raw)
			}
		})
	}
}

func TestCancelledIsNoVerdict(t *testing.T) {
	t.Parallel()
	j, err := New(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := render.Object{Unstructured: manifest(t, configMap("a: b", ""))}
	if v, err := j.Judge(ctx, track.Input{Objects: []render.Object{o}, Live: &track.Live{}}); err == nil {
		t.Errorf("verdicts %v of a cancelled run", v)
	}
}

func TestUnreadableIsUnknown(t *testing.T) {
	t.Parallel()
	j, err := New(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	o := render.Object{Unstructured: manifest(t, configMap("a: b", ""))}
	in := track.Input{Objects: []render.Object{o}, Live: &track.Live{Failed: map[finding.Object]error{o.Ref(): context.DeadlineExceeded}}}
	verdicts, err := j.Judge(t.Context(), in)
	if err != nil || verdicts[0].Sync != track.SyncUnknown || verdicts[0].OK() {
		t.Errorf("%v %+v, want unknown", err, verdicts)
	}
}
