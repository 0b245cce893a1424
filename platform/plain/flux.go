package plain

import (
	"path"
	"slices"
	"strings"

	k8syaml "sigs.k8s.io/yaml"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// bootstrap is the name that Flux gives the source that a cluster is made from.
const bootstrap = "flux-system"

// source says whether a Flux object's source is this repository; why says what it
// is otherwise.
func (b *builder) source(o object, fields ...string) (why string) {
	ref := func(field string) string { return o.text(append(slices.Clone(fields), field)...) }
	kind, name, namespace := ref("kind"), ref("name"), ref("namespace")
	if namespace == "" {
		namespace = o.GetNamespace()
	}
	found, there := b.find(kind, namespace, name)
	switch {
	case kind != "GitRepository" && name != bootstrap:
		if url := found.address(there); url != "" {
			return kind + " " + name + ", " + url
		}
		return kind + " " + name
	case name == bootstrap, !there, b.ours(found.address(there)):
		return ""
	}
	return kind + " " + name + ", " + found.address(there)
}

func (o object) address(there bool) string {
	if !there {
		return ""
	}
	return o.text("spec", "url")
}

// fluxKustomization follows spec.path of a Flux Kustomization.
func (b *builder) fluxKustomization(o object) ([]part, []finding.Finding) {
	at := o.place("/spec/path")
	switch why := b.source(o, "spec", "sourceRef"); {
	case o.flag("spec", "suspend"):
		return nil, []finding.Finding{note(o.at, finding.Info, "", o.id()+" is suspended: nothing of it is delivered", "")}
	case why != "":
		return nil, []finding.Finding{skipped(o.place("/spec/sourceRef"), o.id()+" takes from "+why)}
	case o.mapping("spec", "kubeConfig") != nil:
		return nil, []finding.Finding{skipped(o.place("/spec/kubeConfig"), o.id()+" delivers to another cluster")}
	}
	named := o.text("spec", "path")
	dir, there := b.folderAt(named)
	if !there {
		return nil, []finding.Finding{note(at, finding.Error, "", o.id()+": spec.path "+named+" does not exist", "mend the path")}
	}
	if slices.Contains(b.roots, dir) { // the cluster's own folder, as bootstrap leaves it
		return nil, nil
	}
	p := part{name: o.GetName(), dir: dir, kind: kustomization, declared: o.Object, at: at, key: fluxKey("Kustomization", o.GetNamespace(), o.GetName()), adds: additions{
		namespace: o.text("spec", "targetNamespace"), prefix: o.text("spec", "namePrefix"), suffix: o.text("spec", "nameSuffix"),
		patches: patches(o.list("spec", "patches")), components: o.texts("spec", "components"), images: images(o.list("spec", "images")),
	}}
	p.needs = b.dependsOn(o, "Kustomization")
	p.delivery = catalog.Delivery{Labels: o.pairs("spec", "commonMetadata", "labels"), Annotations: o.pairs("spec", "commonMetadata", "annotations")}
	b.variables(o, &p)
	if o.mapping("spec", "decryption") != nil {
		p.notes = append(p.notes, note(o.place("/spec/decryption"), finding.Warning, finding.Unknown, o.id()+" decrypts Secrets: their values are not known here", ""))
	}
	return []part{p}, nil
}

// patches takes a Flux object's patches as a kustomization has them.
func patches(list []any) []any {
	var out []any
	for _, entry := range list {
		if p, ok := entry.(map[string]any); ok {
			out = append(out, p)
		}
	}
	return out
}

func images(list []any) []image {
	var out []image
	for _, entry := range list {
		p, _ := entry.(map[string]any)
		text := func(field string) string { s, _ := p[field].(string); return s }
		out = append(out, image{text("name"), text("newName"), text("newTag"), text("digest")})
	}
	return out
}

func fluxKey(kind, namespace, name string) string {
	return kind + " " + strings.TrimPrefix(namespace+"/"+name, "/")
}

func (b *builder) dependsOn(o object, kind string) []string {
	var out []string
	for _, entry := range o.list("spec", "dependsOn") {
		ref, _ := entry.(map[string]any)
		name, _ := ref["name"].(string)
		namespace, _ := ref["namespace"].(string)
		if namespace == "" {
			namespace = o.GetNamespace()
		}
		out = append(out, fluxKey(kind, namespace, name))
	}
	return out
}

// variables gathers spec.postBuild. Values of Secrets are not read: what is made
// of them would be shown.
func (b *builder) variables(o object, p *part) {
	from, own := o.list("spec", "postBuild", "substituteFrom"), o.pairs("spec", "postBuild", "substitute")
	if len(from) == 0 && own == nil {
		return
	}
	vars := map[string]string{}
	for _, entry := range from {
		ref, _ := entry.(map[string]any)
		kind, _ := ref["kind"].(string)
		name, _ := ref["name"].(string)
		optional, _ := ref["optional"].(bool)
		source, there := b.find(kind, o.GetNamespace(), name)
		switch {
		case kind == "ConfigMap" && there:
			for k, v := range source.pairs("data") {
				vars[k] = strings.ReplaceAll(v, "\n", "")
			}
		case optional && !there:
		default:
			p.delivery.Open = true
			p.notes = append(p.notes, skipped(o.place("/spec/postBuild/substituteFrom"), o.id()+" takes variables from "+kind+" "+name+": they stay as they are written"))
		}
	}
	for k, v := range own {
		vars[k] = strings.ReplaceAll(v, "\n", "")
	}
	p.delivery.Substitute = vars
}

// fluxRelease follows the chart of a HelmRelease that stands in the repository.
func (b *builder) fluxRelease(o object) ([]part, []finding.Finding) {
	at := o.place("/spec/chart/spec/chart")
	named := o.text("spec", "chart", "spec", "chart")
	switch why := b.source(o, "spec", "chart", "spec", "sourceRef"); {
	case o.mapping("spec", "chartRef") != nil:
		return nil, []finding.Finding{skipped(o.place("/spec/chartRef"), o.id()+" takes its chart from "+o.text("spec", "chartRef", "kind")+" "+o.text("spec", "chartRef", "name"))}
	case o.flag("spec", "suspend"):
		return nil, []finding.Finding{note(o.at, finding.Info, "", o.id()+" is suspended: nothing of it is delivered", "")}
	case why != "":
		return nil, []finding.Finding{skipped(at, o.id()+" takes chart "+named+" from "+why)}
	case o.mapping("spec", "kubeConfig") != nil:
		return nil, []finding.Finding{skipped(o.place("/spec/kubeConfig"), o.id()+" delivers to another cluster")}
	}
	dir, there := b.folderAt(named)
	if !there || !isChart(b.tree, dir) {
		return nil, []finding.Finding{note(at, finding.Error, "", o.id()+": "+named+" is no chart of this repository", "mend the path")}
	}
	p := part{name: o.GetName(), dir: dir, kind: helmChart, declared: o.Object, at: at, key: fluxKey("HelmRelease", o.GetNamespace(), o.GetName()),
		release: o.text("spec", "releaseName"), space: o.text("spec", "targetNamespace")}
	if p.release == "" {
		p.release = strings.TrimPrefix(p.space+"-"+o.GetName(), "-")
	}
	if p.space == "" {
		p.space = o.GetNamespace()
	}
	p.needs = b.dependsOn(o, "HelmRelease")
	p.delivery = catalog.Delivery{Labels: o.pairs("spec", "commonMetadata", "labels"), Annotations: o.pairs("spec", "commonMetadata", "annotations")}
	notes := b.chartDefaults(o, &p)
	notes = append(notes, b.releaseValues(o, &p)...)
	if len(o.list("spec", "postRenderers")) > 0 {
		notes = append(notes, skipped(o.place("/spec/postRenderers"), o.id()+": postRenderers are not run"))
	}
	return []part{p}, notes
}

// chartDefaults takes the values files that a HelmRelease names in the place of
// the chart's own.
func (b *builder) chartDefaults(o object, p *part) []finding.Finding {
	var merged map[string]any
	for _, file := range o.texts("spec", "chart", "spec", "valuesFiles") {
		name, inside := within(".", file)
		values, err := b.readValues(name)
		if !inside || err != nil {
			return []finding.Finding{note(o.place("/spec/chart/spec/valuesFiles"), finding.Error, "", o.id()+": values file "+file+" can't be read", "mend the path")}
		}
		merged = render.MergeValues(merged, values.Map)
	}
	if merged == nil {
		return nil
	}
	data, err := k8syaml.Marshal(merged)
	if err == nil {
		p.edits = map[string][]byte{path.Join(p.dir, "values.yaml"): data}
	}
	return nil
}

// releaseValues merges valuesFrom and values.
func (b *builder) releaseValues(o object, p *part) []finding.Finding {
	var notes []finding.Finding
	var merged map[string]any
	for _, entry := range o.list("spec", "valuesFrom") {
		ref, _ := entry.(map[string]any)
		kind, _ := ref["kind"].(string)
		name, _ := ref["name"].(string)
		key, _ := ref["valuesKey"].(string)
		target, _ := ref["targetPath"].(string)
		optional, _ := ref["optional"].(bool)
		if key == "" {
			key = "values.yaml"
		}
		source, there := b.find(kind, o.GetNamespace(), name)
		text, has := source.dataOf(there)[key]
		var values map[string]any
		switch {
		case kind == "ConfigMap" && has && target == "" && k8syaml.Unmarshal([]byte(text), &values) == nil:
			merged = render.MergeValues(merged, values)
		case optional && !there:
		default:
			notes = append(notes, skipped(o.place("/spec/valuesFrom"), o.id()+" takes values from "+kind+" "+name))
		}
	}
	p.values = catalog.Values{Map: render.MergeValues(merged, o.mapping("spec", "values")), Position: o.place("/spec/values")}
	return notes
}

func (o object) dataOf(there bool) map[string]string {
	if !there {
		return nil
	}
	return o.pairs("data")
}
