package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/tool"
)

// stage orders programs: a later stage needs the earlier ones.
type stage int

const (
	storeStage stage = iota
	serverStage
	controlStage
	runtimeStage // of the real node
	nodeStage
)

// process is one program of a cluster as it must run.
type process struct {
	name   string // "etcd-1"; also of its log
	stage  stage
	binary string   // path
	args   []string // without the program itself
	env    []string
	inputs []string // files it reads at start; another content means a restart
	ports  []string // names of the ports it listens on
	probe  probe
	inside bool // runs in the real node's namespaces
}

// probe asks a program whether it does its work.
type probe struct {
	url    string
	client string // name of the client certificate; "" for plain HTTP or none
	ca     string // name of the authority
	body   string // what the answer must contain; "" asks for the status alone
}

func (p process) argv() []string { return append([]string{p.binary}, p.args...) }

// settings is a hash over all that would make a restart necessary.
func (p process) settings() (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%q\x00%q\x00", p.argv(), p.env)
	for _, path := range p.inputs {
		data, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("settings of %s: %w", p.name, err)
		}
		fmt.Fprintf(h, "%s\x00%x\x00", path, sha256.Sum256(data))
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// planner renders a cluster's declaration into programs. It reads no file.
type planner struct {
	layout   layout
	spec     cluster.Spec
	ports    map[string]int
	programs map[string]string
	parts    parts // of this machine, for the real node
	link     link  // to the real node
}

func (pl planner) kube() catalog.Kubernetes { return pl.spec.Cluster.Spec.Kubernetes }
func (pl planner) etcd() catalog.Etcd       { return pl.spec.Cluster.Spec.Etcd }
func (pl planner) port(name string) string  { return strconv.Itoa(pl.ports[name]) }
func (pl planner) addr(name string) string  { return loopback + ":" + pl.port(name) }
func (pl planner) servers() int             { return max(1, pl.kube().APIServers) }
func (pl planner) members() int             { return max(1, pl.etcd().Members) }

// The names of ports that stay the same however many servers there are.
const (
	endpointPort  = "endpoint" // what every client of the cluster uses
	managerPort   = "kube-controller-manager"
	schedulerPort = "kube-scheduler"
	kwokPort      = "kwok"
)

// portNames lists the ports a cluster needs, in a fixed order.
func (pl planner) portNames() []string {
	names := []string{endpointPort}
	for _, m := range pl.memberNames() {
		names = append(names, m+" client", m+" peer")
	}
	if pl.servers() > 1 {
		names = append(names, pl.serverNames()...)
	}
	return append(names, managerPort, schedulerPort, kwokPort)
}

// serverPort is the port of the i-th API server: alone, it is the endpoint.
func (pl planner) serverPort(name string) string {
	if pl.servers() == 1 {
		return endpointPort
	}
	return name
}

func (pl planner) memberNames() []string { return numbered("etcd", pl.members()) }
func (pl planner) serverNames() []string { return numbered("kube-apiserver", pl.servers()) }

// numbered gives "x" alone, else "x-1", "x-2", …
func numbered(name string, n int) []string {
	if n == 1 {
		return []string{name}
	}
	names := make([]string, n)
	for i := range names {
		names[i] = name + "-" + strconv.Itoa(i+1)
	}
	return names
}

// etcdProgram is that of the line that the cluster declares.
func (pl planner) etcdProgram() string {
	if pl.etcd().Line == "supported" {
		return tool.Etcd35
	}
	return tool.Etcd
}

// binaries are the names of the programs the plan needs.
func (pl planner) binaries() []string {
	names := []string{tool.ControlPlane, pl.etcdProgram(), tool.Kwok}
	if pl.servers() > 1 || pl.real() != nil {
		names = append(names, tool.Balancer)
	}
	if pl.real() != nil {
		names = append(names, tool.Node, tool.Pause)
	}
	return names
}

// plan lists the processes in the order they start.
func (pl planner) plan() ([]process, error) {
	for _, name := range pl.binaries() {
		if pl.programs[name] == "" {
			return nil, fmt.Errorf("cluster %s: no program %s to run it with", pl.layout.name, name)
		}
	}
	if err := pl.checkExtraArgs(); err != nil {
		return nil, err
	}
	var all []process
	for _, m := range pl.memberNames() {
		p, err := pl.etcdProcess(m)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	for _, s := range pl.serverNames() {
		all = append(all, pl.apiServer(s))
	}
	if pl.servers() > 1 {
		all = append(all, pl.balancer())
	}
	all = append(all, pl.controllerManager(), pl.scheduler(), pl.kwok())
	for i := range all {
		all[i].env = append(all[i].env, "HOME="+pl.layout.path("home"), "PATH=/usr/bin:/bin", "TZ=UTC")
	}
	return append(all, pl.nodeProcesses()...), nil
}

// fixedArgs may not be set by a cluster: the provider wires the programs
// together with them, and keeps them on loopback.
func fixedArgs() []string {
	return []string{
		"advertise-address", "authentication-kubeconfig", "authorization-kubeconfig", "bind-address", "client-ca-file",
		"etcd-cafile", "etcd-certfile", "etcd-keyfile", "etcd-servers", "kubeconfig", "kubelet-certificate-authority",
		"kubelet-client-certificate", "kubelet-client-key", "leader-elect", "master", "secure-port",
		"service-account-key-file", "service-account-private-key-file", "service-account-signing-key-file",
		"service-cluster-ip-range", "tls-cert-file", "tls-private-key-file", "token-auth-file",
	}
}

func (pl planner) checkExtraArgs() error {
	var problems finding.Problems
	extra := pl.kube().ExtraArgs
	for _, part := range []struct {
		field string
		args  map[string]string
	}{{"apiServer", extra.APIServer}, {"controllerManager", extra.ControllerManager}, {"scheduler", extra.Scheduler}} {
		for _, key := range slices.Sorted(maps.Keys(part.args)) {
			if slices.Contains(fixedArgs(), key) || strings.HasPrefix(key, "-") || key == "" {
				problems = append(problems, &finding.Problem{
					Position: finding.Position{File: pl.spec.Cluster.File},
					Field:    "spec.kubernetes.extraArgs." + part.field + "." + key,
					What:     "this flag is the provider's own",
					Mend:     "remove it; names of flags are written without dashes",
				})
			}
		}
	}
	return problems.Err()
}

// flag is one flag of a program.
type flag struct{ name, value string }

// render writes flags as "--name=value", the extra ones replacing equal names
// in their place and standing last, sorted, otherwise.
func render(flags []flag, extra map[string]string) []string {
	used := map[string]bool{}
	var out []string
	for _, f := range flags {
		if v, ok := extra[f.name]; ok {
			f.value, used[f.name] = v, true
		}
		out = append(out, "--"+f.name+"="+f.value)
	}
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		if !used[name] {
			out = append(out, "--"+name+"="+extra[name])
		}
	}
	return out
}
