package plain

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	k8syaml "sigs.k8s.io/yaml"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// maxGenerated bounds the Applications of one ApplicationSet.
const maxGenerated = 1_000

var placeholder = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)

// clusterSecret is a cluster that Argo CD is told of by a Secret.
type clusterSecret struct {
	name, server        string
	labels, annotations map[string]string
}

// clusterSecrets are those among the cluster's objects. Of a Secret only name and
// server are read.
func (b *builder) clusterSecrets() []clusterSecret {
	var out []clusterSecret
	for _, o := range b.found {
		if o.GetKind() != "Secret" || o.GetLabels()["argocd.argoproj.io/secret-type"] != "cluster" {
			continue
		}
		value := func(key string) string {
			if s := o.text("stringData", key); s != "" {
				return s
			}
			s, _ := base64.StdEncoding.DecodeString(o.text("data", key))
			return string(s)
		}
		out = append(out, clusterSecret{value("name"), strings.TrimSuffix(value("server"), "/"), o.GetLabels(), o.GetAnnotations()})
	}
	slices.SortFunc(out, func(a, b clusterSecret) int { return strings.Compare(a.name, b.name) })
	return out
}

// applicationSet makes the Applications of a set and follows them.
func (b *builder) applicationSet(o object) ([]part, []finding.Finding) {
	s := appSet{builder: b, set: o, goTemplate: o.flag("spec", "goTemplate")}
	var out []part
	for i, entry := range o.list("spec", "generators") {
		generator, _ := entry.(map[string]any)
		for _, params := range s.generate(generator, fmt.Sprintf("/spec/generators/%d", i), 0) {
			app, err := s.fill(params)
			if err != nil {
				s.notes = append(s.notes, note(o.place("/spec/template"), finding.Error, "", o.id()+": "+err.Error(), "mend the template"))
				return nil, s.notes
			}
			more, notes := b.application(app)
			out, s.notes = append(out, more...), append(s.notes, notes...)
		}
	}
	shared(out, o.GetName())
	if o.text("spec", "templatePatch") != "" {
		s.notes = append(s.notes, skipped(o.place("/spec/templatePatch"), o.id()+": templatePatch is not applied"))
	}
	return out, s.notes
}

// shared names what an ApplicationSet delivers from one folder to several clusters
// by the set, so that what the clusters share is shown once.
func shared(parts []part, name string) {
	clusters := map[string]bool{}
	for _, p := range parts {
		if len(parts) == 1 || p.dir != parts[0].dir || clusters[p.cluster] {
			return
		}
		clusters[p.cluster] = true
	}
	for i := range parts {
		parts[i].name = name
	}
}

type appSet struct {
	*builder
	set        object
	goTemplate bool
	notes      []finding.Finding
}

func (s *appSet) skip(pointer, what string) []map[string]any {
	s.notes = append(s.notes, skipped(s.set.place(pointer), s.set.id()+": "+what))
	return nil
}

// generate gives the parameters that a generator makes.
func (s *appSet) generate(generator map[string]any, at string, depth int) []map[string]any {
	o := object{Unstructured: &unstructured.Unstructured{Object: generator}}
	switch {
	case generator["list"] != nil:
		var out []map[string]any
		for _, entry := range o.list("list", "elements") {
			if element, ok := entry.(map[string]any); ok {
				out = append(out, element)
			}
		}
		return out
	case generator["git"] != nil:
		if repo := o.text("git", "repoURL"); !s.ours(repo) {
			return s.skip(at, "its git generator reads "+repo)
		}
		return s.valued(append(s.directories(o), s.files(o)...), o.mapping("git", "values"))
	case generator["clusters"] != nil:
		return s.ofClusters(o, at)
	case generator["matrix"] != nil && depth < 2:
		return s.matrix(o.list("matrix", "generators"), at+"/matrix/generators", depth)
	}
	var names []string
	for name := range generator {
		names = append(names, name)
	}
	slices.Sort(names)
	return s.skip(at, "generator "+strings.Join(names, ", ")+" needs more than the repository, or is not known")
}

func (s *appSet) matrix(list []any, at string, depth int) []map[string]any {
	out := []map[string]any{{}}
	for i, entry := range list {
		inner, _ := entry.(map[string]any)
		var next []map[string]any
		for _, left := range out {
			filled, err := s.fillValue(inner, left)
			if err != nil {
				return s.skip(at, err.Error())
			}
			generator, _ := filled.(map[string]any)
			for _, right := range s.generate(generator, fmt.Sprintf("%s/%d", at, i), depth+1) {
				if next = append(next, render.MergeValues(left, right)); len(next) > maxGenerated {
					return s.skip(at, fmt.Sprintf("it makes more than %d Applications", maxGenerated))
				}
			}
		}
		out = next
	}
	return out
}

// directories are the parameters of a git generator's directories.
func (s *appSet) directories(o object) []map[string]any {
	var met []string
	excluded := map[string]bool{}
	for _, entry := range o.list("git", "directories") {
		d, _ := entry.(map[string]any)
		pattern, _ := d["path"].(string)
		exclude, _ := d["exclude"].(bool)
		found, err := expand(s.tree, pattern)
		if err != nil {
			continue
		}
		for _, m := range found {
			if exclude {
				excluded[m.path] = true
			} else if m.dir {
				met = append(met, m.path)
			}
		}
	}
	slices.Sort(met)
	var out []map[string]any
	for _, dir := range slices.Compact(met) {
		if !excluded[dir] {
			out = append(out, s.pathParams(dir))
		}
	}
	return out
}

// files are the parameters of a git generator's files.
func (s *appSet) files(o object) []map[string]any {
	var out []map[string]any
	for _, entry := range o.list("git", "files") {
		f, _ := entry.(map[string]any)
		pattern, _ := f["path"].(string)
		found, err := expand(s.tree, pattern)
		if err != nil {
			continue
		}
		for _, m := range found {
			data, err := s.tree.Raw(m.path)
			var content map[string]any
			if m.dir || err != nil || k8syaml.Unmarshal(data, &content) != nil {
				continue
			}
			params := s.pathParams(path.Dir(m.path))
			if !s.goTemplate {
				content = flat("", content)
			}
			out = append(out, render.MergeValues(params, content))
		}
	}
	return out
}

func (s *appSet) pathParams(dir string) map[string]any {
	base := path.Base(dir)
	if s.goTemplate {
		var segments []any
		for part := range strings.SplitSeq(dir, "/") {
			segments = append(segments, part)
		}
		return map[string]any{"path": map[string]any{"path": dir, "basename": base, "basenameNormalized": normal(base), "segments": segments}}
	}
	params := map[string]any{"path": dir, "path.basename": base, "path.basenameNormalized": normal(base)}
	for i, part := range strings.Split(dir, "/") {
		params[fmt.Sprintf("path[%d]", i)] = part
	}
	return params
}

// ofClusters are the parameters of the clusters that Secrets of the tree name.
func (s *appSet) ofClusters(o object, at string) []map[string]any {
	known := s.clusterSecrets()
	if len(known) == 0 {
		return s.skip(at, "its clusters generator asks Argo CD, and no Secret of the tree names a cluster")
	}
	selector, err := labels.ValidatedSelectorFromSet(o.pairs("clusters", "selector", "matchLabels"))
	if err != nil || len(o.list("clusters", "selector", "matchExpressions")) > 0 {
		return s.skip(at, "its selector is more than labels")
	}
	var out []map[string]any
	for _, c := range known {
		if !selector.Matches(labels.Set(c.labels)) {
			continue
		}
		meta := map[string]any{"labels": texts(c.labels), "annotations": texts(c.annotations)}
		params := map[string]any{"name": c.name, "nameNormalized": normal(c.name), "server": c.server}
		if s.goTemplate {
			params["metadata"] = meta
		} else {
			params = render.MergeValues(params, flat("metadata", meta))
		}
		out = append(out, params)
	}
	return s.valued(out, o.mapping("clusters", "values"))
}

// valued adds a generator's values, which may hold its other parameters.
func (s *appSet) valued(all []map[string]any, values map[string]any) []map[string]any {
	for _, params := range all {
		filled, err := s.fillValue(values, params)
		if own, ok := filled.(map[string]any); ok && err == nil && len(own) > 0 {
			if s.goTemplate {
				params["values"] = own
				continue
			}
			for k, v := range flat("values", own) {
				params[k] = v
			}
		}
	}
	return all
}

func texts(m map[string]string) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

// flat gives nested values by dotted names.
func flat(prefix string, m map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		name := strings.TrimPrefix(prefix+"."+k, ".")
		if inner, ok := v.(map[string]any); ok {
			for k2, v2 := range flat(name, inner) {
				out[k2] = v2
			}
			continue
		}
		out[name] = v
	}
	return out
}

func normal(name string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return '-'
	}, strings.ToLower(name)), "-.")
}

// fill makes one Application.
func (s *appSet) fill(params map[string]any) (object, error) {
	filled, err := s.fillValue(map[string]any(s.set.mapping("spec", "template")), params)
	if err != nil {
		return object{}, err
	}
	content, _ := filled.(map[string]any)
	app := &unstructured.Unstructured{Object: render.MergeValues(content, map[string]any{"apiVersion": s.set.GetAPIVersion(), "kind": "Application"})}
	return object{app, s.set.at, func(pointer string) finding.Position { return s.set.place("/spec/template" + pointer) }}, nil
}

// fillValue replaces placeholders in every text of a value.
func (s *appSet) fillValue(value any, params map[string]any) (any, error) {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, inner := range v {
			key, err := s.fillText(k, params)
			if err != nil {
				return nil, err
			}
			if out[key], err = s.fillValue(inner, params); err != nil {
				return nil, err
			}
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			var err error
			if out[i], err = s.fillValue(inner, params); err != nil {
				return nil, err
			}
		}
		return out, nil
	case string:
		return s.fillText(v, params)
	}
	return value, nil
}

func (s *appSet) fillText(text string, params map[string]any) (string, error) {
	if !strings.Contains(text, "{{") {
		return text, nil
	}
	if !s.goTemplate {
		return placeholder.ReplaceAllStringFunc(text, func(whole string) string {
			value, ok := params[placeholder.FindStringSubmatch(whole)[1]]
			if !ok {
				return whole
			}
			if s, ok := value.(string); ok {
				return s
			}
			data, _ := json.Marshal(value)
			return string(data)
		}), nil
	}
	functions := sprig.HermeticTxtFuncMap() // nothing of the machine, the clock or chance
	functions["normalize"] = normal
	option := "missingkey=default"
	if slices.Contains(s.set.texts("spec", "goTemplateOptions"), "missingkey=error") {
		option = "missingkey=error"
	}
	t, err := template.New("").Option(option).Funcs(functions).Parse(text)
	if err != nil {
		return "", fmt.Errorf("template %q: %w", text, err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, params); err != nil {
		return "", fmt.Errorf("template %q: %w", text, err)
	}
	return out.String(), nil
}
