package policy

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/policies"
)

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app: web, app.kubernetes.io/part-of: shop}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, app.kubernetes.io/part-of: shop}}
    spec:
      automountServiceAccountToken: false
      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
      topologySpreadConstraints:
      - {topologyKey: kubernetes.io/hostname, maxSkew: 1, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: web}}}
      initContainers:
      - name: init
        image: registry.example/shop/init:1.4.2@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
        resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 128Mi}}
        securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
      containers:
      - name: web
        image: registry.example/shop/web:1.4.2@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
        ports: [{containerPort: 8080}]
        resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 128Mi}}
        readinessProbe: {httpGet: {path: /ready, port: 8080}}
        securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
      volumes:
      - name: tmp
        emptyDir: {}
`

// budget satisfies DT-REL-005 for the deployment.
const budget = `
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: shop}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}, unhealthyPodEvictionPolicy: AlwaysAllow}
`

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		if _, err := Compile(b.Context(), policies.FS); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkJudge reports the median time of one object, judged on its own and
// without any cache: conversion, evaluation, decoding.
func BenchmarkJudge(b *testing.B) {
	for name, text := range map[string]string{
		"Deployment": deployment,
		"ConfigMap":  "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\ndata: {a: b}\n",
		"Namespace":  namespace,
		"bad Pod":    "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\nspec: {hostPID: true, containers: [{name: a, image: a}, {name: b, image: b}]}\n",
	} {
		b.Run(name, func(b *testing.B) {
			e := compiled(b)
			in := testInput(b, text, namespace, denyAll, budget)
			sheet, err := gather(in)
			if err != nil {
				b.Fatal(err)
			}
			data, err := newViews(sheet).data([]string{"shop"})
			if err != nil {
				b.Fatal(err)
			}
			query, err := e.query(b.Context(), entryFindings, data)
			if err != nil {
				b.Fatal(err)
			}
			u := units(in)[1]
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				if _, err := judgeUnit(b.Context(), query, u); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "median-µs")
		})
	}
}

// testInput is a cluster with the given objects, each one YAML document.
func testInput(t testing.TB, docs ...string) Input {
	t.Helper()
	in := Input{
		Cluster: &catalog.Cluster{
			Name: "edge-1", File: "clusters/edge-1/cluster.yaml",
			Spec: catalog.ClusterSpec{Kubernetes: catalog.Kubernetes{EncryptSecrets: true}},
		},
		Fleet:    &catalog.Fleet{Spec: catalog.FleetSpec{Policy: catalog.FleetPolicy{Registries: []string{"registry.example"}}}},
		Baseline: &catalog.Baseline{Spec: catalog.BaselineSpec{Kubernetes: "v1.99.0"}},
		APIs:     []API{{APIVersion: "old.example/v1", Kind: "Thing", Removed: 99, Use: "new.example/v1"}},
	}
	for i, doc := range docs {
		var object map[string]any
		if err := yaml.Unmarshal([]byte(doc), &object); err != nil {
			t.Fatal(err)
		}
		in.Objects = append(in.Objects, render.Object{
			Unstructured: &unstructured.Unstructured{Object: object}, Component: "shop",
			Source: finding.Position{File: "components/shop/shop.yaml", Line: 10*i + 1},
		})
	}
	return in
}

// once compiles the policies for all tests of the package.
var once = sync.OnceValues(func() (*Engine, error) {
	return Compile(context.Background(), policies.FS) //nolint:forbidigo // it outlives the test that comes first
})

func compiled(t testing.TB) *Engine {
	t.Helper()
	e, err := once()
	if err != nil {
		t.Fatal(err)
	}
	return e
}
