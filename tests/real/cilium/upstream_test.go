//go:build real

package cilium_test

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/render"
)

// library is the module whose zip holds the author's chart.
const library = "github.com/cilium/cilium"

// TestVariantsAgree renders both variants for every cluster: each key of our
// cilium-config has the value that the author's chart gives it.
func TestVariantsAgree(t *testing.T) {
	root, err := catalog.FindRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	rendered, err := render.All(t.Context(), cat, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	chart := chartDir(t.Context(), t, root)
	upstream := map[string]map[string]string{}
	for profile, files := range map[string][]string{"hub": {"hub"}, "small": {"edge"}, "tiny": {"edge", "tiny"}} {
		upstream[profile] = upstreamConfig(t, root, chart, cat.Baseline.Spec.Kubernetes, files)
	}
	seen := map[string]bool{}
	for _, bundle := range rendered.Bundles {
		profile := profileOf(t, cat, bundle.Cluster)
		seen[profile] = true
		ours := builtinConfig(t, bundle)
		theirs := maps.Clone(upstream[profile])
		maps.DeleteFunc(theirs, func(key, _ string) bool { _, ok := ours[key]; return !ok })
		if diff := cmp.Diff(theirs, ours); diff != "" {
			t.Errorf("%s, profile %s: cilium-config (-upstream +builtin):\n%s", bundle.Cluster, profile, diff)
		}
	}
	if diff := cmp.Diff([]string{"hub", "small", "tiny"}, slices.Sorted(maps.Keys(seen))); diff != "" {
		t.Errorf("profiles of the fleet (-want +got):\n%s", diff)
	}
	left := maps.Clone(upstream["hub"])
	maps.DeleteFunc(left, func(key, _ string) bool { return slices.Contains(keysOf(t, rendered), key) })
	if diff := cmp.Diff(leftToTheAgent(), slices.Sorted(maps.Keys(left))); diff != "" {
		t.Errorf("keys that only the author's chart writes (-want +got):\n%s", diff)
	}
}

// leftToTheAgent are keys that the chart writes with the agent's own defaults, or
// for parts that are off, so that ours does without them.
func leftToTheAgent() []string {
	return strings.Fields(`
		arping-refresh-period controller-group-metrics custom-cni-conf debug-verbose dnsproxy-socket-linger-timeout
		egress-gateway-reconciliation-trigger-interval enable-auto-protect-node-port-range
		enable-endpoint-health-checking enable-health-check-loadbalancer-ip enable-health-check-nodeport
		enable-hubble-open-metrics enable-ipv4-big-tcp enable-ipv6-big-tcp enable-ipv6-masquerade
		enable-local-redirect-policy enable-masquerade-to-route-source enable-remote-node-identity enable-sctp
		enable-well-known-identities enable-xt-socket-fallback hubble-export-file-max-backups
		hubble-export-file-max-size-mb install-no-conntrack-iptables-rules ipam-cilium-node-update-rate
		k8s-client-burst k8s-client-qps max-connected-clusters mesh-auth-enabled mesh-auth-gc-interval
		mesh-auth-queue-size mesh-auth-rotated-identities-queue-size policy-cidr-match-mode proxy-connect-timeout
		proxy-idle-timeout-seconds proxy-max-connection-duration-seconds proxy-max-requests-per-connection
		proxy-prometheus-port proxy-xff-num-trusted-hops-egress proxy-xff-num-trusted-hops-ingress
		sidecar-istio-proxy-image skip-cnp-status-startup-clean synchronize-k8s-nodes
		tofqdns-dns-reject-response-code tofqdns-enable-dns-compression tofqdns-endpoint-max-ip-per-hostname
		tofqdns-idle-connection-grace-period tofqdns-max-deferred-connection-deletes vtep-cidr vtep-endpoint
		vtep-mac vtep-mask`)
}

func keysOf(t *testing.T, r *render.Result) []string {
	t.Helper()
	var keys []string
	for _, bundle := range r.Bundles {
		keys = append(keys, slices.Collect(maps.Keys(builtinConfig(t, bundle)))...)
	}
	return keys
}

func profileOf(t *testing.T, cat *catalog.Catalog, name string) string {
	t.Helper()
	for _, c := range cat.Clusters {
		if c.Name == name {
			return string(c.Spec.Profile)
		}
	}
	t.Fatalf("the catalog has no cluster %s", name)
	return ""
}

func builtinConfig(t *testing.T, bundle *render.Bundle) map[string]string {
	t.Helper()
	for _, o := range bundle.Objects {
		if o.GetKind() == "ConfigMap" && o.GetName() == "cilium-config" {
			data, _, err := unstructured.NestedStringMap(o.Object, "data")
			if err != nil {
				t.Fatal(err)
			}
			return data
		}
	}
	t.Fatalf("%s has no ConfigMap cilium-config", bundle.Cluster)
	return nil
}

// chartDir is the chart's folder in the module that tools/cilium is built from.
func chartDir(ctx context.Context, t *testing.T, root string) string {
	t.Helper()
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", library)
	cmd.Dir = filepath.Join(root, "tools", "cilium")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("downloading %s: %v", library, err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(module.Dir, "install", "kubernetes", "cilium")
}

// upstreamConfig is the cilium-config of the author's chart with our values.
func upstreamConfig(t *testing.T, root, dir, kubernetes string, files []string) map[string]string {
	t.Helper()
	chart, err := loader.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	// The chart asks whether these are there, and has none of its own.
	optional := []string{"devices", "k8sServiceHost", "k8sServicePort", "kubeProxyReplacement", "socketLB"}
	values := map[string]any{}
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(root, "components", "cilium", "upstream-values-"+name+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		over := map[string]any{}
		if err := yaml.UnmarshalStrict(text, &over); err != nil {
			t.Fatalf("upstream-values-%s.yaml: %v", name, err)
		}
		for _, key := range slices.Sorted(maps.Keys(over)) {
			if _, known := chart.Values[key]; !known && !slices.Contains(optional, key) {
				t.Errorf("upstream-values-%s.yaml: the chart has no value %s", name, key)
			}
		}
		values = chartutil.CoalesceTables(over, values)
	}
	caps := chartutil.DefaultCapabilities.Copy()
	version, err := chartutil.ParseKubeVersion(kubernetes)
	if err != nil {
		t.Fatal(err)
	}
	caps.KubeVersion = *version
	full, err := chartutil.ToRenderValues(chart, values, chartutil.ReleaseOptions{Name: "cilium", Namespace: "cilium", IsInstall: true}, caps)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := engine.Render(chart, full)
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range bytes.Split([]byte(texts["cilium/templates/cilium-configmap.yaml"]), []byte("\n---\n")) {
		var object struct {
			Metadata struct{ Name string }
			Data     map[string]string
		}
		if err := yaml.Unmarshal(doc, &object); err != nil {
			t.Fatal(err)
		}
		if object.Metadata.Name == "cilium-config" {
			return object.Data
		}
	}
	t.Fatal("the chart renders no ConfigMap cilium-config")
	return nil
}
