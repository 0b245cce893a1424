package change

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/change/inside"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// load is what pods ask for.
type load struct {
	cpu, memory resource.Quantity
	pods        int
	// homeless are pods that no node can take, however empty, in words.
	homeless []string
	// none are DaemonSets that match no node, by identity.
	none map[finding.Object]bool
}

func (l *load) add(cpu, memory resource.Quantity, times int) {
	cpu.Mul(int64(times))
	memory.Mul(int64(times))
	l.cpu.Add(cpu)
	l.memory.Add(memory)
	l.pods += times
}

// loadOf sums what the pods of a bundle ask for on a cluster's nodes: as many as
// manifests ask for, and autoscalers at least.
func loadOf(objects []render.Object, c *catalog.Cluster, known wants) load {
	l := load{none: map[finding.Object]bool{}}
	n := newNeighbours(objects)
	for _, w := range n.workloads {
		cpu, memory := known.of(w)
		times := 0
		switch kind := groupKind(w.Object); kind {
		case "apps/DaemonSet":
			if times = hosts(c, w.template); times == 0 && len(c.Spec.Nodes) > 0 {
				l.none[identityOf(*w.Object)] = true
			}
		case "batch/Job", "batch/CronJob": // which come and go
			continue
		default:
			want, ok := desired(w.Object)
			least, ok2 := n.least(w)
			if !ok || !ok2 {
				continue
			}
			times = max(want, least)
			if want == 0 {
				times = 0 // an autoscaler leaves alone what is scaled to nothing
			}
		}
		if times > 0 && len(c.Spec.Nodes) > 0 && !fits(c, cpu, memory) {
			l.homeless = append(l.homeless, fmt.Sprintf("a pod of %s asks for %s CPU and %s", w.Ref(), cpu.String(), memory.String()))
		}
		l.add(cpu, memory, times)
	}
	return l
}

// wants remembers what the pods of objects ask for: many clusters share them.
type wants map[*unstructured.Unstructured][2]resource.Quantity

func (k wants) of(w *workload) (cpu, memory resource.Quantity) {
	both, known := k[w.Unstructured]
	if !known {
		both[0], both[1] = asks(w.template)
		k[w.Unstructured] = both
	}
	return both[0].DeepCopy(), both[1].DeepCopy() // sums change them
}

// asks is what one pod asks for: its containers together, or one that starts before
// them if that asks for more.
func asks(template map[string]any) (cpu, memory resource.Quantity) {
	for _, c := range inside.List(template, "spec", "containers") {
		cpu.Add(request(c, "cpu"))
		memory.Add(request(c, "memory"))
	}
	for _, c := range inside.List(template, "spec", "initContainers") {
		if q := request(c, "cpu"); q.Cmp(cpu) > 0 {
			cpu = q
		}
		if q := request(c, "memory"); q.Cmp(memory) > 0 {
			memory = q
		}
	}
	return cpu, memory
}

// request is what a container asks for: its limit where it says no request.
func request(container any, of string) resource.Quantity {
	for _, list := range []string{"requests", "limits"} {
		if v := inside.At(container, "resources", list, of); v != nil {
			q, _ := quantity(v)
			return q
		}
	}
	return resource.Quantity{}
}

// hosts counts the nodes that take a pod by selector and taints.
func hosts(c *catalog.Cluster, template map[string]any) int {
	selector := labels.Set(stringsOf(inside.Map(template, "spec", "nodeSelector"))).AsSelector()
	count := 0
	for _, n := range c.Spec.Nodes {
		set := labels.Set{"kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", "topology.kubernetes.io/zone": n.Zone}
		if n.Zone == "" {
			set["topology.kubernetes.io/zone"] = c.Spec.Site.Zone
		}
		set["topology.kubernetes.io/region"] = c.Spec.Site.Region
		for k, v := range n.Labels {
			set[k] = v
		}
		if !matchesOwn(selector, set) || !tolerates(template, n.Taints) {
			continue
		}
		count += max(1, n.Count)
	}
	return count
}

// matchesOwn matches a selector; a label that every node writes for itself, like its
// name, is let be.
func matchesOwn(selector labels.Selector, set labels.Set) bool {
	requirements, _ := selector.Requirements()
	for _, r := range requirements {
		if !set.Has(r.Key()) && strings.HasPrefix(r.Key(), "kubernetes.io/") {
			continue
		}
		if !r.Matches(set) {
			return false
		}
	}
	return true
}

func tolerates(template map[string]any, taints []catalog.Taint) bool {
	for _, t := range taints {
		if t.Effect == string(corev1.TaintEffectPreferNoSchedule) {
			continue
		}
		ok := false
		for _, v := range inside.List(template, "spec", "tolerations") {
			key, value, effect := inside.Text(v, "key"), inside.Text(v, "value"), inside.Text(v, "effect")
			exists := inside.Text(v, "operator") == "Exists"
			ok = ok || (key == t.Key || key == "" && exists) && (exists || value == t.Value) && (effect == "" || effect == t.Effect)
		}
		if !ok {
			return false
		}
	}
	return true
}

// fits says that one empty node could take a pod.
func fits(c *catalog.Cluster, cpu, memory resource.Quantity) bool {
	for _, n := range c.Spec.Nodes {
		a, b := n.Capacity.CPU.Parsed(), n.Capacity.Memory.Parsed()
		if cpu.Cmp(a) <= 0 && memory.Cmp(b) <= 0 {
			return true
		}
	}
	return false
}

// room is what the nodes of a cluster have together.
func room(c *catalog.Cluster) load {
	var l load
	for _, n := range c.Spec.Nodes {
		pods := l.pods
		l.add(n.Capacity.CPU.Parsed(), n.Capacity.Memory.Parsed(), max(1, n.Count))
		l.pods = pods + max(1, n.Count)*n.Capacity.Pods
	}
	return l
}

// weigh compares what the pods of both sides ask for with what the nodes have.
func weigh(was, now load, before, after *catalog.Cluster) []Consequence {
	have := room(after)
	var out []Consequence
	if was.cpu.Cmp(now.cpu) != 0 || was.memory.Cmp(now.memory) != 0 || was.pods != now.pods {
		q := Consequence{Effect: Requests, Level: finding.Info, Pointer: "/spec/nodes",
			Why: fmt.Sprintf("%d → %d pods; CPU %s → %s, memory %s → %s", was.pods, now.pods, was.cpu.String(), now.cpu.String(), shown(was.memory), shown(now.memory))}
		if len(after.Spec.Nodes) > 0 {
			q.Why += fmt.Sprintf(", of %s CPU and %s on its nodes", have.cpu.String(), shown(have.memory))
		}
		out = append(out, q)
	}
	if len(after.Spec.Nodes) == 0 {
		return out
	}
	had := room(before)
	for _, r := range []struct {
		what          string
		was, had, now resource.Quantity
		have          resource.Quantity
		show          func(resource.Quantity) string
	}{
		{"CPU", was.cpu, had.cpu, now.cpu, have.cpu, func(q resource.Quantity) string { return q.String() }},
		{"memory", was.memory, had.memory, now.memory, have.memory, shown},
	} {
		if r.now.Cmp(r.have) > 0 && r.was.Cmp(r.had) <= 0 {
			out = append(out, Consequence{Effect: DoesNotFit, Level: finding.Error, Pointer: "/spec/nodes",
				Why: fmt.Sprintf("pods ask for %s of %s, and its nodes have %s", r.show(r.now), r.what, r.show(r.have))})
		}
	}
	if now.pods > have.pods && was.pods <= had.pods {
		out = append(out, Consequence{Effect: DoesNotFit, Level: finding.Error, Pointer: "/spec/nodes",
			Why: fmt.Sprintf("%d pods, and its nodes take %d", now.pods, have.pods)})
	}
	known := map[string]bool{}
	for _, h := range was.homeless {
		known[h] = true
	}
	for _, h := range now.homeless {
		if !known[h] {
			out = append(out, Consequence{Effect: DoesNotFit, Level: finding.Error, Pointer: "/spec/nodes", Why: h + ": no node has that much"})
		}
	}
	return out
}

// shown is an amount of memory in whole Mi.
func shown(q resource.Quantity) string {
	const mi = 1 << 20
	if q.Value()%mi != 0 || q.Value() == 0 {
		q = *resource.NewQuantity((q.Value()+mi-1)/mi*mi, resource.BinarySI)
	}
	return q.String()
}
