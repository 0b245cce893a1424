package plain

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/strvals"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	k8syaml "sigs.k8s.io/yaml"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// inCluster is how Argo CD calls the cluster that it runs on.
const inCluster = "https://kubernetes.default.svc"

// application follows the sources of an Argo CD Application.
func (b *builder) application(o object) ([]part, []finding.Finding) {
	sources := []map[string]any{o.mapping("spec", "source")}
	pointer := func(int) string { return "/spec/source" }
	if list := o.list("spec", "sources"); len(list) > 0 {
		sources = nil
		for _, entry := range list {
			source, _ := entry.(map[string]any)
			sources = append(sources, source)
		}
		pointer = func(i int) string { return fmt.Sprintf("/spec/sources/%d", i) }
	}
	var out []part
	var notes []finding.Finding
	for i, source := range sources {
		s := argoSource{builder: b, app: o, object: object{&unstructured.Unstructured{Object: source}, o.at, o.place}, all: sources, at: pointer(i)}
		p, more := s.part()
		if notes = append(notes, more...); p == nil {
			continue
		}
		p.cluster = b.destination(o)
		if len(sources) > 1 {
			p.key += fmt.Sprintf(" source %d", i+1)
		}
		out = append(out, *p)
	}
	return out, notes
}

// destination is the cluster that an Application delivers to, "" for the one that
// it stands in.
func (b *builder) destination(o object) string {
	name, server := o.text("spec", "destination", "name"), strings.TrimSuffix(o.text("spec", "destination", "server"), "/")
	switch {
	case name == "in-cluster", name == "" && (server == "" || server == inCluster), name == b.cluster.Name:
		return ""
	case name != "":
		return name
	}
	for _, c := range b.clusterSecrets() {
		if c.server == server {
			return c.name
		}
	}
	if u, err := url.Parse(server); err == nil && u.Host != "" {
		return u.Host
	}
	return server
}

// argoSource is one source of an Application.
type argoSource struct {
	*builder
	object // the source
	app    object
	all    []map[string]any
	at     string // pointer of the source
}

func (s argoSource) place(field string) finding.Position { return s.app.place(s.at + field) }

// part makes a component of the source; nil for one that is only referred to, or
// that can't be followed.
func (s argoSource) part() (*part, []finding.Finding) {
	repo, named := s.text("repoURL"), s.text("path")
	skip := func(field, what string) (*part, []finding.Finding) {
		return nil, []finding.Finding{skipped(s.place(field), s.app.id()+" "+what)}
	}
	dir, there := s.folderAt(named)
	switch {
	case s.text("chart") != "":
		return skip("/chart", "takes chart "+s.text("chart")+" from "+repo)
	case named == "" && s.text("ref") != "":
		return nil, nil
	case !s.ours(repo):
		return skip("/repoURL", "takes from "+repo)
	case s.mapping("plugin") != nil:
		return skip("/plugin", "runs a plugin")
	case !there && len(s.options.Remotes) == 0:
		return skip("/path", "takes "+named+" from "+repo+", and there is no such folder here")
	case !there:
		return nil, []finding.Finding{note(s.place("/path"), finding.Error, "", s.app.id()+": path "+named+" does not exist", "mend the path")}
	}
	p := &part{name: s.app.GetName(), dir: dir, declared: s.Object, at: s.place("/path"), space: s.app.text("spec", "destination", "namespace"), key: fluxKey("Application", "", s.app.GetName())}
	if revision := s.text("targetRevision"); revision != "" && !slices.Contains([]string{"HEAD", "main", "master"}, revision) {
		p.notes = append(p.notes, note(s.place("/targetRevision"), finding.Info, "", s.app.id()+" follows revision "+revision+"; what stands here is judged", ""))
	}
	switch {
	case isChart(s.tree, dir) || s.mapping("helm") != nil && kustomizationOf(s.tree, dir) == "":
		p.kind = helmChart
		return p, s.helm(p)
	case kustomizationOf(s.tree, dir) != "":
		p.kind = kustomization
		s.kustomize(p)
		return p, nil
	}
	if slices.Contains(s.roots, dir) && s.destination(s.app) == "" { // the folder that it stands in
		return nil, nil
	}
	p.kind = manifests
	p.choose = chooser{flat: !s.flag("directory", "recurse"), include: s.text("directory", "include"), exclude: s.text("directory", "exclude")}
	if s.mapping("directory", "jsonnet") != nil {
		p.notes = append(p.notes, skipped(s.place("/directory/jsonnet"), s.app.id()+": jsonnet is not run"))
	}
	return p, nil
}

func (s argoSource) kustomize(p *part) {
	k := func(fields ...string) []string { return append([]string{"kustomize"}, fields...) }
	p.adds = additions{
		namespace: s.text(k("namespace")...), prefix: s.text(k("namePrefix")...), suffix: s.text(k("nameSuffix")...),
		components: s.texts(k("components")...), labels: s.pairs(k("commonLabels")...), annotations: s.pairs(k("commonAnnotations")...),
		noSelectors: s.flag(k("labelWithoutSelector")...), inTemplates: s.flag(k("labelIncludeTemplates")...),
		patches: patches(s.list(k("patches")...)),
	}
	for _, entry := range s.texts(k("images")...) {
		p.adds.images = append(p.adds.images, imageOf(entry))
	}
	for _, entry := range s.list(k("replicas")...) {
		if r, ok := entry.(map[string]any); ok {
			p.adds.replicas = append(p.adds.replicas, map[string]any{"name": r["name"], "count": r["count"]})
		}
	}
}

// imageOf reads an image as `kustomize edit set image` does.
func imageOf(text string) image {
	name, rest, renamed := strings.Cut(text, "=")
	if !renamed {
		rest = text
	}
	var i image
	if rest, digest, ok := strings.Cut(rest, "@"); ok {
		i.NewName, i.Digest = rest, digest
	} else if at := strings.LastIndex(rest, ":"); at > strings.LastIndex(rest, "/") {
		i.NewName, i.NewTag = rest[:at], rest[at+1:]
	} else {
		i.NewName = rest
	}
	if i.Name = name; !renamed {
		i.Name, i.NewName = i.NewName, ""
	}
	return i
}

func (s argoSource) helm(p *part) []finding.Finding {
	var notes []finding.Finding
	if p.release = s.text("helm", "releaseName"); p.release == "" {
		p.release = s.app.GetName()
	}
	if space := s.text("helm", "namespace"); space != "" {
		p.space = space
	}
	values := catalog.Values{Position: s.place("/helm")}
	for i, file := range s.texts("helm", "valueFiles") {
		at := s.place(fmt.Sprintf("/helm/valueFiles/%d", i))
		name, why := s.valuesFile(p.dir, file)
		if why != "" {
			notes = append(notes, skipped(at, s.app.id()+" takes values from "+why))
			continue
		}
		read, err := s.readValues(name)
		switch {
		case catalog.Missing(err) && s.flag("helm", "ignoreMissingValueFiles"):
		case err != nil:
			notes = append(notes, note(at, finding.Error, "", s.app.id()+": values file "+file+" can't be read: "+err.Error(), "mend the path"))
		default:
			values = catalog.Values{Map: render.MergeValues(values.Map, read.Map), Position: read.Position, Lines: read.Lines}
		}
	}
	var inline map[string]any
	if text := s.text("helm", "values"); text != "" && s.mapping("helm", "valuesObject") == nil {
		if err := k8syaml.Unmarshal([]byte(text), &inline); err != nil {
			notes = append(notes, note(s.place("/helm/values"), finding.Error, "", s.app.id()+": values are no YAML: "+err.Error(), "mend them"))
		}
	}
	values.Map = render.MergeValues(render.MergeValues(values.Map, inline), s.mapping("helm", "valuesObject"))
	if err := s.parameters(values.Map); err != nil {
		notes = append(notes, note(s.place("/helm/parameters"), finding.Error, "", s.app.id()+": "+err.Error(), "mend the parameter"))
	}
	if len(s.list("helm", "fileParameters")) > 0 {
		notes = append(notes, skipped(s.place("/helm/fileParameters"), s.app.id()+": fileParameters are not read"))
	}
	p.values = values
	return notes
}

// parameters sets single values, as `helm --set` does.
func (s argoSource) parameters(into map[string]any) error {
	var all error
	for _, entry := range s.list("helm", "parameters") {
		p, _ := entry.(map[string]any)
		name, _ := p["name"].(string)
		value, _ := p["value"].(string)
		set := strvals.ParseInto
		if forced, _ := p["forceString"].(bool); forced {
			set = strvals.ParseIntoString
		}
		if err := set(name+"="+strings.ReplaceAll(value, ",", `\,`), into); err != nil {
			all = errors.Join(all, fmt.Errorf("parameter %s: %w", name, err))
		}
	}
	return all
}

// valuesFile is where a values file stands; why says why it can't be had.
func (s argoSource) valuesFile(dir, file string) (name, why string) {
	if strings.Contains(file, "://") {
		return "", file
	}
	ref, rest, isRef := strings.Cut(strings.TrimPrefix(file, "$"), "/")
	if !isRef || !strings.HasPrefix(file, "$") {
		full := path.Join(dir, file)
		if rooted, ok := strings.CutPrefix(file, "/"); ok {
			full = path.Clean(rooted)
		}
		if full == ".." || strings.HasPrefix(full, "../") {
			return "", file + ", which leaves the repository"
		}
		return full, ""
	}
	for _, source := range s.all {
		if source["ref"] != ref {
			continue
		}
		if repo, _ := source["repoURL"].(string); !s.ours(repo) {
			return "", file + " of " + repo
		}
		return path.Clean(rest), ""
	}
	return "", file + ", and no source has that ref"
}
