package plain

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// delivered leaves out of a folder's kustomizations those that others of them
// build on, and kustomize's components: they are parts, not something to deliver.
func delivered(t *catalog.Tree, dirs []string) (kept []string, bases map[string][]string) {
	bases = map[string][]string{} // base → those that build on it
	parts := map[string]bool{}
	for _, dir := range dirs {
		k := kustomizationIn(t, dir)
		parts[dir] = parts[dir] || k.Kind == types.ComponentKind
		for _, ref := range slices.Concat(k.Resources, k.Components, k.Bases) { //nolint:staticcheck // other people's files have bases
			full, inside := within(dir, ref)
			if inside && full != dir && slices.Contains(dirs, full) {
				parts[full] = true
				bases[full] = append(bases[full], dir)
			}
		}
	}
	for _, dir := range dirs {
		if !parts[dir] {
			kept = append(kept, dir)
		}
	}
	return kept, bases
}

// kustomizationIn reads what a folder's kustomization names; nothing of a broken
// one, of which the rendering tells.
func kustomizationIn(t *catalog.Tree, dir string) types.Kustomization {
	var k types.Kustomization
	data, err := t.Raw(kustomizationOf(t, dir))
	if err == nil && k.Unmarshal(data) != nil {
		return types.Kustomization{}
	}
	return k
}

// variants says that a folder holds several builds of one base: they are for
// several clusters, and not all for one.
func variants(dir string, bases map[string][]string) *finding.Problem {
	for _, base := range sortedKeys(bases) {
		if builds := slices.Compact(slices.Sorted(slices.Values(bases[base]))); len(builds) > 1 {
			return &finding.Problem{Position: finding.Position{File: dir}, What: fmt.Sprintf("holds %d builds of %s, which can't be one cluster: %s", len(builds), base, few(builds)),
				Mend: "name those that are clusters: --tree " + strings.Join(builds[:min(len(builds), 3)], " --tree ")}
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
