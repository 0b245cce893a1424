package render_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// remotes gives files as if they had been fetched.
type remotes struct {
	files map[string][]byte
	err   error
}

func (r remotes) Files(context.Context, *catalog.Component, catalog.LockedSource) (map[string][]byte, error) {
	return r.files, r.err
}

const remoteComponent = `
-- components/far/component.yaml --
apiVersion: platform.dualtrack.internal/v1alpha1
kind: Component
metadata: {name: far}
spec:
  source:
    git:
      url: https://git.example.com/far
      ref: {tag: v1}
      kustomize: {path: base, overlays: {edge: edge}}
  namespace: far
`

const remoteLock = `
-- platform.lock --
apiVersion: platform.dualtrack.internal/v1alpha1
kind: Lock
metadata: {name: platform}
spec:
  sources:
    far:
      wants: git+https://git.example.com/far@tag/v1
      version: tag/v1
      url: https://git.example.com/far
      revision: 0123456789abcdef0123456789abcdef01234567
      format: files
      digest: sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
      size: 1
`

// TestRemote: fetched files are rendered as local ones are, by role; what can't be
// fetched is one component that is not rendered.
func TestRemote(t *testing.T) {
	t.Parallel()
	good := map[string][]byte{
		"base/kustomization.yaml": []byte("resources: [map.yaml]\n"),
		"base/map.yaml":           []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: far}\n"),
		"edge/kustomization.yaml": []byte("resources: [../base]\nnamePrefix: edge-\n"),
	}
	cases := []struct {
		name, lock string
		remotes    catalog.Remotes
		want       string // of the site's objects or failures
		rule       string // of the failure
	}{
		{"fetched", remoteLock, remotes{files: good}, "edge-far remote/far/base/map.yaml:1", ""},
		{"not locked", "", remotes{files: good}, "components/far/component.yaml:6:5: spec.source.git: is remote, and there is no platform.lock; run `platform lock`", render.Rule},
		{"locked as another", strings.ReplaceAll(remoteLock, "tag/v1", "tag/v0"), remotes{files: good},
			"components/far/component.yaml:6:5: spec.source.git: asks for git+https://git.example.com/far@tag/v1, and platform.lock:6:5 pins git+https://git.example.com/far@tag/v0; run `platform lock`", render.Rule},
		{"fails otherwise", remoteLock, remotes{err: errors.New("the cache is gone")}, "the cache is gone", render.Rule},
		{"not to be had", remoteLock, remotes{err: fmt.Errorf("read: %w", &catalog.UnavailableError{Component: "far", From: "x", Err: errors.New("the network is gone")})},
			"read: source of component far from x: the network is gone", render.RuleUnavailable},
		{"nobody fetches", remoteLock, nil, "components/far/component.yaml:6:5: spec.source.git: is remote, and nothing is fetched here; use a local source", render.Rule},
		{"a remote base", remoteLock, remotes{files: map[string][]byte{"edge/kustomization.yaml": []byte("resources: [https://git.example.com/x]\n")}},
			"remote/far/edge/kustomization.yaml:1:13: resources: names a remote source: https://git.example.com/x; copy the files into remote/far: a rendering reads nothing else", render.Rule},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := lay(t, remoteComponent+c.lock)
			cat := load(t, dir)
			cat.Remotes = c.remotes
			site := cat.Clusters[len(cat.Clusters)-1]
			site.Spec.Components = append(site.Spec.Components, catalog.ClusterComponent{Name: "far"})
			result, err := render.All(t.Context(), cat, render.Options{Clusters: []string{site.Name}})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, o := range result.Bundles[0].Objects {
				if o.Component == "far" {
					got += o.GetName() + " " + o.Source.String()
				}
			}
			for _, n := range result.Bundles[0].NotRendered {
				got += n.Err.Error()
			}
			rule := ""
			for _, f := range result.Findings {
				if f.Component == "far" && f.Severity == finding.Error {
					rule = f.Rule
				}
			}
			if diff := cmp.Diff(c.rule, rule); diff != "" {
				t.Errorf("rule (-want +got):\n%s", diff)
			}
			if got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}
