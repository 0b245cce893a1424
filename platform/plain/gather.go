package plain

import (
	"encoding/json"
	"path"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"
	k8syaml "sigs.k8s.io/yaml"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/render/place"
)

// Bounds of what one component may read.
const (
	maxFiles = 10_000
	maxBytes = 256 << 20
)

// gatherer collects the files that one component's rendering reads.
type gatherer struct {
	tree     *catalog.Tree
	plain    *catalog.Plain
	problems finding.Problems
	seen     map[string]bool // kustomizations, against cycles
	bytes    int
	once     map[string][]byte // what was read for any component
}

func newGatherer(t *catalog.Tree, once map[string][]byte) *gatherer {
	return &gatherer{tree: t, once: once, seen: map[string]bool{}, plain: &catalog.Plain{
		Files: map[string][]byte{}, Edited: map[string][]byte{}, Alias: map[string]string{},
	}}
}

// done gives what was gathered.
func (g *gatherer) done() *catalog.Plain {
	g.plain.Err = g.problems.Err()
	return g.plain
}

// note says what was not followed, or another word about the sources.
func (g *gatherer) note(at finding.Position, severity finding.Severity, class finding.Class, what, mend string) {
	f := finding.Finding{Rule: render.Rule, Severity: severity, Class: class, Message: what, Position: at, Mend: mend}
	for _, other := range g.plain.Notes {
		if other.Message == f.Message && other.Position == f.Position {
			return
		}
	}
	g.plain.Notes = append(g.plain.Notes, f)
}

// elsewhere notes what stands in another place than the repository.
func (g *gatherer) elsewhere(at finding.Position, what string) {
	g.plain.Elsewhere = true
	g.note(at, finding.Warning, finding.Unknown, "not followed: "+what, "what comes from there is not judged")
}

func (g *gatherer) fail(at finding.Position, what, mend string) {
	g.problems = append(g.problems, &finding.Problem{Position: at, What: what, Mend: mend})
}

// read takes a file in, unless it is there.
func (g *gatherer) read(name string) ([]byte, bool) {
	if data, ok := g.plain.Files[name]; ok {
		return data, true
	}
	data, known := g.once[name]
	if !known {
		var err error
		if data, err = g.tree.Raw(name); err != nil {
			g.failed(name, err)
			return nil, false
		}
		g.once[name] = data
	}
	if g.bytes += len(data); g.bytes > maxBytes || len(g.plain.Files) >= maxFiles {
		g.fail(finding.Position{File: name}, "is more than one component may read", "split the component")
		return nil, false
	}
	g.plain.Files[name] = data
	return data, true
}

func (g *gatherer) failed(name string, err error) {
	found, other := finding.Gather(err)
	g.problems = append(g.problems, found...)
	if other != nil {
		g.fail(finding.Position{File: name}, other.Error(), "see whether it can be read")
	}
}

func kustomizationNames() []string {
	return []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}
}

// kustomizationOf is the file that makes a folder a kustomization, "" for none.
func kustomizationOf(t *catalog.Tree, dir string) string {
	for _, name := range kustomizationNames() {
		if at := path.Join(dir, name); t.IsFile(at) {
			return at
		}
	}
	return ""
}

// kustomization gathers a kustomization and everything that it names within the
// repository.
func (g *gatherer) kustomization(dir string) {
	name := kustomizationOf(g.tree, dir)
	if name == "" || g.seen[dir] {
		return
	}
	g.seen[dir] = true
	data, ok := g.read(name)
	if !ok {
		return
	}
	for _, other := range kustomizationNames() { // a second one is kustomize's to refuse
		if at := path.Join(dir, other); at != name && g.tree.IsFile(at) {
			g.read(at)
		}
	}
	docs, err := place.Scan(name, data)
	var k types.Kustomization
	var content map[string]any
	if err != nil || len(docs) != 1 || k.Unmarshal(data) != nil || k8syaml.Unmarshal(data, &content) != nil {
		return // the rendering says where and why
	}
	if p := misspelt(name, docs[0].Root); p != nil {
		g.problems = append(g.problems, p)
		return
	}
	g.references(reader{g: g, name: name, dir: dir, root: docs[0].Root, content: content}, &k)
}

// references follows what a kustomization names, and writes it anew without what
// can't be followed.
func (g *gatherer) references(r reader, k *types.Kustomization) {
	r.modern(k)
	for _, field := range []string{"resources", "components", "bases"} {
		r.filter(field, true)
	}
	for _, field := range []string{"crds", "configurations"} {
		r.filter(field, false)
	}
	for _, field := range []string{"generators", "transformers", "validators"} {
		r.filter(field, true)
	}
	for _, field := range []string{"helmCharts", "helmChartInflationGenerator", "helmGlobals"} {
		if _, there := r.content[field]; there {
			key, _ := place.Entry(r.root, field)
			g.elsewhere(place.At(r.name, key), field+": kustomize inflates charts by running helm, which is not done here")
			r.drop(field)
		}
	}
	if _, there := r.content["openapi"]; there {
		key, _ := place.Entry(r.root, "openapi")
		g.note(place.At(r.name, key), finding.Warning, finding.Unknown, "not followed: openapi: patches are merged by Kubernetes' own schema", "")
		r.drop("openapi")
	}
	for _, p := range k.Patches {
		r.must("patches", p.Path)
	}
	for _, p := range k.PatchesJson6902 { //nolint:staticcheck // other people's files have it
		r.must("patchesJson6902", p.Path)
	}
	for _, p := range k.PatchesStrategicMerge { //nolint:staticcheck // likewise
		if !strings.Contains(string(p), "\n") {
			r.must("patchesStrategicMerge", string(p))
		}
	}
	for _, p := range k.Replacements {
		r.must("replacements", p.Path)
	}
	for _, gen := range k.ConfigMapGenerator {
		r.generator("configMapGenerator", gen.GeneratorArgs)
	}
	for _, gen := range k.SecretGenerator {
		r.generator("secretGenerator", gen.GeneratorArgs)
	}
	r.finish()
}

// misspelt finds a field that kustomize takes in any case, and that is read here
// in its own case only.
func misspelt(name string, root *yaml.Node) *finding.Problem {
	for i := 0; i+1 < len(root.Content); i += 2 {
		key := root.Content[i]
		if lower := strings.ToLower(key.Value[:min(1, len(key.Value))]) + key.Value[min(1, len(key.Value)):]; key.Value != lower || !knownFields()[key.Value] {
			return &finding.Problem{Position: place.At(name, key), Field: key.Value, What: "unknown field", Mend: "remove it or mend its name"}
		}
	}
	return nil
}

// knownFields are the names of a kustomization's fields.
func knownFields() map[string]bool {
	out := map[string]bool{}
	var add func(t reflect.Type)
	add = func(t reflect.Type) {
		for i := range t.NumField() {
			tag, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			if tag == "" && strings.Contains(options, "inline") {
				add(t.Field(i).Type)
			} else if tag != "" {
				out[tag] = true
			}
		}
	}
	add(reflect.TypeFor[types.Kustomization]())
	return out
}

// reader follows one kustomization.
type reader struct {
	g       *gatherer
	name    string // its file
	dir     string
	root    *yaml.Node
	content map[string]any
	edited  bool
}

func (r *reader) at(value string) finding.Position {
	return place.At(r.name, place.FindScalar(r.root, value, 0))
}

func (r *reader) drop(field string) {
	delete(r.content, field)
	r.edited = true
}

// modern writes deprecated fields as those that took their place and mean the
// same: kustomize would tell of each on the standard error.
func (r *reader) modern(k *types.Kustomization) {
	list := func(field string) []any {
		l, _ := r.content[field].([]any)
		return slices.Clone(l)
	}
	if pairs, ok := r.content["commonLabels"].(map[string]any); ok {
		r.content["labels"] = append(list("labels"), map[string]any{"pairs": pairs, "includeSelectors": true})
		r.drop("commonLabels")
	}
	if merges := k.PatchesStrategicMerge; len(merges) > 0 { //nolint:staticcheck // other people's files have it
		var first []any
		for _, p := range merges {
			kind := "path"
			if strings.Contains(string(p), "\n") {
				kind = "patch"
			}
			first = append(first, map[string]any{kind: string(p)})
		}
		r.content["patches"] = append(first, list("patches")...)
		r.drop("patchesStrategicMerge")
	}
	if bases := list("bases"); len(bases) > 0 {
		r.content["resources"] = append(list("resources"), bases...)
		r.drop("bases")
	}
}

// filter follows the entries of a list of files and folders.
func (r *reader) filter(field string, folders bool) {
	list, ok := r.content[field].([]any)
	if !ok {
		return
	}
	var kept []any
	for _, entry := range list {
		target, ok := entry.(string)
		inline := strings.Contains(target, "\n") && slices.Contains([]string{"generators", "transformers", "validators"}, field)
		if !ok || inline || r.follow(field, target, folders) {
			kept = append(kept, entry)
			continue
		}
		r.edited = true
	}
	r.content[field] = kept
}

// follow takes one entry in; false when it stands elsewhere and is left out.
func (r *reader) follow(field, target string, folders bool) bool {
	full, inside := within(r.dir, target)
	if folders && inside && r.g.tree.IsDir(full) && isRemote(target) { // kustomize does not look for a folder of that name
		r.g.elsewhere(r.at(target), field+": "+target+" is a remote source")
		return false
	}
	if inside && folders && r.g.tree.IsDir(full) {
		if kustomizationOf(r.g.tree, full) == "" {
			r.g.fail(r.at(target), field+": "+target+" is a folder without a kustomization", "add a kustomization.yaml there, or name its files")
			return true
		}
		r.g.kustomization(full)
		return true
	}
	return r.file(field, target)
}

// file takes a file in; false when it stands elsewhere.
func (r *reader) file(field, target string) bool { return r.fileAs(field, target, target) }

// fileAs is file for a path that is part of what is written.
func (r *reader) fileAs(field, target, written string) bool {
	if target == "" {
		return true
	}
	full, inside := within(r.dir, target)
	switch {
	case inside && (r.g.tree.IsFile(full) || r.g.tree.IsLink(full) || r.module(full)):
		if r.dir != "." && !strings.HasPrefix(full, r.dir+"/") {
			r.g.note(r.at(written), finding.Warning, "", target+" lies outside the kustomization's folder: kustomize build takes it only with --load-restrictor LoadRestrictionsNone, as Flux does",
				"move it below "+r.dir+", or make its folder a kustomization")
		}
		r.g.read(full)
	case isRemote(target):
		r.g.elsewhere(r.at(written), field+": "+target+" is a remote source")
		return false
	case !inside:
		r.g.fail(r.at(written), field+": "+target+" leaves the repository", "put it into the repository")
	default:
		r.g.fail(r.at(written), field+": "+target+" does not exist", "mend the path")
	}
	return true
}

// module says that a path lies in a Git submodule: reading it says so.
func (r *reader) module(full string) bool {
	_, err := r.g.tree.Raw(full)
	found, _ := finding.Gather(err)
	return len(found) > 0 && strings.Contains(found[0].What, "submodule")
}

func (r *reader) generator(field string, args types.GeneratorArgs) {
	for _, source := range args.FileSources {
		target := source
		if _, after, ok := strings.Cut(source, "="); ok {
			target = after
		}
		r.mustAs(field, target, source)
	}
	for _, source := range append(slices.Clone(args.EnvSources), args.EnvSource) {
		r.must(field, source)
	}
}

// must is file for what can't be left out: without it nothing is rendered.
func (r *reader) must(field, target string) { r.mustAs(field, target, target) }

func (r *reader) mustAs(field, target, written string) {
	if !r.fileAs(field, target, written) {
		r.g.fail(r.at(written), field+" needs it", "put it into the repository")
	}
}

func (r *reader) finish() {
	if !r.edited {
		return
	}
	data, err := json.Marshal(r.content)
	if err != nil {
		return
	}
	r.g.plain.Edited[r.name] = data
}

// within joins a path onto a folder; false when it leaves the repository.
func within(dir, target string) (string, bool) {
	full := path.Join(dir, target)
	return full, !path.IsAbs(target) && full != ".." && !strings.HasPrefix(full, "../")
}

// isRemote says that kustomize could take a path for a URL or a Git repository.
func isRemote(target string) bool {
	lower := strings.ToLower(target)
	return strings.Contains(target, "://") || strings.ContainsAny(target, "?@") || strings.HasPrefix(lower, "github.com") ||
		strings.HasPrefix(lower, "git::") || strings.Contains(target, "//") || strings.Contains(target, "_git/") || strings.Contains(target, ".git/") ||
		strings.HasSuffix(target, ".git") || strings.Contains(strings.Split(target, "/")[0], ":")
}
