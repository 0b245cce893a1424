package main

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/policy"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/schema"
	"dualtrack.internal/policies"
)

// loop builds the peers and writes what they read: the rules with the adapter,
// schemas, and for each cluster its facts and one overlay a component, which makes of
// the component's own folder or chart the very objects of the cluster's bundle.
func (b *bench) loop(ctx context.Context) (*loop, error) {
	l := &loop{bench: b, dir: filepath.Join(b.work, "peers"), bin: filepath.Join(b.work, "bin")}
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		return nil, err
	}
	programs := []string{"sigs.k8s.io/kustomize/kustomize/v5", "helm.sh/helm/v3/cmd/helm", "github.com/yannh/kubeconform/cmd/kubeconform", "github.com/open-policy-agent/conftest"}
	if _, err := b.command(ctx, b.root, append([]string{"go", "build", "-C", "tools/peers", "-o", l.bin + string(filepath.Separator)}, programs...)...); err != nil {
		return nil, err
	}
	if err := os.RemoveAll(l.dir); err != nil { // of the figure before
		return nil, err
	}
	if err := os.CopyFS(filepath.Join(l.dir, "components"), os.DirFS(filepath.Join(b.root, "components"))); err != nil {
		return nil, err
	}
	rules, err := policy.Carried(policies.FS)
	if err != nil {
		return nil, err
	}
	for name, text := range rules {
		if !strings.HasSuffix(name, "_test.rego") {
			if err := l.write(filepath.Join("rules", name), []byte(text)); err != nil {
				return nil, err
			}
		}
	}
	if err := l.write(filepath.Join("rules", "adapter.rego"), []byte(adapter)); err != nil {
		return nil, err
	}
	inputs, err := b.inputs(ctx)
	if err != nil {
		return nil, err
	}
	l.version = inputs[0].KubeVersion
	if err := l.schemas(b.root); err != nil {
		return nil, err
	}
	for _, in := range inputs {
		if err := l.cluster(ctx, in); err != nil {
			return nil, fmt.Errorf("%s: %w", in.Cluster.Name, err)
		}
	}
	return l, nil
}

// inputs is what each cluster of the repository is judged on, as the gate does.
func (b *bench) inputs(ctx context.Context) ([]policy.Input, error) {
	cat, err := catalog.Load(b.root)
	if err != nil {
		return nil, err
	}
	rendered, err := render.All(ctx, cat, render.Options{})
	if err != nil {
		return nil, err
	}
	validator, err := schema.Open(cat.Baseline.Spec.Kubernetes)
	if err != nil {
		return nil, err
	}
	var apis []policy.API
	for _, r := range validator.Retired() {
		apis = append(apis, policy.API(r))
	}
	production, err := cat.Production()
	if err != nil {
		return nil, err
	}
	var out []policy.Input
	for _, bundle := range rendered.Bundles {
		c := cat.Cluster(bundle.Cluster)
		out = append(out, policy.Input{Cluster: c, Fleet: cat.Fleet, Baseline: cat.Baseline, Objects: bundle.Objects, APIs: apis,
			KubeVersion: cat.Baseline.Spec.Kubernetes, RealNodes: c.Spec.Provider != catalog.ProviderEmbedded, Production: slices.Contains(production, c.Name)})
	}
	return out, nil
}

func (l *loop) write(name string, data []byte) error {
	path := filepath.Join(l.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

func (l *loop) writeJSON(name string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return l.write(name, data)
}

// cluster writes a cluster's facts, settings and overlays.
func (l *loop) cluster(ctx context.Context, in policy.Input) error {
	facts, err := policy.Facts(in)
	if err != nil {
		return err
	}
	at := filepath.Join("clusters", in.Cluster.Name)
	if err := l.writeJSON(filepath.Join(at, "data", "data.json"), facts); err != nil {
		return err
	}
	if err := l.writeJSON(filepath.Join(at, "settings.json"), policy.Settings(in.Cluster)); err != nil {
		return err
	}
	cat, err := catalog.Load(l.bench.root)
	if err != nil {
		return err
	}
	for _, entry := range in.Cluster.Spec.Components {
		var want []map[string]any
		for _, o := range in.Objects {
			if o.Component == entry.Name {
				want = append(want, o.Object)
			}
		}
		l.objects += len(want)
		if err := l.overlay(ctx, in.Cluster, cat.Components[entry.Name], entry, want); err != nil {
			return fmt.Errorf("%s: %w", entry.Name, err)
		}
	}
	return nil
}

// overlay writes the kustomization of a component on a cluster: its folder for the
// cluster's role or its chart, the label that every object has, and patches for what
// the cluster, its profile and the baseline's images change.
func (l *loop) overlay(ctx context.Context, c *catalog.Cluster, component *catalog.Component, entry catalog.ClusterComponent, want []map[string]any) error {
	p := pair{cluster: c.Name, component: component.Name, namespace: component.Spec.Namespace}
	at := filepath.Join("clusters", p.cluster, p.component)
	base := "chart.yaml"
	switch source := component.Spec.Source; {
	case source.Kustomize != nil:
		sub := source.Kustomize.Path
		if overlay := source.Kustomize.Overlays[string(c.Spec.Role)]; overlay != "" {
			sub = overlay
		}
		base = filepath.ToSlash(filepath.Join("..", "..", "..", "components", component.Name, sub))
	case source.Helm != nil:
		p.chart = filepath.Join(l.dir, "components", component.Name, source.Helm.Path)
		values := merged(merged(source.Helm.Values.Map, component.Spec.Profiles[c.Spec.Profile].Values.Map), entry.Values.Map)
		p.values = filepath.Join(l.dir, at, "values.json")
		if err := l.writeJSON(filepath.Join(at, "values.json"), values); err != nil {
			return err
		}
	}
	file := map[string]any{
		"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": []string{base},
		"labels": []any{map[string]any{"pairs": map[string]any{render.ComponentLabel: component.Name}}},
	}
	if err := l.writeJSON(filepath.Join(at, "kustomization.yaml"), file); err != nil {
		return err
	}
	if err := l.build(ctx, p); err != nil {
		return err
	}
	raw, err := documents(filepath.Join(l.dir, at, "out.yaml"))
	if err != nil {
		return err
	}
	if file["patches"], err = patches(raw, want); err != nil {
		return err
	}
	l.pairs = append(l.pairs, p)
	return l.writeJSON(filepath.Join(at, "kustomization.yaml"), file)
}

func merged(base, over map[string]any) map[string]any {
	out := maps.Clone(base)
	if out == nil {
		out = map[string]any{}
	}
	for key, value := range over {
		a, _ := out[key].(map[string]any)
		if b, ok := value.(map[string]any); ok && a != nil {
			value = merged(a, b)
		}
		out[key] = value
	}
	return out
}

func documents(file string) ([]map[string]any, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var out []map[string]any
	for doc := range strings.SplitSeq(string(data), "\n---\n") {
		var o map[string]any
		if err := yaml.Unmarshal([]byte(doc), &o); err != nil {
			return nil, err
		}
		if len(o) > 0 {
			out = append(out, o)
		}
	}
	return out, nil
}

// patches make of the objects that are built those that are wanted.
func patches(built, want []map[string]any) ([]any, error) {
	if len(built) != len(want) {
		return nil, fmt.Errorf("%d objects are built, the bundle has %d", len(built), len(want))
	}
	out := []any{}
	for _, o := range built {
		i := slices.IndexFunc(want, func(w map[string]any) bool { return named(w, o) })
		if i < 0 {
			return nil, fmt.Errorf("the bundle lacks %v %v", o["kind"], o["metadata"])
		}
		plain, err := plainJSON(want[i])
		if err != nil {
			return nil, err
		}
		ops := difference(nil, "", o, plain)
		if len(ops) == 0 {
			continue
		}
		text, err := json.Marshal(ops)
		if err != nil {
			return nil, err
		}
		meta, _ := o["metadata"].(map[string]any)
		version, _ := o["apiVersion"].(string)
		group, _, ok := strings.Cut(version, "/")
		target := map[string]any{"kind": o["kind"], "name": regexp.QuoteMeta(fmt.Sprint(meta["name"]))}
		if ok {
			target["group"] = group
		}
		if namespace, ok := meta["namespace"].(string); ok {
			target["namespace"] = namespace
		}
		out = append(out, map[string]any{"target": target, "patch": string(text)})
	}
	return out, nil
}

// named says that two are the same object, of which one may lack its namespace.
func named(want, built map[string]any) bool {
	a, _ := want["metadata"].(map[string]any)
	b, _ := built["metadata"].(map[string]any)
	return want["apiVersion"] == built["apiVersion"] && want["kind"] == built["kind"] && a["name"] == b["name"] &&
		(b["namespace"] == nil || a["namespace"] == b["namespace"])
}

func plainJSON(o map[string]any) (map[string]any, error) {
	data, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	var out map[string]any
	return out, json.Unmarshal(data, &out)
}

// difference gives the operations of RFC 6902 that make b of a.
func difference(ops []any, at string, a, b map[string]any) []any {
	for _, key := range slices.Sorted(maps.Keys(a)) {
		if _, there := b[key]; !there {
			ops = append(ops, map[string]any{"op": "remove", "path": at + "/" + token(key)})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(b)) {
		old, there := a[key]
		inner, both := old.(map[string]any)
		wanted, also := b[key].(map[string]any)
		switch path := at + "/" + token(key); {
		case !there:
			ops = append(ops, map[string]any{"op": "add", "path": path, "value": b[key]})
		case both && also:
			ops = difference(ops, path, inner, wanted)
		case !reflect.DeepEqual(old, b[key]):
			ops = append(ops, map[string]any{"op": "replace", "path": path, "value": b[key]})
		}
	}
	return ops
}

func token(key string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(key) }

// schemas writes the schemas that check judges by as kubeconform reads them: a file a
// kind, which holds what it refers to.
func (l *loop) schemas(root string) error {
	minor := strings.Join(strings.Split(strings.TrimPrefix(l.version, "v"), ".")[:2], ".")
	f, err := os.Open(filepath.Join(root, "platform", "schema", "openapi", "v"+minor+".json.gz"))
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	var doc struct {
		Kinds   []struct{ Group, Version, Kind, Schema string }
		Schemas map[string]any
	}
	if err := json.NewDecoder(r).Decode(&doc); err != nil {
		return err
	}
	for _, k := range doc.Kinds {
		needed := map[string]any{}
		top := closed(map[string]any{"$ref": k.Schema}, doc.Schemas, needed)
		top["definitions"] = needed
		group := k.Group
		if group == "" {
			group = k.Version
		}
		if err := l.writeJSON(filepath.Join("schemas", group, strings.ToLower(k.Kind)+"_"+k.Version+".json"), top); err != nil {
			return err
		}
	}
	return nil
}

// closed rewrites references and gathers what they name. Fields that a schema does
// not know are refused.
func closed(node, all, needed map[string]any) map[string]any {
	out := map[string]any{}
	_, fields := node["properties"].(map[string]any)
	if node["type"] == "object" && fields && node["additionalProperties"] == nil && node["x-kubernetes-preserve-unknown-fields"] == nil {
		out["additionalProperties"] = false
	}
	for key, value := range node {
		switch v := value.(type) {
		case string:
			if key == "$ref" {
				if _, seen := needed[v]; !seen {
					needed[v] = true // ends a circle
					needed[v] = closed(all[v].(map[string]any), all, needed)
				}
				v = "#/definitions/" + v
			}
			if key != "format" {
				out[key] = v
			}
		case map[string]any:
			out[key] = closed(v, all, needed)
		default:
			if !strings.HasPrefix(key, "x-") {
				out[key] = v
			}
		}
	}
	return out
}
