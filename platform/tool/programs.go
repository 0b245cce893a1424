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
		{Name: Kwok, Dir: "kwok", Package: "sigs.k8s.io/kwok/cmd/kwok", LDFlags: strip, Expected: 90 * time.Second},
	}
}

// versionFlags stamps a Kubernetes version as its own release build does.
func versionFlags(version string) string {
	const pkg = " -X k8s.io/component-base/version."
	major, rest, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	return pkg + "gitVersion=" + version + pkg + "gitMajor=" + major + pkg + "gitMinor=" + minor + pkg + "gitTreeState=clean"
}
