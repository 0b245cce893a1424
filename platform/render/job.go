package render

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"slices"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// job is one rendering of one component, for all clusters whose inputs are the
// same.
type job struct {
	origin
	stage   int
	patches []catalog.Patch
	images  map[string]string
	err     error // found while planning: nothing to run

	made      *made  // by the origin, for all jobs that differ only in what comes after it
	lead      *job   // whose patches say the same in other places; nil for a lead itself
	ownKey    string // among this plan's jobs
	bareKey   string // the same without the places of patches
	sharedKey string // among other trees' jobs
	found     bool   // the result was made before
	result    rendering
}

// origin is what kustomize or a chart's rendering depends on, before
// Dualtrack's own steps.
type origin struct {
	component *catalog.Component
	folder    *folder
	dir       string           // of the kustomization or chart, relative to the repository
	values    map[string]any   // charts
	valuesAt  finding.Position // charts
	apis      []string         // charts that ask for API versions: those of the cluster's definitions
}

// made is what an origin gives. Its objects are shared: a job copies them.
type made struct {
	origin
	objects  []raw
	findings []finding.Finding
	err      error
}

// rendering is what a job gave. Jobs share it that differ only in the places of
// their patches.
type rendering struct {
	objects  []Object // in apply order
	hooks    []Object
	findings []finding.Finding
	traces   []*trace   // of objects and hooks, in their order
	data     []byte     // the objects' documents
	sum      string     // of data
	order    []standing // of objects and hooks
	err      error
}

// ofRole leaves out the patches that are for clusters of another role.
func ofRole(patches []catalog.Patch, role catalog.Role) []catalog.Patch {
	return slices.DeleteFunc(patches, func(p catalog.Patch) bool { return p.Role != "" && p.Role != role })
}

// newJob gathers what rendering a component for a cluster depends on.
func (p *plan) newJob(cl *catalog.Cluster, entry catalog.ClusterComponent) *job {
	c := p.catalog.Components[entry.Name]
	if c == nil {
		return &job{origin: origin{component: &catalog.Component{Name: entry.Name, File: cl.File}}, err: &finding.Problem{
			Position: entry.Position, What: "no component is called " + entry.Name, Mend: "add it or mend the name"}}
	}
	input := p.inputs[entry.Name]
	profile := c.Spec.Profiles[cl.Spec.Profile]
	j := &job{origin: origin{component: c, folder: input.folder}, stage: p.stages[entry.Name], images: input.images, err: input.err,
		patches: ofRole(slices.Concat(profile.Patches, entry.Patches), cl.Spec.Role)}
	if j.err != nil {
		return j
	}
	sub := ""
	src := c.Spec.Source
	switch chart, kustomization := src.Chart(), src.Kustomization(); {
	case kustomization != nil:
		sub = kustomization.Path
		if overlay := kustomization.Overlays[string(cl.Spec.Role)]; overlay != "" {
			sub = overlay
		}
		if entry.Path != "" {
			sub = entry.Path
		}
		if len(entry.Values.Map) > 0 {
			j.err = &finding.Problem{Position: entry.Values.Position, Field: "values",
				What: c.Name + " is a kustomization and takes no values", Mend: "use patches"}
		}
	case chart != nil:
		sub = chart.Path
		j.values = MergeValues(MergeValues(chart.Values.Map, profile.Values.Map), entry.Values.Map)
		j.valuesAt = firstPlace(entry.Values.Position, profile.Values.Position, chart.Values.Position, c.At(src.ChartField()))
		if input.asksAPIs {
			j.apis = p.apisOf(cl)
		}
	case c.Plain == nil:
		j.err = &finding.Problem{Position: c.At("spec.source"), Field: "spec.source", What: "names no source",
			Mend: "write kustomize or helm"}
	}
	var inside bool
	if j.dir, inside = j.folder.inside(j.folder.dir, path.Clean(sub)); !inside {
		j.err = &finding.Problem{Position: c.At("spec.source"), Field: "path", What: "leaves the component's folder: " + sub,
			Mend: "name a folder below " + c.Dir}
	}
	return j
}

func firstPlace(places ...finding.Position) finding.Position {
	for _, p := range places {
		if p.File != "" {
			return p
		}
	}
	return finding.Position{}
}

// apisOf lists what the definitions of a cluster's components serve.
func (p *plan) apisOf(cl *catalog.Cluster) []string {
	var defs []definition
	for _, entry := range cl.Spec.Components {
		if input := p.inputs[entry.Name]; input != nil {
			defs = append(defs, input.definitions...)
		}
	}
	return apiVersions(defs)
}

// key is equal for two origins that give the same objects, to the byte.
func (o *origin) key(kubernetes string) string {
	digest := ""
	if o.folder != nil {
		digest = o.folder.digest
	}
	if o.component.Plain != nil { // equal files of two places are two components
		digest += "\x00" + o.folder.key
	}
	return sumJSON(o.component.Name, digest, o.dir, kubernetes, o.values, o.apis)
}

// name gives a job its keys. The own one is equal for two jobs whose renderings are
// equal to the byte; positions of patches count: Locate tells them apart.
func (j *job) name(kubernetes string) {
	problem := ""
	if j.err != nil {
		problem = j.err.Error()
	}
	origin := j.origin.key(kubernetes)
	j.ownKey = sumJSON(origin, j.patches, j.images, problem)
	j.bareKey = j.ownKey
	if len(j.patches) > 0 {
		j.bareKey = sumJSON(origin, unplaced(j.patches), j.images, problem)
	}
}

// unplaced are patches without the places where they stand.
func unplaced(patches []catalog.Patch) []any {
	out := make([]any, len(patches))
	for i, p := range patches {
		var operations []any
		for _, op := range p.JSON6902 {
			operations = append(operations, op.Map)
		}
		out[i] = []any{p.Target, p.Merge.Map, operations}
	}
	return out
}

// rendering is what a job gave, or the one that it follows.
func (j *job) rendering() *rendering {
	if j.lead != nil && j.lead.result.err == nil {
		return &j.lead.result
	}
	return &j.result
}

// ready notes what is asked of the objects in each bundle.
func (r *rendering) ready() {
	for i, o := range append(r.objects[:len(r.objects):len(r.objects)], r.hooks...) {
		r.traces[i].of = o.Unstructured
		r.order = append(r.order, standingOf(o))
	}
}

// under is a trace with the patches of a job, which may stand in other places than
// those that it was made with.
func (t *trace) under(patches []catalog.Patch) *trace {
	if len(t.patches) == 0 {
		return t
	}
	own := *t
	own.patches = make([]appliedPatch, len(t.patches))
	for i, p := range t.patches {
		own.patches[i] = appliedPatch{Patch: patches[p.index], index: p.index}
	}
	return &own
}

func sumJSON(parts ...any) string {
	data, err := json.Marshal(parts)
	if err != nil { // a value that JSON has no form for: shared with nothing
		data = fmt.Appendf(nil, "%p", &parts[0])
	}
	return sumOf(data)
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// run renders. What fails stays in made; the error is the context's.
func (m *made) run(ctx context.Context, kubernetes string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.objects, m.findings, m.err = m.source(kubernetes)
	return ctx.Err()
}

func (m *made) source(kubernetes string) ([]raw, []finding.Finding, error) {
	helm := m.component.Spec.Source.Chart()
	switch plain := m.component.Plain; {
	case plain != nil && plain.Manifests != nil:
		objects, err := readManifests(m.folder, plain.Manifests)
		return objects, nil, err
	case helm == nil:
		objects, err := runKustomize(m.folder, m.dir)
		return objects, nil, err
	}
	caps, err := capabilities(kubernetes, m.apis)
	if err != nil {
		return nil, nil, err
	}
	r := release{folder: m.folder, dir: m.dir, name: helm.ReleaseName, namespace: cmp.Or(m.component.Spec.Namespace, "default"),
		values: m.values, valuesAt: m.valuesAt, caps: caps,
		remote: m.component.Spec.Source.Remote(), packed: m.folder.packed}
	if r.name == "" {
		r.name = m.component.Name
	}
	return r.runForDays()
}

// run takes the origin's objects through Dualtrack's own steps. What fails
// stays in the result; the error is the context's.
func (j *job) run(ctx context.Context, known scopes) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if j.result.err = j.err; j.err != nil {
		return nil
	}
	j.result.findings = j.made.findings
	if j.result.err = j.made.err; j.made.err != nil {
		return nil
	}
	objects := make([]raw, len(j.made.objects))
	for i, r := range j.made.objects {
		objects[i] = r.clone()
	}
	objects, err := finish(j, objects, known)
	if err == nil {
		err = j.collect(objects)
	}
	j.result.err = err
	return ctx.Err()
}

// collect sorts objects and hooks and writes the documents.
func (j *job) collect(objects []raw) error {
	type pair struct {
		Object
		trace *trace
	}
	pairs := make([]pair, len(objects))
	for i, r := range objects {
		pairs[i] = pair{Object{Unstructured: r.object, Component: j.component.Name, Stage: j.stage,
			Source: r.source, Exact: r.exact, Hooks: r.hooks}, r.trace}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return compareObjects(a.Object, b.Object) })
	var hooks []*trace
	for _, o := range pairs {
		if len(o.Hooks) > 0 {
			j.result.hooks, hooks = append(j.result.hooks, o.Object), append(hooks, o.trace)
			continue
		}
		doc, err := document(o.Object)
		if err != nil {
			return err
		}
		j.result.data = append(j.result.data, doc...)
		j.result.objects = append(j.result.objects, o.Object)
		j.result.traces = append(j.result.traces, o.trace)
	}
	j.result.traces = append(j.result.traces, hooks...)
	j.result.sum = sumOf(j.result.data)
	j.result.ready()
	return nil
}

// asksAPIs says whether a chart's files ask which APIs the cluster serves.
func (f *folder) asksAPIs() bool {
	for _, data := range f.data {
		if bytes.Contains(data, []byte("APIVersions")) {
			return true
		}
	}
	return false
}
