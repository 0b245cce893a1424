package change

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// catalogGroup is the API group of the catalog's own kinds.
const catalogGroup = "platform.dualtrack.internal"

// settingsOf is what of a cluster's declaration decides how it runs, as plain values.
func settingsOf(c *catalog.Cluster) map[string]any {
	s := c.Spec
	return map[string]any{"spec": map[string]any{
		"provider": s.Provider, "engine": s.Engine,
		"kubernetes": plainValue(reflect.ValueOf(s.Kubernetes)), "etcd": plainValue(reflect.ValueOf(s.Etcd)),
		"nodes": plainValue(reflect.ValueOf(s.Nodes)), "kind": plainValue(reflect.ValueOf(s.Kind)),
	}}
}

// plainValue is a part of the catalog as its file says it; what is not set is left
// out.
func plainValue(v reflect.Value) any {
	if d, ok := v.Interface().(catalog.Duration); ok {
		return d.D().String()
	}
	switch v.Kind() {
	case reflect.Struct:
		out := map[string]any{}
		for i := range v.NumField() {
			name := v.Type().Field(i).Tag.Get("yaml")
			if name == "" || name == "-" || v.Field(i).IsZero() {
				continue
			}
			out[name] = plainValue(v.Field(i))
		}
		return out
	case reflect.Slice:
		out := []any{}
		for i := range v.Len() {
			out = append(out, plainValue(v.Index(i)))
		}
		return out
	case reflect.Map:
		out := map[string]any{}
		for it := v.MapRange(); it.Next(); {
			out[it.Key().String()] = plainValue(it.Value())
		}
		return out
	case reflect.Pointer:
		return plainValue(v.Elem())
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return v.Bool()
	case reflect.Int:
		return int(v.Int())
	}
	return fmt.Sprint(v.Interface())
}

// part is a program whose settings stand below a path.
type part struct {
	path, name, why string
	level           finding.Severity
}

// parts are what starts anew for a setting, the first that fits counts.
func parts() []part {
	const gone = "it can't be changed on a cluster that runs: make a new one and move what runs there"
	return []part{
		{"spec.kubernetes.extraArgs.controllerManager.cluster-cidr", "cni", "the range of pods: " + gone, finding.Error},
		{"spec.kubernetes.extraArgs.controllerManager.service-cluster-ip-range", "apiserver", "the range of Services: " + gone, finding.Error},
		{"spec.kubernetes.extraArgs.controllerManager", "controller-manager", "the controller manager starts anew", finding.Info},
		{"spec.kubernetes.extraArgs.scheduler", "scheduler", "the scheduler starts anew", finding.Info},
		{"spec.kubernetes.kubelet.cpuManagerPolicy", "kubelet", "kubelets start anew, each on a node that was drained, and with its record of CPUs removed", finding.Warning},
		{"spec.kubernetes.kubelet.memoryManagerPolicy", "kubelet", "kubelets start anew, each on a node that was drained, and with its record of memory removed", finding.Warning},
		{"spec.kubernetes.kubelet", "kubelet", "kubelets of real nodes start anew", finding.Warning},
		{"spec.kubernetes", "apiserver", "", finding.Warning},
		{"spec.etcd.members", "etcd", "members of etcd come or go one at a time: each needs a quorum of the others", finding.Warning},
		{"spec.etcd.line", "etcd", "", finding.Warning},
		{"spec.etcd", "etcd", "", finding.Warning},
		{"spec.provider", "provider", "another provider brings the cluster up: it is a new cluster, and what the old one holds stays behind", finding.Error},
	}
}

// settingsObject is what differs in a cluster's declaration, nil if nothing does.
func settingsObject(before, after *catalog.Cluster) *Object {
	was, now := settingsOf(before), settingsOf(after)
	fields := leafFields(Fields(was, now))
	if len(fields) == 0 {
		return nil
	}
	o := clusterEntry(after)
	o.Action, o.Fields = Changed, fields
	o.Position = o.place(fields[0].Pointer)
	by := map[string]int{}
	for _, f := range fields {
		p := partOf(f, after)
		if p == nil {
			continue
		}
		key := p.name + p.why
		if i, said := by[key]; said {
			o.Consequences[i].Why += ", " + strings.TrimPrefix(f.Path, "spec.")
			continue
		}
		by[key] = len(o.Consequences)
		o.Consequences = append(o.Consequences, Consequence{Effect: ControlPlane, Level: p.level, Pointer: f.Pointer,
			Why: fmt.Sprintf("%s, for %s", p.why, strings.TrimPrefix(f.Path, "spec.")), Facts: map[string]any{"part": p.name}})
	}
	return o
}

// leafFields gives the settings of a mapping that comes or goes as a whole one by one.
func leafFields(fields []Field) []Field {
	var out []Field
	for _, f := range fields {
		before, was := f.Before.(map[string]any)
		after, is := f.After.(map[string]any)
		if was && f.After == nil || is && f.Before == nil {
			for _, key := range keysOf(before, after) {
				out = append(out, leafFields([]Field{{Path: joined(f.Path, key), Pointer: f.Pointer + pointer(key), Before: before[key], After: after[key]}})...)
			}
			continue
		}
		out = append(out, f)
	}
	return out
}

// partOf is what starts anew for one setting, in words that fit the cluster.
func partOf(f Field, c *catalog.Cluster) *part {
	list := parts()
	i := slices.IndexFunc(list, func(p part) bool { return covered([]string{p.path}, f.Path) })
	if i < 0 {
		return nil
	}
	p := list[i]
	switch {
	case p.path == "spec.etcd.line" && f.After == "supported":
		p.why, p.level = "etcd goes back a line, which does not read what the newer wrote: restore a backup that the older took", finding.Error
	case p.why != "":
	case p.name == "etcd" && c.Spec.Etcd.Members <= 1:
		p.why = "the only member of etcd starts anew, and the API is away until it is back"
	case p.name == "etcd":
		p.why = "members of etcd start anew, one after the other"
	case c.Spec.Kubernetes.APIServers <= 1:
		p.why = "the only API server starts anew, and the API is away until it is back"
	default:
		p.why = "API servers start anew, one after the other"
	}
	return &p
}

func clusterEntry(c *catalog.Cluster) *Object {
	return &Object{Object: finding.Object{APIVersion: catalog.APIVersion, Kind: "Cluster", Name: c.Name}, Position: finding.Position{File: c.File}, place: placed(c.At)}
}

// placed finds the place of a pointer in a file of the catalog.
func placed(at func(field string) finding.Position) func(string) finding.Position {
	return func(pointer string) finding.Position {
		var b strings.Builder
		for _, token := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
			token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
			switch {
			case token != "" && strings.Trim(token, "0123456789") == "":
				b.WriteString("[" + token + "]")
			case b.Len() > 0:
				b.WriteString("." + token)
			default:
				b.WriteString(token)
			}
		}
		return at(b.String())
	}
}

// versionsObject is what differs in the versions of the control plane.
func versionsObject(before, after *catalog.Baseline) *Object {
	if before == nil || after == nil {
		return nil
	}
	side := func(b *catalog.Baseline) map[string]any {
		versions := map[string]any{}
		for _, name := range []string{"etcd", "etcd35", "containerd", "runc"} {
			if v, said := b.Spec.Versions[name]; said {
				versions[name] = map[string]any{"declared": v.Declared}
			}
		}
		return map[string]any{"spec": map[string]any{"kubernetes": b.Spec.Kubernetes, "versions": versions}}
	}
	fields := Fields(side(before), side(after))
	if len(fields) == 0 {
		return nil
	}
	o := &Object{Object: finding.Object{APIVersion: catalog.APIVersion, Kind: "Baseline", Name: after.Name}, Action: Changed, Fields: fields, place: placed(after.At)}
	o.Position = o.place(fields[0].Pointer)
	for _, f := range fields {
		name, who := "kubernetes", "API servers, controllers and kubelets"
		if f.Path != "spec.kubernetes" {
			name = strings.Split(f.Path, ".")[2]
			who = name
		}
		q := Consequence{Effect: ControlPlane, Level: finding.Warning, Pointer: f.Pointer, Facts: map[string]any{"part": name},
			Why: fmt.Sprintf("%s: %v → %v: %s start anew in another version", name, or(f.Before, "none"), or(f.After, "none"), who)}
		if more := leap(fmt.Sprint(f.Before), fmt.Sprint(f.After), name == "kubernetes"); more != "" {
			q.Level, q.Why = finding.Error, q.Why+"; "+more
		}
		o.Consequences = append(o.Consequences, q)
	}
	return o
}

// leap says what is wrong with a step from one version to another, "" if nothing is.
func leap(before, after string, minors bool) string {
	from, err := semver.NewVersion(before)
	to, err2 := semver.NewVersion(after)
	switch {
	case err != nil || err2 != nil:
		return ""
	case to.LessThan(from) && (to.Minor() != from.Minor() || to.Major() != from.Major()):
		return "an older minor does not read what the newer stored"
	case minors && (to.Major() != from.Major() || to.Minor() > from.Minor()+1):
		return "control planes take one minor at a time"
	}
	return ""
}

// waits says which components no longer wait for what they waited for.
func waits(before, after *catalog.Catalog, c *catalog.Cluster) []Object {
	var out []Object
	for _, entry := range c.Spec.Components {
		was, now := before.Components[entry.Name], after.Components[entry.Name]
		if was == nil || now == nil {
			continue
		}
		left := reachable(after, entry.Name)
		o := Object{Object: finding.Object{APIVersion: catalog.APIVersion, Kind: "Component", Name: entry.Name}, Component: entry.Name,
			Action: Changed, place: placed(now.At), Position: now.At("spec.dependsOn")}
		for _, on := range was.Spec.DependsOn {
			if !left[on] && runs(c, on) {
				o.Consequences = append(o.Consequences, Consequence{Effect: Order, Level: finding.Warning, Pointer: "/spec/dependsOn",
					Why: fmt.Sprintf("%s no longer waits for %s: both are applied at once, in any order", entry.Name, on)})
			}
		}
		if len(o.Consequences) > 0 {
			o.Fields = Fields(dependencies(was), dependencies(now))
			out = append(out, o)
		}
	}
	return out
}

func dependencies(c *catalog.Component) map[string]any {
	list := []any{}
	for _, on := range c.Spec.DependsOn {
		list = append(list, on)
	}
	return map[string]any{"spec": map[string]any{"dependsOn": list}}
}

func runs(c *catalog.Cluster, component string) bool {
	return slices.ContainsFunc(c.Spec.Components, func(e catalog.ClusterComponent) bool { return e.Name == component })
}

// reachable are the components that one waits for, by others too.
func reachable(cat *catalog.Catalog, name string) map[string]bool {
	out := map[string]bool{}
	var visit func(string)
	visit = func(at string) {
		if c := cat.Components[at]; c != nil {
			for _, on := range c.Spec.DependsOn {
				if !out[on] {
					out[on] = true
					visit(on)
				}
			}
		}
	}
	visit(name)
	return out
}
