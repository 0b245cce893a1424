package acceptance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// addPatch gives one site's Service a label, through its cluster.yaml.
func (f *fleet) addPatch(t *testing.T, site string) {
	t.Helper()
	f.edit(t, "clusters/"+site+"/cluster.yaml", "- name: order-service\n", `- name: order-service
      patches:
        - target: {kind: Service, name: order-service}
          merge: {metadata: {labels: {site-note: patched}}}
`)
}

// denied breaks the tree in each way a gate must stop, and looks for the place,
// the mend and the untouched clusters.
func denied(t *testing.T, f *fleet) {
	known := map[string]bool{}
	f.mutations(t, known)
	const deployment = "components/edge-inference/base/inference.yaml"
	for _, c := range []struct {
		name, file, old, replacement string
		code                         int
		says                         []string
	}{
		{"misspelt field", "clusters/hub/cluster.yaml", "  role: hub", "  rolle: hub", 2, []string{"clusters/hub/cluster.yaml:", "did you mean role?"}},
		{"removed API", deployment, "apiVersion: apps/v1", "apiVersion: apps/v1beta1", 1, []string{deployment + ":", "apps/v1"}},
		{"privileged container", deployment, "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: false\n            privileged: true", 1, []string{deployment + ":", "DT-SEC-001", "mend:"}},
		{"malformed digest", "components/baseline.yaml", "digest: unresolved", "digest: sha256:abc", 1, []string{"DT-SUP-002", "mend:"}},
		{"unknown namespace", deployment, "namespace: inference", "namespace: inferense", 1, []string{deployment + ":", "inferense", "mend:"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(f.repo, c.file)
			original, err := os.ReadFile(path)
			check(t, err)
			f.edit(t, c.file, c.old, c.replacement)
			defer func() { check(t, os.WriteFile(path, original, 0o644)) }()
			for _, command := range []string{"check", "up"} {
				got := f.run(t, command).want(t, c.code)
				for _, words := range c.says {
					if !strings.Contains(got.stdout+got.stderr, words) {
						t.Errorf("%s does not say %q:\n%s%s", command, words, got.stdout, got.stderr)
					}
				}
			}
		})
	}
	for _, e := range f.mutations(t, known) {
		t.Errorf("a denied tree wrote: %s %s", e.Verb, e.RequestURI)
	}
}
