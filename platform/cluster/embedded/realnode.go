package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"

	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/tool"
)

// The programs of a real node, beside the control plane's.
const (
	containerdName = "containerd"
	gatewayName    = "node-gateway"
	kubeletName    = "kubelet"
	proxyName      = "kube-proxy"
)

// Ports of a real node's programs, on addresses that only the node and this
// machine have.
const (
	gatewayPort    = 6443
	kubeletHealth  = 10248
	proxyHealth    = 10256
	containerdPort = 1338
)

const (
	// pauseRef names the image that holds a pod's namespaces.
	pauseRef = "dualtrack.internal/pause:node"
	// runtimeSocket is where containerd listens, as its node sees it.
	runtimeSocket = "/run/containerd/containerd.sock"
)

// The files in conf/ that a real node's programs read.
const (
	containerdFile = "containerd.toml"
	kubeletFile    = "kubelet.yaml"
	proxyFile      = "kube-proxy.yaml"
	networkFile    = "10-node.conflist"
)

// realNode is the cluster's node with a kubelet of this machine, nil without one.
// The catalog holds that there is one at most.
func realNode(c *catalog.Cluster) *catalog.Node {
	for i := range c.Spec.Nodes {
		if c.Spec.Nodes[i].Real {
			return &c.Spec.Nodes[i]
		}
	}
	return nil
}

// allReal says that no node of the cluster is simulated.
func allReal(c *catalog.Cluster) bool {
	for _, n := range c.Spec.Nodes {
		if !n.Real {
			return false
		}
	}
	return len(c.Spec.Nodes) > 0
}

func (pl planner) real() *catalog.Node { return realNode(pl.spec.Cluster) }

// tag names what a real node has on this machine outside the cluster's folder:
// network namespace, link, control groups.
func (l layout) tag() string {
	sum := sha256.Sum256([]byte(l.root))
	return "dt-" + hex.EncodeToString(sum[:4])
}

// nodeDir is the part of the folder that a real node writes to.
func (l layout) nodeDir(parts ...string) string {
	return l.path(append([]string{"node"}, parts...)...)
}

// link is the connection between this machine and a real node: four addresses,
// of which the second is the machine's and the third the node's.
type link struct{ netip.Prefix }

func (k link) host() string { return k.Addr().Next().String() }
func (k link) node() string { return k.Addr().Next().Next().String() }

// pods is the range of the node's pods, which no other real node of the machine
// has: the API server reaches them by it.
func (k link) pods() netip.Prefix {
	at := k.Addr().As4()
	number := (int(at[2])<<8 | int(at[3])) >> (32 - linkBits)
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{at[0], at[1] + 1, byte(number), 0}), 24)
}

// nodeLeaves are the certificates that only a cluster with a real node has.
func (pl planner) nodeLeaves() []leaf {
	n := pl.real()
	if n == nil {
		return nil
	}
	user, group := "system:node:"+n.Name, []string{"system:nodes"}
	return []leaf{
		{name: "kubelet", ca: clusterCA, user: user, groups: group, client: true},
		{name: "kubelet-server", ca: clusterCA, user: user, groups: group, server: true, names: []string{n.Name}, ips: []string{pl.link.node()}},
		{name: "kubelet-client", ca: clusterCA, user: kubeletClient, client: true},
		{name: proxyName, ca: clusterCA, user: "system:kube-proxy", client: true},
	}
}

// kubeletClient is who the API server is when it asks a kubelet.
const kubeletClient = "dualtrack:kubelet-client"

// kubeletFlags let the API server reach a real node's kubelet.
func (pl planner) kubeletFlags() []flag {
	if pl.real() == nil {
		return nil
	}
	return []flag{
		{"kubelet-client-certificate", pl.layout.pki("kubelet-client.crt")}, {"kubelet-client-key", pl.layout.pki("kubelet-client.key")},
		{"kubelet-certificate-authority", pl.layout.pki(clusterCA + ".crt")},
		{"enable-aggregator-routing", "true"}, // pods can be reached from here, and Service addresses cannot
	}
}

// nodeProcesses are the programs of the real node, none without one.
func (pl planner) nodeProcesses() []process {
	n := pl.real()
	if n == nil {
		return nil
	}
	l, at := pl.layout, pl.link.node()
	url := func(port int, path string) string { return "http://" + at + ":" + strconv.Itoa(port) + path }
	all := []process{
		{
			name: containerdName, stage: runtimeStage, inside: true, binary: pl.parts.containerd,
			args: []string{"--config", l.conf(containerdFile)}, inputs: []string{l.conf(containerdFile)},
			probe: probe{url: url(containerdPort, "/v1/metrics")},
		},
		{
			name: gatewayName, stage: runtimeStage, binary: pl.programs[tool.Balancer],
			args: []string{
				"-listen=" + pl.link.host() + ":" + strconv.Itoa(gatewayPort), "-backend=" + pl.addr(endpointPort),
				"-ca=" + l.pki(clusterCA+".crt"), "-cert=" + l.pki("balancer.crt"), "-key=" + l.pki("balancer.key"),
			},
			inputs: l.pairs([]string{"balancer"}, clusterCA),
			probe:  probe{url: "https://" + pl.link.host() + ":" + strconv.Itoa(gatewayPort) + "/readyz", client: gatewayName},
		},
		{
			name: kubeletName, stage: nodeStage, inside: true, binary: pl.programs[tool.Node],
			args: []string{
				"kubelet", "--config=" + l.conf(kubeletFile), "--kubeconfig=" + l.kubeconfig(kubeletName),
				"--hostname-override=" + n.Name, "--node-ip=" + at, "--root-dir=/var/lib/kubelet", "--cert-dir=/var/lib/kubelet/pki",
			},
			inputs: append(l.pairs([]string{"kubelet", "kubelet-server"}, clusterCA), l.conf(kubeletFile), l.kubeconfig(kubeletName)),
			probe:  probe{url: url(kubeletHealth, "/healthz")},
		},
		{
			name: proxyName, stage: nodeStage, inside: true, binary: pl.programs[tool.Node],
			args:   []string{"kube-proxy", "--config=" + l.conf(proxyFile), "--hostname-override=" + n.Name},
			inputs: []string{l.conf(proxyFile), l.kubeconfig(proxyName)},
			probe:  probe{url: url(proxyHealth, "/livez")},
		},
	}
	for i := range all {
		all[i].env = []string{"HOME=" + l.path("home"), "PATH=" + pl.parts.path, "TZ=UTC"}
		if all[i].inside {
			all[i].env = append(all[i].env, binaryName+"="+all[i].binary)
		}
	}
	return all
}

// apiServerName is a name in the API server's certificate that is no address:
// a node reaches it by one that the certificate does not list.
const apiServerName = "kubernetes"

// writeNodeConf writes what the real node's programs read.
func (pl planner) writeNodeConf() error {
	n := pl.real()
	if n == nil {
		return nil
	}
	l := pl.layout
	if err := writeChanged(l.conf(containerdFile), []byte(pl.containerdConf())); err != nil {
		return err
	}
	for _, f := range []struct {
		path string
		doc  object
	}{
		{l.conf(kubeletFile), pl.kubeletConf()}, {l.conf(proxyFile), pl.proxyConf()}, {l.nodeDir("network", networkFile), pl.networkConf()},
	} {
		data, err := yaml.Marshal(f.doc)
		if err == nil && f.path == l.nodeDir("network", networkFile) {
			data, err = yaml.YAMLToJSON(data)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", f.path, err)
		}
		if err := writeChanged(f.path, data); err != nil {
			return err
		}
	}
	server := "https://" + pl.link.host() + ":" + strconv.Itoa(gatewayPort)
	for _, user := range []string{kubeletName, proxyName} {
		if err := pl.writeKubeconfigTo(user, server, apiServerName); err != nil {
			return err
		}
	}
	return nil
}

// containerdConf is containerd's configuration. Its folders are the usual ones,
// which its node has for itself.
func (pl planner) containerdConf() string {
	q := strconv.Quote
	return `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"

[grpc]
  address = ` + q(runtimeSocket) + `

[metrics]
  address = ` + q(pl.link.node()+":"+strconv.Itoa(containerdPort)) + `

[plugins."io.containerd.internal.v1.opt"]
  path = "/var/lib/containerd/opt"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ` + q(pauseRef) + `
  restrict_oom_score_adj = true
  tolerate_missing_hugetlb_controller = true
  netns_mounts_under_state_dir = true

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  BinaryName = ` + q(pl.parts.runc) + `
  SystemdCgroup = false

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = ` + q(pl.parts.plugins) + `
  conf_dir = ` + q(pl.layout.nodeDir("network")) + `
`
}

// kubeletConf is what every provider's kubelets have, and what this one's place asks for.
func (pl planner) kubeletConf() object {
	l, at := pl.layout, pl.link.node()
	conf := pl.settings().Kubelet()
	conf["address"], conf["healthzBindAddress"], conf["healthzPort"] = at, at, kubeletHealth
	conf["authentication"] = object{
		"anonymous": object{"enabled": false}, "webhook": object{"enabled": true},
		"x509": object{"clientCAFile": l.pki(clusterCA + ".crt")},
	}
	conf["tlsCertFile"], conf["tlsPrivateKeyFile"] = l.pki("kubelet-server.crt"), l.pki("kubelet-server.key")
	conf["rotateCertificates"] = false // the provider renews them
	conf["containerRuntimeEndpoint"] = "unix://" + runtimeSocket
	conf["cgroupDriver"], conf["cgroupRoot"] = "cgroupfs", "/"+l.tag()
	conf["failSwapOn"] = false // the machine is its owner's
	conf["resolvConf"] = ""    // no name server can be reached from the node
	conf["volumePluginDir"] = "/var/lib/kubelet/volumeplugins"
	// Images come from the platform alone, and could not be fetched again.
	conf["imageGCHighThresholdPercent"] = 100
	conf["evictionHard"] = object{
		"memory.available": pl.settings().EvictionMemory(), "nodefs.available": "200Mi", "imagefs.available": "200Mi", "nodefs.inodesFree": "1%",
	}
	return conf
}

// proxyConf makes Service addresses work on the node. It leaves connection
// tracking as it is: its settings are the machine's.
func (pl planner) proxyConf() object {
	at := pl.link.node()
	return object{
		"apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration",
		"clientConnection": object{"kubeconfig": pl.layout.kubeconfig(proxyName)},
		"mode":             "iptables", "clusterCIDR": pl.link.pods().String(),
		"bindAddress": at, "healthzBindAddress": at + ":" + strconv.Itoa(proxyHealth), "metricsBindAddress": "",
		"conntrack": object{"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
	}
}

// networkConf is the pods' network: a bridge in the node's own network. What
// leaves the bridge takes the node's address, which the machine can answer.
func (pl planner) networkConf() object {
	return object{
		"cniVersion": "0.4.0", "name": "node",
		"plugins": []any{
			object{
				"type": "bridge", "bridge": "pods", "isGateway": true, "ipMasq": true, "hairpinMode": true,
				"ipam": object{
					"type": "host-local", "ranges": []any{[]any{object{"subnet": pl.link.pods().String()}}},
					"routes": []any{object{"dst": "0.0.0.0/0"}},
				},
			},
			object{"type": "portmap", "capabilities": object{"portMappings": true}},
		},
	}
}
