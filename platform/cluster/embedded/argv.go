package embedded

import (
	"path/filepath"
	"strings"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/cluster/settings"
	"dualtrack.internal/platform/tool"
)

// etcdProcess is one member of the store.
func (pl planner) etcdProcess(name string) (process, error) {
	l := pl.layout
	declared, err := pl.settings().EtcdFlags()
	if err != nil {
		return process{}, err
	}
	declaredEnv, err := pl.settings().EtcdEnv()
	if err != nil {
		return process{}, err
	}
	client, peer := "https://"+pl.addr(name+" client"), "https://"+pl.addr(name+" peer")
	flags := []flag{
		{"name", name}, {"data-dir", l.path("data", name)},
		{"listen-client-urls", client}, {"advertise-client-urls", client},
		{"listen-peer-urls", peer}, {"initial-advertise-peer-urls", peer},
		{"initial-cluster", strings.Join(pl.peerURLs(), ",")}, {"initial-cluster-state", "new"},
		{"initial-cluster-token", pl.spec.Fleet + "/" + l.name},
		{"client-cert-auth", "true"}, {"trusted-ca-file", l.pki(etcdCA + ".crt")},
		{"cert-file", l.pki("etcd-server.crt")}, {"key-file", l.pki("etcd-server.key")},
		{"peer-client-cert-auth", "true"}, {"peer-trusted-ca-file", l.pki(etcdCA + ".crt")},
		{"peer-cert-file", l.pki("etcd-peer.crt")}, {"peer-key-file", l.pki("etcd-peer.key")},
	}
	flags = append(append(flags, own(declared)...), flag{"logger", "zap"}, flag{"log-level", "info"})
	var env []string
	for _, e := range declaredEnv {
		env = append(env, e.Name+"="+e.Value)
	}
	return process{
		name: name, stage: storeStage, binary: pl.programs[pl.etcdProgram()], args: render(flags, pl.spec.Cluster.Spec.Etcd.ExtraArgs), env: env,
		inputs: l.pairs([]string{"etcd-server", "etcd-peer"}, etcdCA),
		ports:  []string{name + " client", name + " peer"},
		probe:  probe{url: client + "/health", client: "etcd-client", ca: etcdCA, body: `"health":"true"`},
	}, nil
}

func (pl planner) peerURLs() []string {
	var urls []string
	for _, m := range pl.memberNames() {
		urls = append(urls, m+"=https://"+pl.addr(m+" peer"))
	}
	return urls
}

func (pl planner) clientURLs() []string {
	var urls []string
	for _, m := range pl.memberNames() {
		urls = append(urls, "https://"+pl.addr(m+" client"))
	}
	return urls
}

func (pl planner) apiServer(name string) process {
	l, k, port := pl.layout, pl.kube(), pl.serverPort(name)
	flags := []flag{
		{"bind-address", loopback}, {"advertise-address", loopback}, {"secure-port", pl.port(port)},
		{"endpoint-reconciler-type", "none"}, // a loopback address is no valid endpoint
		{"etcd-servers", strings.Join(pl.clientURLs(), ",")}, {"etcd-cafile", l.pki(etcdCA + ".crt")},
		{"etcd-certfile", l.pki("etcd-client.crt")}, {"etcd-keyfile", l.pki("etcd-client.key")},
		{"tls-cert-file", l.pki("apiserver.crt")}, {"tls-private-key-file", l.pki("apiserver.key")},
		{"client-ca-file", l.pki(clusterCA + ".crt")},
		{"anonymous-auth", "false"}, {"authorization-mode", "Node,RBAC"},
		{"requestheader-client-ca-file", l.pki(proxyCA + ".crt")}, {"requestheader-allowed-names", "front-proxy-client"},
		{"requestheader-username-headers", "X-Remote-User"}, {"requestheader-group-headers", "X-Remote-Group"},
		{"requestheader-extra-headers-prefix", "X-Remote-Extra-"},
		{"proxy-client-cert-file", l.pki("front-proxy.crt")}, {"proxy-client-key-file", l.pki("front-proxy.key")},
		{"service-account-issuer", "https://kubernetes.default.svc"},
		{"service-account-key-file", l.pki("sa.pub")}, {"service-account-signing-key-file", l.pki("sa.key")},
		{"service-cluster-ip-range", serviceCIDR}, {"allow-privileged", "true"},
	}
	flags = append(flags, own(pl.settings().APIServer(settings.Files{
		Admission: l.conf(admissionFile), Encryption: l.conf(encryptionFile),
		AuditPolicy: l.conf(auditFile), AuditLog: l.path("audit", name+".log"),
	}, pl.servers()))...)
	flags = append(flags, pl.kubeletFlags()...)
	inputs := append(l.pairs([]string{"apiserver", "etcd-client", "front-proxy"}, clusterCA, etcdCA, proxyCA),
		l.pki("sa.pub"), l.pki("sa.key"), l.conf(admissionFile), l.conf(encryptionFile))
	if pl.settings().Audits() {
		inputs = append(inputs, l.conf(auditFile))
	}
	if pl.real() != nil {
		inputs = append(inputs, l.pairs([]string{"kubelet-client"})...)
	}
	return process{
		name: name, stage: serverStage, binary: pl.programs[tool.ControlPlane],
		args:   append([]string{"kube-apiserver"}, render(flags, k.ExtraArgs.APIServer)...),
		inputs: inputs, ports: []string{port},
		probe: probe{url: "https://" + pl.addr(port) + "/readyz", client: "provider", ca: clusterCA},
	}
}

// balancer gives several API servers one endpoint.
func (pl planner) balancer() process {
	l := pl.layout
	args := []string{
		"-listen=" + pl.addr(endpointPort), "-ca=" + l.pki(clusterCA+".crt"),
		"-cert=" + l.pki("balancer.crt"), "-key=" + l.pki("balancer.key"),
	}
	for _, s := range pl.serverNames() {
		args = append(args, "-backend="+pl.addr(s))
	}
	return process{
		name: "balancer", stage: serverStage, binary: pl.programs[tool.Balancer], args: args,
		inputs: l.pairs([]string{"balancer"}, clusterCA), ports: []string{endpointPort},
		probe: probe{url: "https://" + pl.addr(endpointPort) + "/readyz", client: "provider", ca: clusterCA},
	}
}

// managerFlags are what the two controllers of Kubernetes have in common.
func (pl planner) managerFlags(user, port string) []flag {
	l := pl.layout
	kubeconfig := l.kubeconfig(user)
	return append([]flag{
		{"kubeconfig", kubeconfig}, {"authentication-kubeconfig", kubeconfig}, {"authorization-kubeconfig", kubeconfig},
		{"bind-address", loopback}, {"secure-port", pl.port(port)},
		{"tls-cert-file", l.pki("managers.crt")}, {"tls-private-key-file", l.pki("managers.key")},
		{"leader-elect", "false"}, // there is one of each
	}, own(pl.settings().Managers())...)
}

func (pl planner) controllerManager() process {
	l := pl.layout
	flags := append(pl.managerFlags("controller-manager", managerPort),
		flag{"controllers", "*,-nodeipam"},
		flag{"service-account-private-key-file", l.pki("sa.key")}, flag{"root-ca-file", l.pki(clusterCA + ".crt")},
		flag{"cluster-signing-cert-file", l.pki(clusterCA + ".crt")}, flag{"cluster-signing-key-file", l.pki(clusterCA + ".key")},
		flag{"use-service-account-credentials", "true"},
	)
	flags = append(flags, own(pl.settings().ControllerManager())...)
	return pl.manager(process{
		name: "kube-controller-manager", ports: []string{managerPort},
		args:   append([]string{"kube-controller-manager"}, render(flags, pl.kube().ExtraArgs.ControllerManager)...),
		inputs: append(l.pairs([]string{"managers", clusterCA}), l.pki("sa.key"), l.kubeconfig("controller-manager")),
	})
}

func (pl planner) scheduler() process {
	flags := pl.managerFlags("scheduler", schedulerPort)
	return pl.manager(process{
		name: "kube-scheduler", ports: []string{schedulerPort},
		args:   append([]string{"kube-scheduler"}, render(flags, pl.kube().ExtraArgs.Scheduler)...),
		inputs: append(pl.layout.pairs([]string{"managers"}), pl.layout.kubeconfig("scheduler")),
	})
}

func (pl planner) manager(p process) process {
	p.stage, p.binary = controlStage, pl.programs[tool.ControlPlane]
	p.probe = probe{url: "https://" + pl.addr(p.ports[0]) + "/healthz", ca: clusterCA}
	return p
}

// kwok plays the kubelets of the declared nodes, a real one excepted: its own stages for nodes, ours
// for pods. It holds no leases: a kwok started again would wait up to 40 s for those of the one
// before, and may then pass over the pods of a node whose lease its cache does not show yet. Nodes
// say by their status, every 20 to 25 s, that they live.
func (pl planner) kwok() process {
	flags := []flag{
		{"kubeconfig", pl.layout.kubeconfig("kwok")}, {"config", pl.layout.conf(kwokFile)},
		{"manage-nodes-with-annotation-selector", cluster.SimulatedNodeAnnotation + "=" + cluster.SimulatedNode},
		{"node-ip", loopback}, {"cidr", podCIDR},
		{"node-lease-duration-seconds", "0"}, {"server-address", pl.addr(kwokPort)},
	}
	return process{
		name: "kwok", stage: controlStage, binary: pl.programs[tool.Kwok], args: render(flags, nil),
		inputs: []string{pl.layout.kubeconfig("kwok"), pl.layout.conf(kwokFile)}, ports: []string{kwokPort},
		probe: probe{url: "http://" + pl.addr(kwokPort) + "/healthz"},
	}
}

// pairs are the files of certificates with their keys, and of authorities.
func (l layout) pairs(certs []string, cas ...string) []string {
	var files []string
	for _, c := range certs {
		files = append(files, l.pki(c+".crt"), l.pki(c+".key"))
	}
	for _, ca := range cas {
		files = append(files, l.pki(ca+".crt"))
	}
	for i := range files {
		files[i] = filepath.Clean(files[i])
	}
	return files
}

// own are flags that every provider would set.
func own(common []settings.Flag) []flag {
	flags := make([]flag, len(common))
	for i, f := range common {
		flags[i] = flag{f.Name, f.Value}
	}
	return flags
}
