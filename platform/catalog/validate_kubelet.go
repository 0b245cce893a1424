package catalog

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
)

// kubelet holds what kubelets would refuse when they start, or would take and
// not do.
func (l *loader) kubelet(c *Cluster) {
	k := c.Spec.Kubernetes.Kubelet
	const at = "spec.kubernetes.kubelet."
	static := k.CPUManagerPolicy == "static"
	if static && k.ReservedSystemCPUs == "" && k.SystemReserved.CPU == "" && k.KubeReserved.CPU == "" {
		l.fail(c, at+"cpuManagerPolicy", "is static, and no CPU is kept for the system, without which the kubelet does not start",
			"name them in reservedSystemCPUs, or write cpu in kubeReserved")
	}
	if !static && k.TopologyManagerPolicy != "none" && k.TopologyManagerPolicy != "" {
		l.fail(c, at+"topologyManagerPolicy", "is "+k.TopologyManagerPolicy+", and without CPUs of its own no container is aligned to a NUMA node",
			"write `cpuManagerPolicy: static`, or remove it")
	}
	for _, r := range []struct {
		field string
		cpu   Quantity
	}{{"systemReserved.cpu", k.SystemReserved.CPU}, {"kubeReserved.cpu", k.KubeReserved.CPU}} {
		if r.cpu != "" && k.ReservedSystemCPUs != "" {
			l.fail(c, at+r.field, "is set beside reservedSystemCPUs, in whose place the kubelet does not read it", "remove one")
		}
	}
	l.reservedMemory(c, k)
	if !l.broken(c.File, at+"reservedSystemCPUs") {
		l.reservedCPUs(c, k)
	}
	l.leavesSome(c, k)
}

// reservedMemory holds the sum that the memory manager checks.
func (l *loader) reservedMemory(c *Cluster, k Kubelet) {
	const field = "spec.kubernetes.kubelet.reservedMemory"
	if k.MemoryManagerPolicy != "Static" {
		if len(k.ReservedMemory) > 0 {
			l.fail(c, field, "is set, and only the memory manager's policy Static reads it", "write `memoryManagerPolicy: Static`, or remove it")
		}
		return
	}
	want := k.MemoryKept()
	sum, seen := resource.Quantity{}, map[int]bool{}
	for i, r := range k.ReservedMemory {
		at := fmt.Sprintf("%s[%d].numaNode", field, i)
		if seen[r.NUMANode] {
			l.fail(c, at, fmt.Sprintf("NUMA node %d stands twice", r.NUMANode), "remove one")
		}
		seen[r.NUMANode] = true
		for j, n := range c.Spec.Nodes {
			if !n.Real && r.NUMANode >= n.Capacity.NUMANodes {
				l.fail(c, at, fmt.Sprintf("node %s has no NUMA node %d, by spec.nodes[%d].capacity.numaNodes", n.Name, r.NUMANode, j), "remove it, or mend numaNodes")
				break
			}
		}
		sum.Add(r.Memory.Parsed())
	}
	if sum.Cmp(want) != 0 {
		l.fail(c, field, fmt.Sprintf("reserves %s in all, and systemReserved, kubeReserved and evictionMemory are %s: the kubelet does not start", &sum, &want),
			fmt.Sprintf("write [{numaNode: 0, memory: %s}], or as much over several NUMA nodes", &want))
	}
}

// reservedCPUs holds the CPUs that pods do not get against the declared nodes.
func (l *loader) reservedCPUs(c *Cluster, k Kubelet) {
	const field = "spec.kubernetes.kubelet.reservedSystemCPUs"
	if k.ReservedSystemCPUs == "" {
		return
	}
	cpus, err := ParseCPUs(k.ReservedSystemCPUs)
	if err != nil {
		l.fail(c, field, err.Error(), "write it like 0-1")
		return
	}
	for _, n := range c.Spec.Nodes {
		capacity := n.Capacity.CPU.Parsed()
		if has, last := int(capacity.Value()), cpus[len(cpus)-1]; !n.Real && last >= has {
			l.fail(c, field, fmt.Sprintf("names CPU %d, and node %s has %d, from 0", last, n.Name, has), "name CPUs that every node has")
			return
		}
	}
}

// leavesSome holds what is kept against the declared nodes. What a real one has
// is for its kubelet to say.
func (l *loader) leavesSome(c *Cluster, k Kubelet) {
	for _, kept := range []struct {
		what string
		sum  resource.Quantity
		of   func(Capacity) Quantity
	}{
		{"CPU", k.CPUsKept(), func(c Capacity) Quantity { return c.CPU }},
		{"memory", k.MemoryKept(), func(c Capacity) Quantity { return c.Memory }},
	} {
		for _, n := range c.Spec.Nodes {
			if has := kept.of(n.Capacity).Parsed(); !n.Real && has.Sign() > 0 && kept.sum.Cmp(has) >= 0 {
				l.fail(c, "spec.kubernetes.kubelet", fmt.Sprintf("keeps %s %s, node %s has %s, and pods get none", &kept.sum, kept.what, n.Name, &has), "keep less")
				break
			}
		}
	}
}

// MemoryKept is the memory of a node that pods do not get.
func (k Kubelet) MemoryKept() resource.Quantity {
	sum := k.SystemReserved.Memory.Parsed()
	sum.Add(k.KubeReserved.Memory.Parsed())
	sum.Add(k.EvictionMemory.Parsed())
	return sum
}

// CPUsKept is the CPU of a node that pods do not get.
func (k Kubelet) CPUsKept() resource.Quantity {
	if cpus, err := ParseCPUs(k.ReservedSystemCPUs); err == nil && len(cpus) > 0 {
		return *resource.NewQuantity(int64(len(cpus)), resource.DecimalSI)
	}
	sum := k.SystemReserved.CPU.Parsed()
	sum.Add(k.KubeReserved.CPU.Parsed())
	return sum
}
