package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render/place"
)

const hookAnnotation = "helm.sh/hook"

var (
	templatePlace = regexp.MustCompile(`([^\s():"]+/[^\s():"]+):(\d+)(?::(\d+))?`)
	errorPlace    = regexp.MustCompile(`^(?:execution|parse) error at \([^)]*\): `)
	remoteSchema  = regexp.MustCompile(`"\$(?:ref|dynamicRef|schema|id)"\s*:\s*"((?i:https?|file|ftp):[^"]*)"`)
)

// release is one chart with what it is rendered with.
type release struct {
	folder    *folder
	dir       string // of the chart, relative to the repository
	name      string
	namespace string
	values    map[string]any
	valuesAt  finding.Position // where values over the chart's own begin
	caps      *chartutil.Capabilities
	remote    bool // somebody else's chart: only what it runs is held against it
	packed    bool // from a chart's archive

	day   string           // what templates that ask for the time are told; "" means firstDay
	clock *finding.Problem // of a template that asks for it, found by run
}

// run renders the chart. There is no cluster and no network: lookup finds
// nothing, subcharts must stand in the chart's charts folder.
func (r *release) run() ([]raw, []finding.Finding, error) {
	c, err := r.load()
	if err != nil {
		return nil, nil, err
	}
	values, err := r.renderValues(c)
	if err != nil {
		return nil, nil, err
	}
	scan := r.scan(c, values)
	if r.folder.plain == nil {
		if err := scan.refused(r.remote).Err(); err != nil {
			return nil, nil, err
		}
		scan.disarm()
	} else {
		scan.forgive()
	}
	rendered, err := engine.Engine{}.Render(c, values)
	if err != nil {
		return nil, nil, scan.blame(r.failure(err))
	}
	var out []raw
	var problems finding.Problems
	add := func(name, text string) {
		objects, found := r.objects(name, text)
		out, problems = append(out, objects...), append(problems, found...)
	}
	for _, crd := range c.CRDObjects() {
		add(crd.Filename, string(crd.File.Data))
	}
	r.exact(out)
	for _, name := range sortedKeys(rendered) {
		if !isNotes(name) {
			add(name, rendered[name])
		}
	}
	return out, scan.findings, problems.Err()
}

// load reads the chart from the component's files. Each run loads its own: the
// library changes a chart while it resolves dependencies.
func (r *release) load() (*chart.Chart, error) {
	var files []*loader.BufferedFile
	ignored, err := r.ignored()
	if err != nil {
		return nil, err
	}
	for _, name := range r.folder.under(r.dir) {
		rel := name
		if r.dir != "." {
			rel = strings.TrimPrefix(name, r.dir+"/")
		}
		if ignored(rel) {
			continue
		}
		data := bytes.TrimPrefix(r.folder.asRun(name), utf8BOM())
		files = append(files, &loader.BufferedFile{Name: rel, Data: data})
		if path.Base(rel) == "values.schema.json" {
			if p := checkSchema(name, data); p != nil {
				return nil, p
			}
		}
		if path.Base(rel) == "values.yaml" || path.Base(rel) == "Chart.yaml" {
			if err := checkPlain(name, data); err != nil {
				return nil, err
			}
		}
	}
	manifest := path.Join(r.dir, "Chart.yaml")
	c, err := loader.LoadFiles(files)
	if err != nil {
		return nil, &finding.Problem{Position: finding.Position{File: manifest}, What: "is no chart: " + err.Error(),
			Mend: "mend the chart"}
	}
	if err := errors.Join(r.checkInstallable(c, manifest), Offline(c, manifest)); err != nil {
		return nil, err
	}
	return c, r.checkDependencies(c, manifest)
}

// checkSchema refuses a schema that the library would fetch parts of.
func checkSchema(name string, data []byte) *finding.Problem {
	for _, m := range remoteSchema.FindAllSubmatchIndex(data, -1) {
		target := string(data[m[2]:m[3]])
		if strings.HasPrefix(target, "http://json-schema.org/") || strings.HasPrefix(target, "https://json-schema.org/") {
			continue // the drafts are built in
		}
		return &finding.Problem{
			Position: finding.Position{File: name, Line: 1 + bytes.Count(data[:m[0]], []byte("\n"))},
			What:     "refers to another schema: " + target, Mend: "put its definitions into this file",
		}
	}
	return nil
}

// checkPlain refuses broken YAML and keys that stand twice.
func checkPlain(name string, data []byte) error {
	docs, err := place.Scan(name, data)
	if err != nil {
		return err
	}
	var problems finding.Problems
	for _, d := range docs {
		problems = append(problems, place.DuplicateKeys(name, d.Root, 0)...)
	}
	return problems.Err()
}

func (r *release) checkDependencies(c *chart.Chart, manifest string) error {
	have := map[string]bool{}
	for _, sub := range c.Dependencies() {
		have[sub.Name()] = true
	}
	for _, want := range c.Metadata.Dependencies {
		if have[want.Name] {
			continue
		}
		p := &finding.Problem{Position: finding.Position{File: manifest}, Field: "dependencies",
			What: "subchart " + want.Name + " does not stand in charts/",
			Mend: "copy its folder there: nothing is downloaded while rendering"}
		if docs, err := place.Scan(manifest, r.folder.data[manifest]); err == nil && len(docs) == 1 {
			p.Position = place.At(manifest, place.FindScalar(place.Value(docs[0].Root, "dependencies"), want.Name, 0))
		}
		return p
	}
	return nil
}

// renderValues merges the values over the chart's own and checks them against
// its schema.
func (r *release) renderValues(c *chart.Chart) (chartutil.Values, error) {
	var values map[string]any
	data, err := json.Marshal(r.values) // the number types that Helm's own reading gives
	if err == nil {
		err = json.Unmarshal(data, &values)
	}
	if err != nil {
		return nil, fmt.Errorf("values of %s: %w", r.name, err)
	}
	if err := chartutil.ProcessDependenciesWithMerge(c, values); err != nil {
		return nil, &finding.Problem{Position: finding.Position{File: path.Join(r.dir, "Chart.yaml")}, Field: "dependencies",
			What: err.Error(), Mend: "mend the dependencies' conditions"}
	}
	merged, err := chartutil.ToRenderValues(c, values, chartutil.ReleaseOptions{
		Name: r.name, Namespace: r.namespace, Revision: 1, IsInstall: true,
	}, r.caps)
	if err != nil {
		return nil, &finding.Problem{Position: r.valuesAt, Field: "values",
			What: strings.Join(strings.Fields(err.Error()), " "),
			Mend: "see " + path.Join(r.dir, "values.schema.json") + " and values.yaml"}
	}
	return merged, nil
}

// failure puts the engine's error where it says the template failed.
func (r *release) failure(err error) error {
	p := &finding.Problem{Position: finding.Position{File: r.dir}, What: err.Error(), Mend: "mend the template or the values it reads"}
	// The innermost place comes last: a helper that failed, not its callers.
	for _, m := range templatePlace.FindAllStringSubmatch(err.Error(), -1) {
		file := r.source(m[1])
		if _, ok := r.folder.data[file]; !ok {
			continue
		}
		p.File = file
		p.Line, _ = strconv.Atoi(m[2])
		p.Column, _ = strconv.Atoi(m[3])
		if p.Column > 0 {
			p.Column++ // text/template counts from 0
		}
	}
	p.What = errorPlace.ReplaceAllString(p.What, "")
	return p
}

// source is the repository's file of a template that Helm names
// "chart/templates/…" or "chart/charts/sub/templates/…".
func (r *release) source(name string) string {
	_, rel, _ := strings.Cut(name, "/")
	file := path.Join(r.dir, rel)
	if r.folder.plain == nil {
		return file
	}
	for dir := path.Dir(file); dir != "."; dir = path.Dir(dir) { // the innermost first
		if real, ok := r.folder.plain.Alias[dir]; ok {
			return path.Join(real, strings.TrimPrefix(file, dir))
		}
	}
	return file
}

// objects reads what one template gave.
func (r *release) objects(name, text string) ([]raw, finding.Problems) {
	file := r.source(name)
	template := place.Template(r.folder.data[file])
	var out []raw
	var problems finding.Problems
	for n, piece := range place.Split([]byte(text)) {
		data, err := yaml.YAMLToJSONStrict(piece.Text)
		if err != nil {
			p := place.Problem(file, err)
			p.What = fmt.Sprintf("gives no valid YAML in its document %d: %s", n+1, strings.TrimPrefix(p.What, "is not valid YAML: "))
			p.Line, p.Mend = template.Nth(n), "mend the template or the values it reads"
			problems = append(problems, p)
			continue
		}
		if string(data) == "null" {
			continue
		}
		object, err := fromJSON(data)
		if err != nil {
			problems = append(problems, &finding.Problem{Position: finding.Position{File: file, Line: template.Nth(n)},
				What: fmt.Sprintf("gives no object in its document %d", n+1), Mend: "write apiVersion, kind and metadata"})
			continue
		}
		one := raw{object: object, source: finding.Position{File: file}, trace: &trace{template: file}}
		one.source.Line = template.Find(object.GetKind(), object.GetName())
		if events, ok := object.GetAnnotations()[hookAnnotation]; ok {
			if one.hooks = hookEvents(events); len(one.hooks) == 0 {
				continue // a test
			}
		}
		out = append(out, one)
	}
	return out, problems
}

// exact finds the documents of definitions: they are plain YAML, not templates.
func (r *release) exact(definitions []raw) {
	docs := map[string][]place.Doc{}
	for i := range definitions {
		o := &definitions[i]
		name := o.source.File
		if _, seen := docs[name]; !seen {
			docs[name], _ = place.Scan(name, r.folder.data[name])
		}
		if d := matchDoc(docs[name], o.object); d != nil {
			o.source.Line, o.exact = d.Line, true
		}
	}
}

// hookEvents reads a hook's events; a hook that only tests has none.
func hookEvents(annotation string) []string {
	var events []string
	for event := range strings.SplitSeq(annotation, ",") {
		event = strings.ToLower(strings.TrimSpace(event))
		if event != "" && event != "test" && event != "test-success" && event != "test-failure" {
			events = append(events, event)
		}
	}
	return events
}

// MergeValues lays values over others; maps are merged, all else replaced. A
// null stays: it removes the chart's own value.
func MergeValues(base, over map[string]any) map[string]any {
	out := make(map[string]any, len(base)+len(over))
	for k, v := range base {
		out[k] = v
	}
	for k, v := range over {
		below, ok := out[k].(map[string]any)
		above, both := v.(map[string]any)
		if ok && both {
			v = MergeValues(below, above)
		}
		out[k] = v
	}
	return out
}
