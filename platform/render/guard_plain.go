package render

import (
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"sigs.k8s.io/kustomize/api/types"

	"dualtrack.internal/platform/finding"
)

// guardPlain holds, for a kustomization that others wrote, that kustomize will
// open nothing but the files that were gathered: it would fetch URLs, run git and
// plugins. What was gathered left such things out already.
func guardPlain(f *folder, name string) finding.Problems {
	var k types.Kustomization
	if err := k.Unmarshal(f.asRun(name)); err != nil {
		return finding.Problems{{Position: finding.Position{File: name}, What: "is no kustomization: " + err.Error(), Mend: "see kustomize's fields"}}
	}
	var problems finding.Problems
	refuse := func(field, what string) {
		problems = append(problems, &finding.Problem{Position: finding.Position{File: name}, Field: field, What: what,
			Mend: "put it into the repository"})
	}
	for _, ref := range plainReferences(&k) {
		target := ref.target()
		full, inside := f.inside(path.Dir(name), target)
		_, file := f.data[full]
		switch {
		case strings.Contains(target, "://"), !file && (isRemote(target) || strings.HasSuffix(target, ".git")):
			refuse(ref.field, "names a remote source: "+target)
		case !inside || !f.has(full):
			refuse(ref.field, "names what is not in the repository: "+target)
		}
	}
	for field, set := range map[string]bool{
		"helmCharts": k.HelmCharts != nil, "helmGlobals": k.HelmGlobals != nil, "helmChartInflationGenerator": k.HelmChartInflationGenerator != nil,
		"openapi": k.OpenAPI != nil,
	} {
		if set {
			refuse(field, "is not allowed")
		}
	}
	for field, entries := range map[string][]string{"generators": k.Generators, "transformers": k.Transformers, "validators": k.Validators} {
		for _, entry := range entries {
			text := entry
			if !strings.Contains(entry, "\n") {
				full, inside := f.inside(path.Dir(name), entry)
				if !inside || !f.has(full) || isRemote(entry) {
					refuse(field, "names what is not in the repository: "+entry)
					continue
				}
				text = string(f.data[full])
			}
			if strings.Contains(text, "://") {
				refuse(field, "may fetch something")
			}
		}
	}
	slices.SortFunc(problems, func(a, b *finding.Problem) int { return strings.Compare(a.Error(), b.Error()) })
	return problems
}

// Offline refuses a chart whose schema, or that of a chart in it, an archive's too,
// the library would fetch parts of.
func Offline(c *chart.Chart, file string) error {
	if p := checkSchema(file, c.Schema); p != nil {
		p.Line = 0
		p.What = "the schema of chart " + c.Name() + " " + p.What
		return p
	}
	for _, sub := range c.Dependencies() {
		if err := Offline(sub, file); err != nil {
			return err
		}
	}
	return nil
}

// plainReferences are references, with those of deprecated fields.
//
//nolint:staticcheck // other people's files have them
func plainReferences(k *types.Kustomization) []reference {
	refs := references(k)
	for _, base := range k.Bases {
		refs = append(refs, reference{field: "bases", value: base})
	}
	for _, p := range k.PatchesJson6902 {
		if p.Path != "" {
			refs = append(refs, reference{field: "patchesJson6902", value: p.Path})
		}
	}
	for _, p := range k.PatchesStrategicMerge {
		if !strings.Contains(string(p), "\n") {
			refs = append(refs, reference{field: "patchesStrategicMerge", value: string(p)})
		}
	}
	return refs
}
