//go:build real

package cilium_test

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/repo"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/source"
	"dualtrack.internal/platform/source/remote"
)

// TestUpstreamVariant puts the author's chart, from a Helm repository and locked,
// in the place of our cilium: every cluster gets the cilium-config that Helm's own
// code gives it, and the chart's agent and operator.
func TestUpstreamVariant(t *testing.T) {
	root, err := catalog.FindRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	chart := chartDir(t.Context(), t, root)
	dir, server := t.TempDir(), serveChart(t, chart)
	for _, folder := range []string{"clusters", "components", "policies"} {
		if err := os.CopyFS(filepath.Join(dir, folder), os.DirFS(filepath.Join(root, folder))); err != nil {
			t.Fatal(err)
		}
	}
	writeComponent(t, root, dir, server.URL)
	trusted := x509.NewCertPool()
	trusted.AddCert(server.Certificate())
	store := remote.New(remote.Options{CacheDir: t.TempDir(), Roots: trusted})
	t.Cleanup(store.Close)
	cat, err := catalog.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	locked, err := store.Lock(t.Context(), cat, remote.LockOptions{})
	if err == nil {
		err = source.WriteLock(dir, catalog.LockSpec{Sources: locked.Sources})
	}
	if err != nil {
		t.Fatal(err)
	}
	if cat, err = catalog.Load(dir); err != nil {
		t.Fatal(err)
	}
	cat.Remotes = store
	rendered, err := render.All(t.Context(), cat, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, bundle := range rendered.Bundles {
		for _, n := range bundle.NotRendered {
			t.Errorf("%s: %s is not rendered: %v", bundle.Cluster, n.Component, n.Err)
		}
		files := map[string][]string{"hub": {"hub"}, "small": {"edge"}, "tiny": {"edge", "tiny"}}[profileOf(t, cat, bundle.Cluster)]
		want := upstreamConfig(t, root, chart, cat.Baseline.Spec.Kubernetes, files)
		if diff := cmp.Diff(want, builtinConfig(t, bundle)); diff != "" {
			t.Errorf("%s: cilium-config (-Helm +ours):\n%s", bundle.Cluster, diff)
		}
		if !slices.ContainsFunc(bundle.Objects, func(o render.Object) bool {
			return o.GetKind() == "DaemonSet" && o.GetName() == "cilium" && o.GetNamespace() == "cilium"
		}) {
			t.Errorf("%s has no agent", bundle.Cluster)
		}
	}
}

// serveChart serves a chart's folder as a Helm repository.
func serveChart(t *testing.T, folder string) *httptest.Server {
	t.Helper()
	loaded, err := loader.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := chartutil.Save(loaded, dir); err != nil {
		t.Fatal(err)
	}
	index, err := repo.IndexDirectory(dir, "")
	if err == nil {
		err = index.WriteFile(filepath.Join(dir, "index.yaml"), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)
	return server
}

// writeComponent describes the variant: the chart, and our values by profile.
func writeComponent(t *testing.T, root, dir, server string) {
	t.Helper()
	values := func(names ...string) map[string]any {
		out := map[string]any{}
		for _, name := range names {
			text, err := os.ReadFile(filepath.Join(root, "components", "cilium", "upstream-values-"+name+".yaml"))
			over := map[string]any{}
			if err == nil {
				err = yaml.Unmarshal(text, &over)
			}
			if err != nil {
				t.Fatal(err)
			}
			out = chartutil.CoalesceTables(over, out)
		}
		return map[string]any{"values": out}
	}
	text, err := yaml.Marshal(map[string]any{
		"apiVersion": catalog.APIVersion, "kind": "Component", "metadata": map[string]any{"name": "cilium"},
		"spec": map[string]any{
			"source":    map[string]any{"helm": map[string]any{"repo": server, "chart": "cilium", "version": "~1"}},
			"namespace": "cilium", "dependsOn": []string{"base"},
			"profiles": map[string]any{"hub": values("hub"), "small": values("edge"), "tiny": values("edge", "tiny")},
		},
	})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "components", "cilium", "component.yaml"), text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
