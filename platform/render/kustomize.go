package render

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/resid"
	k8syaml "sigs.k8s.io/yaml"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render/place"
)

const originAnnotation = "config.kubernetes.io/origin"

var wrapping = regexp.MustCompile(`^(?:accumulating resources: |accumulation err='|accumulating resources from '[^']*': |'[^']*' must resolve to a file': |couldn't make target for path '[^']*': )`)

// build is one run of kustomize over a component's files.
type build struct {
	folder *folder
	dir    string // of the kustomization, relative to the repository
	top    string // the kustomization's file
	files  *recorder
	docs   map[string][]place.Doc // manifests that were read
	origin bool                   // the kustomization asks for origins itself
}

// runKustomize renders a kustomization of the component. It sees the
// component's files only, in memory.
func runKustomize(f *folder, dir string) ([]raw, error) {
	if problems := guard(f); len(problems) > 0 {
		return nil, problems.Err()
	}
	b := &build{folder: f, dir: dir, files: &recorder{FileSystem: filesys.MakeFsInMemory(), read: map[string]bool{}},
		docs: map[string][]place.Doc{}}
	if err := b.load(); err != nil {
		return nil, err
	}
	objects, err := b.run()
	if problems := b.sources(err == nil).Err(); problems != nil {
		return nil, problems
	}
	if err != nil {
		return nil, b.failure(err)
	}
	return b.collect(objects)
}

// load fills the file system. The kustomization that is run asks for origins too.
func (b *build) load() error {
	for _, name := range kustomizationNames() {
		if _, ok := b.folder.data[path.Join(b.dir, name)]; ok {
			b.top = path.Join(b.dir, name)
		}
	}
	if b.top == "" {
		return &finding.Problem{Position: finding.Position{File: b.dir}, What: "holds no kustomization",
			Mend: "add a kustomization.yaml or mend the component's path"}
	}
	for _, name := range b.folder.names {
		data := b.folder.asRun(name)
		if name == b.top {
			var err error
			if data, b.origin, err = withOrigins(data); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		if err := b.files.WriteFile(inMemory(name), data); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// withOrigins adds to what a kustomization asks for, and says whether it asked for
// the same. A label that names the program's own build is left out: it would
// differ from program to program.
func withOrigins(data []byte) (changed []byte, asked bool, err error) {
	var content map[string]any
	if err := k8syaml.Unmarshal(data, &content); err != nil {
		return nil, false, err
	}
	if content == nil {
		content = map[string]any{}
	}
	wanted := []any{types.OriginAnnotations}
	given, _ := content["buildMetadata"].([]any)
	for _, w := range given {
		switch w {
		case types.OriginAnnotations:
			asked = true
		case types.ManagedByLabelOption:
		default:
			wanted = append(wanted, w)
		}
	}
	content["buildMetadata"] = wanted
	changed, err = json.Marshal(content)
	return changed, asked, err
}

func inMemory(name string) string { return filepath.FromSlash("/" + name) }

// run calls kustomize. Kustomize panics on some broken input; that is an error
// here.
func (b *build) run() (objects resmap.ResMap, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("kustomize failed: %v", r)
		}
	}()
	options := krusty.MakeDefaultOptions()
	options.LoadRestrictions = types.LoadRestrictionsRootOnly
	if b.folder.plain != nil { // there is nothing but the repository's files, and what lies outside its folder was noted
		options.LoadRestrictions = types.LoadRestrictionsNone
	}
	options.PluginConfig = types.DisabledPluginConfig()
	return krusty.MakeKustomizer(options).Run(b.files, inMemory(b.dir))
}

// sources checks the manifests that kustomize read: it takes a key that stands
// twice without a word, and its own errors name no line.
func (b *build) sources(ran bool) finding.Problems {
	free, patches := b.named()
	var problems finding.Problems
	for _, name := range sortedKeys(b.files.read) {
		if !isYAML(name) || free[name] {
			continue
		}
		docs, err := place.Scan(name, b.folder.data[name])
		if err != nil && !ran {
			found, _ := finding.Gather(err)
			problems = append(problems, found...)
		}
		b.docs[name] = docs
		for _, d := range docs {
			problems = append(problems, place.DuplicateKeys(name, d.Root, 0)...)
			problems = append(problems, metadataStrings(name, d.Root)...)
			if !ran && !patches[name] && (d.APIVersion == "" || d.Kind == "" || d.Name == "") {
				problems = append(problems, &finding.Problem{Position: finding.Position{File: name, Line: d.Line},
					What: "is no object", Mend: "write apiVersion, kind and metadata.name"})
			}
		}
	}
	return problems
}

// named gives the files that are no manifests: kustomizations, which guard has
// checked, and inputs of generators, whose content is free; and the patches.
func (b *build) named() (free, patches map[string]bool) {
	free, patches = map[string]bool{}, map[string]bool{}
	for _, name := range b.folder.names {
		var k types.Kustomization
		if !slices.Contains(kustomizationNames(), path.Base(name)) || k.Unmarshal(b.folder.data[name]) != nil {
			continue
		}
		free[name] = true
		for _, ref := range append(references(&k), deprecatedReferences(&k)...) {
			target := path.Join(path.Dir(name), ref.target())
			switch ref.field {
			case "configMapGenerator", "secretGenerator", "configurations", "replacements":
				free[target] = true
			case "patches":
				patches[target] = true
			}
		}
	}
	return free, patches
}

// metadataStrings finds labels and annotations that are no strings: kustomize
// turns or drops them without a word. A null in a patch removes one.
func metadataStrings(file string, root *yaml.Node) finding.Problems {
	var problems finding.Problems
	for _, field := range []string{"labels", "annotations"} {
		entries := place.Resolved(place.Value(place.Value(root, "metadata"), field))
		if entries == nil || entries.Kind != yaml.MappingNode {
			continue
		}
		for i := 0; i+1 < len(entries.Content); i += 2 {
			key, value := entries.Content[i], place.Resolved(entries.Content[i+1])
			if value == nil || key.Value == "<<" || value.Tag == "!!str" || value.Tag == "!!null" {
				continue
			}
			problems = append(problems, &finding.Problem{Position: place.At(file, entries.Content[i+1]),
				Field: "metadata." + field + "." + key.Value, What: "is no string", Mend: "quote it"})
		}
	}
	return problems
}

// failure puts kustomize's error at the kustomization it ran.
func (b *build) failure(err error) error {
	what := strings.ReplaceAll(innermost(err.Error()), "'/"+strings.TrimPrefix(b.folder.dir, "."), "'"+strings.TrimPrefix(b.folder.dir, "."))
	return &finding.Problem{Position: finding.Position{File: b.top}, What: what,
		Mend: "mend the kustomization or what it names"}
}

// innermost takes what failed out of what kustomize wraps around it: the way
// through the bases, and the tries to read a file as a folder.
func innermost(text string) string {
	const recursed, retried = "recursed accumulation of path '", "': must build at directory"
	if i := strings.LastIndex(text, recursed); i >= 0 {
		if _, after, ok := strings.Cut(text[i+len(recursed):], "': "); ok {
			text = after
		}
	}
	text, _, _ = strings.Cut(text, retried)
	if i := strings.Index(text, "cycle detected: "); i > 0 {
		text = text[i:]
	}
	for wrapping.MatchString(text) {
		text = wrapping.ReplaceAllString(text, "")
	}
	return strings.TrimSpace(text)
}

func (b *build) collect(objects resmap.ResMap) ([]raw, error) {
	reads := sortedKeys(b.files.read)
	out := make([]raw, 0, objects.Size())
	for _, res := range objects.Resources() {
		origin, err := res.GetOrigin()
		if err != nil {
			return nil, fmt.Errorf("origin of %s: %w", res.CurId(), err)
		}
		object, err := unstructuredOf(res)
		if err != nil {
			return nil, b.unwritable(res.CurId(), err)
		}
		if !b.origin {
			dropOrigin(object)
		}
		r := raw{object: object, trace: &trace{overlays: reads}}
		b.locate(&r, origin)
		out = append(out, r)
	}
	return out, nil
}

// unwritable says why an object that kustomize made has no form in JSON, as
// kustomize itself finds when it writes it.
func (b *build) unwritable(id resid.ResId, err error) error {
	var problems finding.Problems
	for _, name := range sortedKeys(b.docs) {
		for _, d := range b.docs[name] {
			problems = append(problems, place.OtherKeys(name, d.Root, 0)...)
		}
	}
	if len(problems) > 0 {
		return problems.Err()
	}
	if _, ok := errors.AsType[*json.UnsupportedTypeError](err); ok { // made by a generator, or by what adds labels
		err = errors.New("a key that is a number, true or false was made, which is no text: kustomize can't write it")
	}
	return b.failure(fmt.Errorf("%s: %w", id, err))
}

// unstructuredOf takes the object out of kustomize's own form.
func unstructuredOf(res *resource.Resource) (*unstructured.Unstructured, error) {
	var content map[string]any
	if err := res.YNode().Decode(&content); err != nil {
		return nil, err
	}
	data, err := json.Marshal(content)
	if err != nil {
		return nil, err
	}
	return fromJSON(data)
}

func dropOrigin(object *unstructured.Unstructured) {
	metadata, _ := object.Object["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	delete(annotations, originAnnotation)
	if annotations != nil && len(annotations) == 0 {
		delete(metadata, "annotations")
	}
}

// locate finds the document that an object came from.
func (b *build) locate(r *raw, origin *resource.Origin) {
	if origin == nil {
		r.source = finding.Position{File: b.dir}
		return
	}
	if origin.Path == "" {
		r.source.File = path.Join(b.dir, filepath.ToSlash(origin.ConfiguredIn))
		if found, err := place.Scan(r.source.File, b.folder.data[r.source.File]); err == nil && len(found) == 1 {
			r.source = place.At(r.source.File, generatorNode(found[0].Root, r.object))
			r.source.Column = 0
		}
		return
	}
	name := path.Join(b.dir, filepath.ToSlash(origin.Path))
	r.source = finding.Position{File: name}
	if d := matchDoc(b.docs[name], r.object); d != nil {
		r.source.Line, r.exact = d.Line, true
	}
}

// matchDoc finds the document that became an object: its name may have gained
// a prefix, a suffix or a hash.
func matchDoc(docs []place.Doc, object *unstructured.Unstructured) *place.Doc {
	var best *place.Doc
	score := 0
	for i, d := range docs {
		if d.Kind != object.GetKind() || d.Name == "" || !strings.Contains(object.GetName(), d.Name) {
			continue
		}
		s := 2 * len(d.Name)
		if d.Namespace == object.GetNamespace() {
			s++
		}
		if s > score {
			best, score = &docs[i], s
		}
	}
	return best
}

// recorder notes which files are read.
type recorder struct {
	filesys.FileSystem
	read map[string]bool
}

func (r *recorder) ReadFile(name string) ([]byte, error) {
	data, err := r.FileSystem.ReadFile(name)
	if err == nil {
		r.read[strings.TrimPrefix(filepath.ToSlash(name), "/")] = true
	}
	return data, err
}

// generatorNode finds the generator's entry that made a ConfigMap or Secret:
// the longest name that the object's name begins with.
func generatorNode(root *yaml.Node, object *unstructured.Unstructured) *yaml.Node {
	field := "configMapGenerator"
	if object.GetKind() == "Secret" {
		field = "secretGenerator"
	}
	best, entries := place.Entry(root, field)
	length := 0
	if entries = place.Resolved(entries); entries == nil {
		return best
	}
	for _, entry := range entries.Content {
		name := place.Scalar(place.Value(entry, "name"))
		if len(name) > length && strings.Contains(object.GetName(), name) {
			best, length = entry, len(name)
		}
	}
	return best
}
