package tool

import (
	"strings"
	"time"
)

// Names of the programs.
const (
	ControlPlane = "controlplane" // kube-apiserver, kube-controller-manager, kube-scheduler, kubectl
	Etcd         = "etcd"
	Kwok         = "kwok"
	Balancer     = "balancer"
)

// Names of the programs of etcd's experiments and care.
const (
	Etcd35  = "etcd35"  // the line that upstream pairs with this Kubernetes
	EtcdOps = "etcdops" // load, snapshots, drills, defragmentation
)

// Names of the programs of Prometheus' module.
const (
	Prometheus = "prometheus" // the server, without the files of its web page
	Promtool   = "promtool"   // checks configurations, tests rules
)

// Names of the programs that send alerts on, and of what checks what they read.
const (
	Alertmanager = "alertmanager"
	Amtool       = "amtool"
)

// Jaeger keeps traces and answers queries about them.
const Jaeger = "jaeger"

// Names of the programs that a node image is made of, and of what makes it.
const (
	Node      = "node" // kubeadm, kubelet, kube-proxy, the control plane, kubectl
	CoreDNS   = "coredns"
	Crictl    = "crictl"
	Pause     = "pause"
	Inside    = "inside" // a node's pod network, and the balancer before several control planes
	NodeImage = "nodeimage"
)

// Programs are the programs of this repository. kubernetes is the version that
// the control plane reports, as in the baseline ("v1.2.3").
func Programs(kubernetes string) []Program {
	const strip = "-s -w"
	return []Program{
		{Name: Balancer, Dir: "balancer", Package: ".", LDFlags: strip, Expected: 5 * time.Second},
		{
			Name: ControlPlane, Dir: "controlplane", Package: ".",
			Tags:     []string{"providerless"}, // drops the cloud providers: half the build time
			LDFlags:  strip + versionFlags(kubernetes),
			Expected: 270 * time.Second,
		},
		{Name: Etcd, Dir: "etcd", Package: ".", LDFlags: strip, Expected: 60 * time.Second},
		{Name: Kwok, Dir: "kwok", Package: ".", LDFlags: strip, Expected: 90 * time.Second},
	}
}

// NodePrograms are the programs of a node image, and the one that makes it. They
// are built only when they are asked for by name: clusters without real nodes
// need none of them.
func NodePrograms(kubernetes string) []Program {
	const strip = "-s -w"
	return []Program{
		{Name: CoreDNS, Dir: "coredns", Package: ".", LDFlags: strip, Expected: 60 * time.Second},
		{Name: Crictl, Dir: "crictl", Package: "sigs.k8s.io/cri-tools/cmd/crictl", LDFlags: strip, Expected: 60 * time.Second},
		{Name: Inside, Dir: "nodeimage", Package: "./inside", LDFlags: strip, Expected: 15 * time.Second},
		{
			Name: Node, Dir: "node", Package: ".",
			Tags:     []string{"providerless"},
			LDFlags:  strip + versionFlags(kubernetes),
			Expected: 270 * time.Second,
		},
		{Name: NodeImage, Dir: "nodeimage", Package: ".", LDFlags: strip, Expected: 10 * time.Second},
		{Name: Pause, Dir: "nodeimage", Package: "./pause", LDFlags: strip, Expected: 5 * time.Second},
	}
}

// versionFlags stamps a Kubernetes version as its own release build does.
func versionFlags(version string) string {
	const pkg = " -X k8s.io/component-base/version."
	major, rest, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	return pkg + "gitVersion=" + version + pkg + "gitMajor=" + major + pkg + "gitMinor=" + minor + pkg + "gitTreeState=clean"
}
