package settings

import (
	"cmp"

	"dualtrack.internal/platform/catalog"
)

// Kubelet is the configuration of real kubelets: nobody enters without a
// certificate or token, logs and pods are bounded, and what the declaration keeps
// for the system is kept.
func (s Settings) Kubelet() Object {
	out := Object{
		"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
		"authentication":       Object{"anonymous": Object{"enabled": false}, "webhook": Object{"enabled": true}},
		"authorization":        Object{"mode": "Webhook"},
		"readOnlyPort":         0,
		"rotateCertificates":   true,
		"tlsMinVersion":        "VersionTLS12",
		"seccompDefault":       true,
		"serializeImagePulls":  false,
		"maxPods":              s.MaxPods(),
		"containerLogMaxSize":  "10Mi",
		"containerLogMaxFiles": 3,
		// Profiles of a node's programs are for nobody who asks.
		"enableProfilingHandler": false,
	}
	s.managers(out)
	s.reservations(out)
	return out
}

// managers say how CPUs and memory are given to pods, where that is not the
// kubelet's default.
func (s Settings) managers(out Object) {
	k := s.kube().Kubelet
	set := func(field, value, otherwise string) {
		if value != "" && value != otherwise {
			out[field] = value
		}
	}
	set("cpuManagerPolicy", k.CPUManagerPolicy, "none")
	set("topologyManagerPolicy", k.TopologyManagerPolicy, "none")
	set("topologyManagerScope", k.TopologyManagerScope, "container")
	set("memoryManagerPolicy", k.MemoryManagerPolicy, "None")
	set("reservedSystemCPUs", k.ReservedSystemCPUs, "")
	var reserved []any
	for _, r := range k.ReservedMemory {
		reserved = append(reserved, Object{"numaNode": r.NUMANode, "limits": Object{"memory": string(r.Memory)}})
	}
	if reserved != nil {
		out["reservedMemory"] = reserved
	}
}

// reservations say what pods do not get. A kubelet that is told one threshold
// forgets its own of the others: so all are told, or none.
func (s Settings) reservations(out Object) {
	k := s.kube().Kubelet
	for field, r := range map[string]catalog.Reserved{"systemReserved": k.SystemReserved, "kubeReserved": k.KubeReserved} {
		list := Object{}
		if r.CPU != "" {
			list["cpu"] = string(r.CPU)
		}
		if r.Memory != "" {
			list["memory"] = string(r.Memory)
		}
		if len(list) > 0 {
			out[field] = list
		}
	}
	// The memory manager counts the threshold, which kind would take away.
	if memory := s.EvictionMemory(); memory != defaultEviction || k.MemoryManagerPolicy == "Static" {
		out["evictionHard"] = Object{
			"memory.available": memory, "nodefs.available": "10%", "imagefs.available": "15%", "nodefs.inodesFree": "5%",
		}
	}
}

// defaultEviction is the kubelet's own threshold of free memory.
const defaultEviction = "100Mi"

// EvictionMemory is the free memory below which pods are evicted.
func (s Settings) EvictionMemory() string {
	return cmp.Or(string(s.kube().Kubelet.EvictionMemory), defaultEviction)
}
