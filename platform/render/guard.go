package render

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render/place"
)

// kustomizationNames are the names that kustomize looks for.
func kustomizationNames() []string {
	return []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}
}

var unknownField = regexp.MustCompile(`unknown field "([^"]+)"`)

// reference is a path that a kustomization names.
type reference struct {
	field, value string
	key          bool // "key=path" is allowed
}

// target is the path itself.
func (r reference) target() string {
	if _, after, ok := strings.Cut(r.value, "="); ok && r.key {
		return after
	}
	return r.value
}

// guard checks every kustomization of a component before kustomize sees it:
// what it names must stand in the component's own folder, and nothing in it may
// load a plugin, a chart or another schema. Kustomize itself would fetch URLs
// and run git.
func guard(f *folder) finding.Problems {
	var problems finding.Problems
	for _, name := range f.names {
		if slices.Contains(kustomizationNames(), path.Base(name)) {
			problems = append(problems, guardFile(f, name)...)
		}
	}
	return problems
}

func guardFile(f *folder, name string) finding.Problems {
	docs, err := place.Scan(name, f.data[name])
	if err != nil {
		found, _ := finding.Gather(err)
		return found
	}
	if len(docs) != 1 {
		return finding.Problems{{Position: finding.Position{File: name}, What: "holds no single kustomization",
			Mend: "write one mapping"}}
	}
	root := docs[0].Root
	if twice := place.DuplicateKeys(name, root, 0); len(twice) > 0 {
		return twice
	}
	var k types.Kustomization
	if err := k.Unmarshal(f.data[name]); err != nil {
		return finding.Problems{malformed(name, root, err)}
	}
	if f.plain != nil { // what it names was followed, or noted, when its files were gathered
		return guardPlain(f, name)
	}
	remote := strings.HasPrefix(f.dir, catalog.RemotePrefix)
	problems := forbidden(name, root, &k, remote)
	refs := references(&k)
	if remote {
		refs = append(refs, deprecatedReferences(&k)...)
	}
	for _, ref := range refs {
		if p := checkReference(f, name, root, ref); p != nil {
			problems = append(problems, p)
		}
	}
	return problems
}

func malformed(name string, root *yaml.Node, err error) *finding.Problem {
	p := &finding.Problem{Position: finding.Position{File: name, Line: root.Line}, What: "is no kustomization: " + err.Error(),
		Mend: "see kustomize's fields"}
	if m := unknownField.FindStringSubmatch(err.Error()); m != nil {
		p.Position = place.At(name, place.FindKey(root, m[1], 0))
		p.Field, p.What, p.Mend = m[1], "unknown field", "remove it or mend its name"
	}
	return p
}

// forbidden finds fields that make kustomize run or read something beyond the
// component's files, and deprecated ones, unless they are somebody else's.
//
//nolint:staticcheck // deprecated fields are read to refuse them
func forbidden(name string, root *yaml.Node, k *types.Kustomization, remote bool) finding.Problems {
	const plugin = "plugins are not run: use the kustomization's own fields"
	const chart = "charts are not inflated here: make the chart a component with source.helm"
	var problems finding.Problems
	fields := []forbiddenField{
		{"generators", k.Generators != nil, plugin},
		{"transformers", k.Transformers != nil, plugin},
		{"validators", k.Validators != nil, plugin},
		{"helmCharts", k.HelmCharts != nil, chart},
		{"helmGlobals", k.HelmGlobals != nil, chart},
		{"helmChartInflationGenerator", k.HelmChartInflationGenerator != nil, chart},
		{"openapi", k.OpenAPI != nil, "the schema is chosen by the baseline: remove it"},
	}
	deprecated := []forbiddenField{ // of which kustomize would tell on the standard error
		{"bases", k.Bases != nil, "use resources"},
		{"commonLabels", k.CommonLabels != nil, "use labels, with includeSelectors: true for the same effect"},
		{"imageTags", k.ImageTags != nil, "use images"},
		{"patchesJson6902", k.PatchesJson6902 != nil, "use patches"},
		{"patchesStrategicMerge", k.PatchesStrategicMerge != nil, "use patches"},
		{"vars", k.Vars != nil, "use replacements"},
	}
	if !remote {
		fields = append(fields, deprecated...)
	}
	for _, field := range fields {
		if field.set {
			key, _ := place.Entry(root, field.name)
			problems = append(problems, &finding.Problem{Position: place.At(name, key), Field: field.name,
				What: "is not allowed", Mend: field.mend})
		}
	}
	return problems
}

type forbiddenField struct {
	name string
	set  bool
	mend string
}

// references lists every path in a kustomization that kustomize would open.
func references(k *types.Kustomization) []reference {
	var refs []reference
	add := func(field string, values ...string) {
		for _, v := range values {
			if v != "" {
				refs = append(refs, reference{field: field, value: v})
			}
		}
	}
	add("resources", k.Resources...)
	add("components", k.Components...)
	add("crds", k.Crds...)
	add("configurations", k.Configurations...)
	for _, p := range k.Patches {
		add("patches", p.Path)
	}
	for _, r := range k.Replacements {
		add("replacements", r.Path)
	}
	for _, g := range k.ConfigMapGenerator {
		refs = append(refs, generatorFiles("configMapGenerator", g.GeneratorArgs)...)
	}
	for _, g := range k.SecretGenerator {
		refs = append(refs, generatorFiles("secretGenerator", g.GeneratorArgs)...)
	}
	return refs
}

// deprecatedReferences are those of deprecated fields.
//
//nolint:staticcheck // they are opened as the others
func deprecatedReferences(k *types.Kustomization) []reference {
	var refs []reference
	for _, base := range k.Bases {
		refs = append(refs, reference{field: "bases", value: base})
	}
	for _, p := range k.PatchesJson6902 {
		if p.Path != "" {
			refs = append(refs, reference{field: "patches", value: p.Path})
		}
	}
	for _, p := range k.PatchesStrategicMerge {
		if !strings.Contains(string(p), "\n") { // else it is the patch itself
			refs = append(refs, reference{field: "patches", value: string(p)})
		}
	}
	return refs
}

func generatorFiles(field string, g types.GeneratorArgs) []reference {
	var refs []reference
	for _, file := range g.FileSources {
		refs = append(refs, reference{field: field, value: file, key: true})
	}
	for _, file := range append(slices.Clone(g.EnvSources), g.EnvSource) {
		if file != "" {
			refs = append(refs, reference{field: field, value: file})
		}
	}
	return refs
}

func checkReference(f *folder, name string, root *yaml.Node, ref reference) *finding.Problem {
	p := &finding.Problem{Position: place.At(name, place.FindScalar(root, ref.value, 0)), Field: ref.field}
	target := ref.target()
	switch full, inside := f.inside(path.Dir(name), target); {
	case isRemote(target):
		p.What = "names a remote source: " + target
		p.Mend = "copy the files into " + f.dir + ": a rendering reads nothing else"
	case strings.Contains(target, `\`):
		p.What, p.Mend = "has a backslash: "+target, "write forward slashes"
	case !inside:
		p.What = "leaves the component's folder: " + target
		p.Mend = "copy the files into " + f.dir
	case !f.has(full):
		p.What, p.Mend = "does not exist: "+target, "mend the path"
	default:
		return nil
	}
	return p
}

// isRemote says that kustomize could take a path for a URL or a Git
// repository: it has a scheme, a user, a query or a known host.
func isRemote(target string) bool {
	return strings.ContainsAny(target, ":?@\n") || strings.HasPrefix(strings.ToLower(target), "github.com") ||
		strings.Contains(target, "//") || strings.Contains(target, "_git/") || strings.Contains(target, ".git/")
}
