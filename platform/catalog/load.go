package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"dualtrack.internal/platform/finding"
)

// The files of a repository that have a fixed place.
const (
	fleetFile      = "clusters/fleet.yaml"
	baselineFile   = "components/baseline.yaml"
	exceptionsFile = "policies/exceptions.yaml"
	silencesDir    = "policies/silences"
)

// FindRoot walks up from a folder to the one that holds clusters/fleet.yaml.
// It gives a *finding.Problem when there is none.
func FindRoot(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for at := abs; ; at = filepath.Dir(at) {
		if info, err := os.Stat(filepath.Join(at, filepath.FromSlash(fleetFile))); err == nil && info.Mode().IsRegular() {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", problem(finding.Position{File: fleetFile}, "", "stands neither in "+abs+" nor in a folder above it",
				"run the command inside a Dualtrack repository")
		}
	}
}

// Load reads and validates the whole catalog. Every mistake of the tree comes
// at once, as finding.Problems.
func Load(root string) (*Catalog, error) { return LoadOver(root, nil) }

// LoadOver is Load with a distribution under the repository: each component and
// the baseline that the repository does not hold itself are the distribution's.
// A component's folder in the repository wins as a whole. A nil base is none.
func LoadOver(root string, base *Base) (*Catalog, error) {
	tree, err := OpenTreeOver(root, base)
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	return LoadTree(tree)
}

// LoadTree is Load for a tree that is open already.
func LoadTree(tree *Tree) (*Catalog, error) {
	m, err := newModel()
	if err != nil {
		return nil, err
	}
	l := &loader{tree: tree, model: m, mistakes: map[string][]string{}, sums: map[string]string{},
		catalog: &Catalog{Root: tree.Dir(), Base: tree.base, Components: map[string]*Component{}}}
	l.baseline()
	l.components()
	l.clusters()
	l.fleet()
	l.exceptions()
	l.silences()
	l.lock()
	if l.err != nil {
		return nil, l.err
	}
	l.validate()
	if err := l.problems.Err(); err != nil {
		return nil, err
	}
	l.catalog.sums = l.sums
	if tree.root == nil {
		l.catalog.files = tree.files
	}
	return l.catalog, nil
}

// loader reads one tree.
type loader struct {
	tree     *Tree
	model    model
	catalog  *Catalog
	problems finding.Problems
	err      error // the machine's fault, not the tree's
	// named holds each name that has a folder, read or not: a broken file is no
	// reason to call what refers to it unknown.
	namedComponents []string
	namedClusters   []string
	waivers         *Exceptions         // nil without the file
	mistakes        map[string][]string // file → fields that the decoder complained about
	sums            map[string]string   // file → sum of its text
}

// note keeps a problem, or the first error that is none.
func (l *loader) note(err error) {
	found, other := finding.Gather(err)
	l.problems = append(l.problems, found...)
	if other != nil && l.err == nil {
		l.err = other
	}
}

// read decodes one file into out. It gives false when nothing of the file
// could be used; a file with single mistakes is validated as far as it goes.
func (l *loader) read(file, kindName string, out any) (env envelope, at places, ok bool) {
	data, err := l.tree.Read(file)
	if err != nil {
		l.note(err)
		l.mistakes[file] = []string{""}
		return env, nil, false
	}
	sum := sha256.Sum256(data)
	l.sums[file] = hex.EncodeToString(sum[:])
	return l.decode(file, kindName, data, out)
}

// decode is read for a file whose text is known.
func (l *loader) decode(file, kindName string, data []byte, out any) (env envelope, at places, ok bool) {
	env, at, problems := decode(l.model, file, kindName, data, out)
	l.problems = append(l.problems, problems...)
	for _, p := range problems {
		l.mistakes[file] = append(l.mistakes[file], p.Field)
	}
	return env, at, len(at) > 0
}

// broken says that the decoder found a mistake in a field, around it or inside
// it; a second word about the same field would only confuse. The empty field is
// the whole file.
func (l *loader) broken(file, field string) bool {
	return slices.ContainsFunc(l.mistakes[file], func(mistake string) bool {
		return within(mistake, field) || within(field, mistake)
	})
}

// within says whether a field's path is another's, or below it.
func within(inner, outer string) bool {
	rest, below := strings.CutPrefix(inner, outer)
	return below && (outer == "" || rest == "" || rest[0] == '.' || rest[0] == '[')
}

// dirs lists the folders that each hold one file of a kind.
func (l *loader) dirs(folder string) []string {
	found, err := l.tree.Dirs(folder)
	if err != nil {
		l.note(err)
	}
	return found
}

func (l *loader) baseline() {
	b := &Baseline{File: baselineFile}
	if l.tree.fromBase(baselineFile) {
		b.File = BasePrefix + baselineFile
	}
	env, at, ok := l.read(b.File, "Baseline", b)
	if ok {
		b.Name, b.Labels, b.at = env.name, env.labels, at
		l.catalog.Baseline = b
	}
}

func (l *loader) components() {
	for _, folder := range l.componentDirs() {
		dir := path.Base(folder)
		l.namedComponents = append(l.namedComponents, dir)
		c := &Component{Dir: folder, File: path.Join(folder, "component.yaml")}
		env, at, ok := l.read(c.File, "Component", c)
		l.sameName(c.File, dir, env, at)
		if ok {
			c.Name, c.Labels, c.at = dir, env.labels, at
			l.catalog.Components[dir] = c
		}
	}
}

// componentDirs are the folders of the components, by name: the repository's
// own, and those of the distribution that it does not hold itself.
func (l *loader) componentDirs() []string {
	byName := map[string]string{}
	if l.tree.base != nil {
		for _, name := range l.dirs(BasePrefix + "components") {
			byName[name] = path.Join(BasePrefix, "components", name)
		}
	}
	if l.tree.base == nil || l.tree.there("components") {
		for _, name := range l.dirs("components") {
			byName[name] = path.Join("components", name)
		}
	}
	var out []string
	for _, name := range sortedKeys(byName) {
		own := path.Join("components", name)
		if byName[name] != own && l.tree.there(own) { // a file, or a link to nothing
			l.problems = append(l.problems, problem(finding.Position{File: own}, "", "is no folder, and the distribution has a component of that name",
				"put the component's folder here, or remove it"))
		}
		out = append(out, byName[name])
	}
	return out
}

func (l *loader) clusters() {
	l.namedClusters = l.dirs("clusters")
	for _, dir := range l.namedClusters {
		c := &Cluster{File: path.Join("clusters", dir, "cluster.yaml")}
		env, at, ok := l.read(c.File, "Cluster", c)
		l.sameName(c.File, dir, env, at)
		if ok {
			c.Name, c.Labels, c.at = dir, env.labels, at
			l.catalog.Clusters = append(l.catalog.Clusters, c)
		}
	}
	slices.SortStableFunc(l.catalog.Clusters, func(a, b *Cluster) int { // stable: the folders came sorted
		return rank(a) - rank(b)
	})
}

func rank(c *Cluster) int {
	if c.Spec.Role == Hub {
		return 0
	}
	return 1
}

// sameName checks that a file's name is its folder's.
func (l *loader) sameName(file, dir string, env envelope, at places) {
	if env.name != "" && env.name != dir && !l.broken(file, "metadata.name") {
		l.problems = append(l.problems, problem(at.nearest(file, "metadata.name"), "metadata.name",
			"is "+env.name+" in the folder "+dir, "write "+dir+" or rename the folder"))
	}
}

func (l *loader) fleet() {
	f := &Fleet{File: fleetFile}
	env, at, ok := l.read(fleetFile, "Fleet", f)
	if ok {
		f.Name, f.Labels, f.at = env.name, env.labels, at
		l.catalog.Fleet = f
	}
}

// exceptions reads the one file that may be missing.
func (l *loader) exceptions() {
	if _, err := l.tree.stat(exceptionsFile); errors.Is(err, fs.ErrNotExist) {
		return
	}
	e := &Exceptions{File: exceptionsFile}
	if _, at, ok := l.read(exceptionsFile, "Exceptions", e); ok {
		e.at = at
		l.waivers = e
		l.catalog.Exceptions = e.Spec.Exceptions
	}
}

// lock reads platform.lock, which may be missing.
func (l *loader) lock() {
	if !l.tree.there(LockFile) {
		return
	}
	lock := &Lock{File: LockFile}
	if env, at, ok := l.read(LockFile, "Lock", lock); ok {
		lock.Name, lock.Labels, lock.at = env.name, env.labels, at
		l.catalog.Lock = lock
	}
}
