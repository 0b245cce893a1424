package change

import (
	"fmt"
	"slices"
	"strings"

	"dualtrack.internal/platform/change/inside"
	"dualtrack.internal/platform/change/reach"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// readers say which workloads read what changed, and don't start anew for it.
func (f *follower) readers() {
	for i := range f.cluster.Objects {
		o := &f.cluster.Objects[i]
		kind := o.Object.Kind
		if o.before == nil || o.after == nil || o.Action == Renamed || o.Object.Group() != "" || kind != "ConfigMap" && kind != "Secret" {
			continue
		}
		first := slices.IndexFunc(o.Fields, func(q Field) bool { return covered([]string{"data", "stringData", "binaryData"}, q.Path) })
		if first < 0 {
			continue
		}
		for _, w := range f.new.within[o.Object.Namespace] {
			if w.GetKind() == "Job" || w.GetKind() == "CronJob" {
				continue // the next pod of a CronJob reads it
			}
			how := reads(w.template, kind, o.Object.Name)
			if how == "" || f.startsAnew(w) {
				continue
			}
			q := Consequence{Effect: NotTaken, Level: finding.Info, Pointer: o.Fields[first].Pointer, Facts: map[string]any{"how": how}}
			q.Why = fmt.Sprintf("%s has it in its environment, and keeps the old until it is restarted", called(w.GetKind(), w.GetName()))
			switch how {
			case "subPath":
				q.Why = fmt.Sprintf("%s mounts a part of it, which is never refreshed: it keeps the old until it is restarted", called(w.GetKind(), w.GetName()))
			case "volume":
				q.Why = fmt.Sprintf("%s gets the new files within a minute or two, and is not restarted: whether it reads them again is up to it", called(w.GetKind(), w.GetName()))
			}
			f.add(identityOf(*o.after), q)
		}
	}
}

// startsAnew says that a workload's pods are replaced by this change anyway.
func (f *follower) startsAnew(w *workload) bool {
	o := f.changedObject(identityOf(*w.Object))
	return o != nil && (o.before == nil || slices.ContainsFunc(o.Consequences, func(q Consequence) bool { return q.Effect == Restarts }))
}

// reads says how a pod reads a ConfigMap or a Secret: env, subPath, volume, or ""
// for not at all.
func reads(template map[string]any, kind, name string) string {
	ref, from, volume, field := "configMapKeyRef", "configMapRef", "configMap", "name"
	if kind == "Secret" {
		ref, from, volume, field = "secretKeyRef", "secretRef", "secret", "secretName"
	}
	volumes := map[string]bool{}
	for _, v := range inside.List(template, "spec", "volumes") {
		if inside.Text(v, volume, field) == name {
			volumes[inside.Text(v, "name")] = true
		}
		for _, p := range inside.List(v, "projected", "sources") {
			if inside.Text(p, volume, "name") == name {
				volumes[inside.Text(v, "name")] = true
			}
		}
	}
	how := ""
	for _, containers := range []string{"containers", "initContainers"} {
		for _, c := range inside.List(template, "spec", containers) {
			for _, e := range inside.List(c, "env") {
				if inside.Text(e, "valueFrom", ref, "name") == name {
					return "env"
				}
			}
			for _, e := range inside.List(c, "envFrom") {
				if inside.Text(e, from, "name") == name {
					return "env"
				}
			}
			for _, m := range inside.List(c, "volumeMounts") {
				switch {
				case !volumes[inside.Text(m, "name")]:
				case inside.Text(m, "subPath")+inside.Text(m, "subPathExpr") != "":
					how = "subPath"
				case how == "":
					how = "volume"
				}
			}
		}
	}
	return how
}

// maps says which settings of Cilium make maps of the kernel anew, and which change
// how packets go.
func maps(after render.Object, fields []Field) []Consequence {
	if after.GetKind() != "ConfigMap" || after.GetName() != reach.Config {
		return nil
	}
	var sizes, modes []string
	var size, mode string
	for _, f := range fields {
		key, ok := strings.CutPrefix(f.Pointer, "/data/")
		switch {
		case !ok:
		case sizesMap(key):
			sizes = append(sizes, fmt.Sprintf("%s %v → %v", key, or(f.Before, "its default"), or(f.After, "its default")))
			size = f.Pointer
		case decidesWay(key):
			modes = append(modes, fmt.Sprintf("%s %v → %v", key, or(f.Before, "its default"), or(f.After, "its default")))
			mode = f.Pointer
		}
	}
	var out []Consequence
	if len(sizes) > 0 {
		out = append(out, Consequence{Effect: Recreates, Level: finding.Warning, Pointer: size,
			Why: "agents make the maps anew when they next start, and the connections in them drop: " + list(sizes)})
	}
	if len(modes) > 0 {
		out = append(out, Consequence{Effect: ControlPlane, Level: finding.Error, Pointer: mode, Facts: map[string]any{"part": "cni"},
			Why: "nodes that have it and nodes that don't may not reach each other's pods while agents restart: " + list(modes)})
	}
	return out
}

// sizesMap says that a setting is a map's size, or decides it.
func sizesMap(key string) bool {
	return strings.HasPrefix(key, "bpf-") && (strings.HasSuffix(key, "-max") || strings.HasSuffix(key, "-size") || strings.HasSuffix(key, "-size-ratio")) ||
		key == "preallocate-bpf-maps"
}

// decidesWay says that a setting decides how packets go between nodes.
func decidesWay(key string) bool {
	return slices.Contains([]string{"routing-mode", "tunnel", "tunnel-protocol", "ipam", "kube-proxy-replacement", "cluster-pool-ipv4-cidr", "cluster-pool-ipv4-mask-size",
		"ipv4-native-routing-cidr", "enable-ipv4", "enable-ipv6", "enable-wireguard", "enable-ipsec", "datapath-mode", "cluster-id", "cluster-name",
		"auto-direct-node-routes", "enable-endpoint-routes"}, key)
}
