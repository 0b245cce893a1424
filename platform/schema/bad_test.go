package schema

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// deployment is a Deployment whose spec and container are completed by the case.
func deployment(spec, container string) string {
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  %s
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: example.org/web:1
          %s
`, spec, container)
}

func TestBadObjects(t *testing.T) {
	t.Parallel()
	v := open(t, baseline(t))
	for _, c := range []struct{ name, object, want string }{
		{"misspelt field", deployment("replica: 3", ""),
			`error schema /spec/replica: unknown field spec.replica; did you mean replicas?; rename replica to replicas`},
		{"misspelt in a list item", deployment("", "imagePulPolicy: Always"),
			`error schema /spec/template/spec/containers/0/imagePulPolicy: unknown field spec.template.spec.containers[0].imagePulPolicy; did you mean imagePullPolicy?; rename imagePulPolicy to imagePullPolicy`},
		{"unknown field near nothing", deployment("", "resources: {quux: {}}"),
			`error schema /spec/template/spec/containers/0/resources/quux: unknown field spec.template.spec.containers[0].resources.quux; remove it; the fields that can stand here are claims, limits, requests`},
		{"case", deployment("Replicas: 3", ""),
			`error schema /spec/Replicas: unknown field spec.Replicas; did you mean replicas?; rename Replicas to replicas`},
		{"string for an integer", deployment(`replicas: "3"`, ""),
			`error schema /spec/replicas: spec.replicas is the string "3", must be an integer; write 3 without quotes`},
		{"integer for a string", deployment("", "env: [{name: PORT, value: 8080}]"),
			`error schema /spec/template/spec/containers/0/env/0/value: spec.template.spec.containers[0].env[0].value is the number 8080, must be a string; put it in quotes: "8080"`},
		{"boolean for a string", deployment("", "env: [{name: DEBUG, value: yes}]"),
			`error schema /spec/template/spec/containers/0/env/0/value: spec.template.spec.containers[0].env[0].value is the boolean true, must be a string; put it in quotes: "true"`},
		{"string for a boolean", deployment("paused: \"true\"", ""),
			`error schema /spec/paused: spec.paused is the string "true", must be true or false; write true without quotes`},
		{"object for a list", deployment("", "ports: {containerPort: 80}"),
			`error schema /spec/template/spec/containers/0/ports: spec.template.spec.containers[0].ports is an object, must be a list; write a list`},
		{"fraction for an integer", deployment("replicas: 1.5", ""),
			`error schema /spec/replicas: spec.replicas is the number 1.5, must be an integer; write an integer`},
		{"too large", deployment("replicas: 3000000000", ""),
			`error schema /spec/replicas: spec.replicas is the number 3000000000, too large for its field; write a number of 32 bits`},
		{"quantity", deployment("", "resources: {limits: {memory: 64MB}}"),
			`error schema /spec/template/spec/containers/0/resources/limits/memory: spec.template.spec.containers[0].resources.limits.memory is the string "64MB", must be a quantity; write a number with a unit such as 250m, 1, 64Mi or 2Gi`},
		{"integer or string", deployment("strategy: {rollingUpdate: {maxSurge: 0.5}}", ""),
			`error schema /spec/strategy/rollingUpdate/maxSurge: spec.strategy.rollingUpdate.maxSurge is the number 0.5, must be an integer or a string; write an integer or a string`},
		{"enumeration", deployment("", "imagePullPolicy: Allways"),
			`error schema /spec/template/spec/containers/0/imagePullPolicy: spec.template.spec.containers[0].imagePullPolicy is the string "Allways", must be one of Always, IfNotPresent, Never; did you mean Always? write one of Always, IfNotPresent, Never`},
		{"missing", `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {template: {spec: {containers: [{image: x}]}}}}`,
			"error schema /spec/selector: spec.selector is missing; add spec.selector, an object\n" +
				"error schema /spec/template/spec/containers/0/name: spec.template.spec.containers[0].name is missing; add spec.template.spec.containers[0].name, a string"},
		{"null is missing", `{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: null}}`,
			`error schema /spec/containers: spec.containers is missing; add spec.containers, a list`},
		{"empty list item", deployment("", "ports: [null]"),
			`error schema /spec/template/spec/containers/0/ports/0: spec.template.spec.containers[0].ports[0] is empty; remove the list item, or fill it in`},
		{"repeated key", deployment("", "ports: [{containerPort: 80}, {containerPort: 80, protocol: TCP, name: b}]"),
			`error schema /spec/template/spec/containers/0/ports/1: spec.template.spec.containers[0].ports[1] repeats spec.template.spec.containers[0].ports[0] (containerPort 80, protocol "TCP"); remove one of the two`},
		{"unquoted ConfigMap value", `{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a/b~c: 8080, d.e: true}}`,
			"error schema /data/a~1b~0c: data[\"a/b~c\"] is the number 8080, must be a string; put it in quotes: \"8080\"\n" +
				"error schema /data/d.e: data[\"d.e\"] is the boolean true, must be a string; put it in quotes: \"true\""},
		{"a Secret's values are not shown", `{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: not-base64!}, stringData: {b: 31337, c: [x]}}`,
			"error schema /data/a: data.a is a string, must be base64; write base64\n" +
				"error schema /stringData/b: stringData.b is a number, must be a string; put it in quotes\n" +
				"error schema /stringData/c: stringData.c is a list, must be a string; write a string"},
		{"time", `{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: l}, spec: {renewTime: yesterday}}`,
			`error schema /spec/renewTime: spec.renewTime is the string "yesterday", must be a time as in RFC 3339; write a time as in RFC 3339`},
		{"label", `{apiVersion: v1, kind: ServiceAccount, metadata: {name: s, labels: {version: 1}, lables: {}}}`,
			"error schema /metadata/labels/version: metadata.labels.version is the number 1, must be a string; put it in quotes: \"1\"\n" +
				"error schema /metadata/lables: unknown field metadata.lables; remove it; the fields that can stand here are annotations, creationTimestamp, deletionGracePeriodSeconds, deletionTimestamp, finalizers, generateName, generation, managedFields, namespace, ownerReferences, resourceVersion, selfLink, …"},
		{"namespace on a cluster's object", `{apiVersion: v1, kind: Namespace, metadata: {name: a, namespace: b}}`,
			`warning schema /metadata/namespace: Namespace belongs to no namespace, the API server drops this one; remove metadata.namespace`},
		{"no name", `{apiVersion: v1, kind: ServiceAccount, metadata: {generateName: a-}}`,
			`error schema /metadata/name: metadata.name is missing; give the object a name`},
		{"metadata of another shape", `{apiVersion: v1, kind: ServiceAccount, metadata: [name]}`,
			`error schema /metadata: metadata is a list, must be an object; write an object`},
		{"a question", `{apiVersion: authorization.k8s.io/v1, kind: SelfSubjectAccessReview, spec: {}}`,
			`error schema /kind: SelfSubjectAccessReview is a question to the API server, not an object that a cluster keeps; remove it`},
		{"other version", `{apiVersion: apps/v3, kind: Deployment, metadata: {name: x}}`,
			"error schema /apiVersion: apps/v3 Deployment: no such kind in Kubernetes " + v.Version() + " and no CRD brings it; Deployment is served as apps/v1; write apiVersion: apps/v1"},
		{"other group", `{apiVersion: v1, kind: Deployment, metadata: {name: x}}`,
			"error schema /apiVersion: v1 Deployment: no such kind in Kubernetes " + v.Version() + " and no CRD brings it; Deployment is served as apps/v1; write apiVersion: apps/v1"},
		{"several versions", `{apiVersion: autoscaling/v3, kind: HorizontalPodAutoscaler, metadata: {name: x}}`,
			"error schema /apiVersion: autoscaling/v3 HorizontalPodAutoscaler: no such kind in Kubernetes " + v.Version() + " and no CRD brings it; HorizontalPodAutoscaler is served as autoscaling/v2, autoscaling/v1; write apiVersion: autoscaling/v2"},
		{"misspelt kind", `{apiVersion: apps/v1, kind: Deploymnet, metadata: {name: x}}`,
			"error schema /kind: apps/v1 Deploymnet: no such kind in Kubernetes " + v.Version() + " and no CRD brings it; did you mean Deployment?; write kind: Deployment"},
		{"kind of nobody", `{apiVersion: example.org/v1, kind: Xylophone, metadata: {name: x}}`,
			"error schema /kind: example.org/v1 Xylophone: no such kind in Kubernetes " + v.Version() + " and no CRD brings it; add the component that brings its CRD, or correct apiVersion and kind"},
		{"no apiVersion", `{kind: Pod, metadata: {name: x}}`,
			`error schema /apiVersion: apiVersion is missing or not a string; write apiVersion`},
		{"apiVersion of another form", `{apiVersion: a/b/c, kind: Pod, metadata: {name: x}}`,
			`error schema /apiVersion: apiVersion "a/b/c" is not of the form group/version; write group/version, or v1 for the core group`},
		{"older version of what is off", `{apiVersion: internal.apiserver.k8s.io/v1alpha0, kind: StorageVersion, metadata: {name: x}}`,
			"error schema /apiVersion: internal.apiserver.k8s.io/v1alpha0 StorageVersion: no such kind in Kubernetes " + v.Version() + " and no CRD brings it; StorageVersion is served as internal.apiserver.k8s.io/v1alpha1; write apiVersion: internal.apiserver.k8s.io/v1alpha1"},
		{"off by default", `{apiVersion: internal.apiserver.k8s.io/v1alpha1, kind: StorageVersion, metadata: {name: x}, spec: {}, status: {}}`,
			"warning schema /apiVersion: internal.apiserver.k8s.io/v1alpha1 StorageVersion is off in Kubernetes " + v.Version() + " unless the API server's runtime-config turns it on; set runtime-config internal.apiserver.k8s.io/v1alpha1=true in the cluster's extraArgs.apiServer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := strings.TrimSpace(lines(v.Check(t.Context(), objects(t, c.object))))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.name, diff)
			}
		})
	}
}

func TestFindingNamesItsObject(t *testing.T) {
	t.Parallel()
	objs := objects(t, deployment("replica: 3", ""))
	got := open(t, baseline(t)).Check(t.Context(), objs)
	if len(got) != 1 {
		t.Fatalf("got %d findings, want 1:\n%s", len(got), lines(got))
	}
	f := got[0]
	if f.Object != objs[0].Ref() || f.Component != "shop" || f.Position != objs[0].Source || !f.Denies() {
		t.Errorf("the finding does not name its object: %+v", f)
	}
	want := `[{"op":"move","from":"/spec/replica","path":"/spec/replicas"}]`
	if string(f.Patch) != want {
		t.Errorf("patch %s, want %s", f.Patch, want)
	}
}

// Patches that write a value must make the object right.
func TestPatchesMend(t *testing.T) {
	t.Parallel()
	v := open(t, baseline(t))
	for _, c := range []struct{ name, object, want string }{
		{"quotes removed", deployment(`replicas: "3"`, ""), `[{"op":"replace","path":"/spec/replicas","value":3}]`},
		{"quotes added", deployment("", "args: [1]"), `[{"op":"replace","path":"/spec/template/spec/containers/0/args/0","value":"1"}]`},
		{"enumeration", deployment("strategy: {type: rollingUpdate}", ""), `[{"op":"replace","path":"/spec/strategy/type","value":"RollingUpdate"}]`},
		{"false", deployment(`paused: "false"`, ""), `[{"op":"replace","path":"/spec/paused","value":false}]`},
		{"removed", deployment("", "tty: true\n          quuxity: {}"), `[{"op":"remove","path":"/spec/template/spec/containers/0/quuxity"}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := v.Check(t.Context(), objects(t, c.object))
			if len(got) != 1 || string(got[0].Patch) != c.want {
				t.Errorf("%s: want one finding with patch %s, got:\n%s%s", c.name, c.want, lines(got), got[0].Patch)
			}
		})
	}
}
