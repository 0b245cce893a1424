package catalog

import "dualtrack.internal/platform/finding"

// Role is a cluster's place in the fleet.
type Role string

// The roles. An edge cluster is a site.
const (
	Hub  Role = "hub"
	Edge Role = "edge"
)

// Cluster is one cluster's desired state: clusters/<name>/cluster.yaml.
type Cluster struct {
	Name   string      `yaml:"-"`
	Labels Labels      `yaml:"-"`
	Spec   ClusterSpec `yaml:"spec" required:"true" doc:"what the cluster is and what it runs"`
	File   string      `yaml:"-"` // cluster.yaml, relative to the repository
	at     places
}

// At is where a field of the cluster stands ("spec.etcd.quota"), or the nearest
// field around it that is written.
func (c *Cluster) At(field string) finding.Position { return c.at.nearest(c.File, field) }

// ClusterSpec is a cluster's spec.
type ClusterSpec struct {
	Role         Role               `yaml:"role" required:"true" enum:"hub,edge" doc:"hub or edge"`
	Profile      string             `yaml:"profile" default:"small" enum:"tiny,small,hub" doc:"size, which selects the components' profiles"`
	Site         Site               `yaml:"site" doc:"where the cluster stands"`
	Provider     string             `yaml:"provider" default:"embedded" enum:"embedded,kind,existing" doc:"what brings the cluster up"`
	Existing     Existing           `yaml:"existing" doc:"where a cluster is found that was there before; only with provider existing"`
	Kind         Kind               `yaml:"kind" doc:"real nodes as containers; used by provider kind, whoever asks for it"`
	Engine       string             `yaml:"engine" default:"library" enum:"library" doc:"what applies the bundle"`
	Track        TrackSettings      `yaml:"track" doc:"how the cluster is judged"`
	Kubernetes   Kubernetes         `yaml:"kubernetes" doc:"control plane settings"`
	Etcd         Etcd               `yaml:"etcd" doc:"etcd settings"`
	Nodes        []Node             `yaml:"nodes" doc:"worker nodes; required unless the provider is existing"`
	Components   []ClusterComponent `yaml:"components" required:"true" doc:"components the cluster runs"`
	Windows      []Window           `yaml:"windows" doc:"maintenance windows, in the site's time zone; none means always"`
	Connectivity string             `yaml:"connectivity" default:"always" enum:"always,scheduled,intermittent" doc:"how the hub reaches the site"`
}

// Existing is where a cluster is found that was there before the platform.
type Existing struct {
	Context string `yaml:"context" doc:"context of the user's kubeconfig (KUBECONFIG, else ~/.kube/config)"`
}

// Kind is what provider kind makes a cluster of. Its nodes are containers: the
// groups of spec.nodes are given to them in turn, with labels and taints.
type Kind struct {
	ControlPlanes int           `yaml:"controlPlanes" enum:"1,3,5" doc:"nodes with a control plane, each with a member of etcd; empty means spec.etcd.members"`
	Workers       *int          `yaml:"workers" min:"0" max:"20" doc:"worker nodes; empty means none beside one control plane and one beside several"`
	PortMappings  []PortMapping `yaml:"portMappings" doc:"ports of the first node that this machine offers too"`
	Mirrors       []Mirror      `yaml:"mirrors" doc:"where nodes ask for images of a registry"`
	ExtraMounts   []Mount       `yaml:"extraMounts" doc:"folders of this machine that every node sees"`
}

// PortMapping is a port of a node that the machine offers too.
type PortMapping struct {
	ContainerPort int    `yaml:"containerPort" required:"true" min:"1" max:"65535" doc:"port of the node, such as a NodePort"`
	HostPort      int    `yaml:"hostPort" required:"true" min:"1" max:"65535" doc:"port of this machine"`
	Address       string `yaml:"address" default:"127.0.0.1" doc:"address of this machine; the default is for this machine alone"`
	Protocol      string `yaml:"protocol" default:"TCP" enum:"TCP,UDP,SCTP" doc:"protocol"`
}

// Mirror is where nodes ask for images of a registry.
type Mirror struct {
	Registry  string   `yaml:"registry" required:"true" pattern:"^[a-z0-9]+([.-][a-z0-9]+)*(:[0-9]{1,5})?$" example:"registry.example.org" doc:"registry as images name it"`
	Endpoints []string `yaml:"endpoints" required:"true" doc:"URLs that are asked, one after the other"`
}

// Mount is a folder of this machine that nodes see.
type Mount struct {
	HostPath      string `yaml:"hostPath" required:"true" doc:"folder or file of this machine, an absolute path"`
	ContainerPath string `yaml:"containerPath" required:"true" doc:"where nodes see it, an absolute path"`
	ReadOnly      bool   `yaml:"readOnly" doc:"nodes may not write to it"`
}

// The providers that a declaration may name.
const (
	ProviderEmbedded = "embedded"
	ProviderKind     = "kind"
	ProviderExisting = "existing"
)

// Site is where a cluster stands.
type Site struct {
	City     string `yaml:"city" doc:"city"`
	Country  string `yaml:"country" doc:"ISO 3166-1 alpha-2 country code" pattern:"^[A-Z]{2}$" example:"NO"`
	Region   string `yaml:"region" doc:"value of topology.kubernetes.io/region on the nodes"`
	Zone     string `yaml:"zone" doc:"value of topology.kubernetes.io/zone on nodes that name none"`
	TimeZone string `yaml:"timeZone" default:"UTC" format:"timezone" doc:"IANA time zone of the maintenance windows"`
	Labels   Labels `yaml:"labels" doc:"further labels of the site"`
}

// TrackSettings choose how a cluster is judged.
type TrackSettings struct {
	ArgoDiff string `yaml:"argoDiff" default:"three-way" enum:"three-way,server-side" doc:"how the Argo track compares: three-way is Argo CD's default"`
}

// Kubernetes is a cluster's control plane. The zero value after defaults is a
// hardened single API server.
type Kubernetes struct {
	APIServers       int         `yaml:"apiServers" default:"1" min:"1" max:"5" doc:"API servers behind one endpoint"`
	AdmissionPlugins []string    `yaml:"admissionPlugins" doc:"admission plugins beyond the default ones"`
	PodSecurity      PodSecurity `yaml:"podSecurity" doc:"Pod Security defaults for namespaces without labels"`
	EncryptSecrets   bool        `yaml:"encryptSecrets" default:"true" doc:"encrypt Secrets at rest"`
	Audit            Audit       `yaml:"audit" doc:"audit log"`
	Requests         Requests    `yaml:"requests" doc:"requests that an API server works on at once; who gets how much of them is said by flow schemas, as component api-fairness has them"`
	Kubelet          Kubelet     `yaml:"kubelet" doc:"what the kubelets of real nodes keep for the system, and how they give CPUs and memory to pods"`
	ExtraArgs        ExtraArgs   `yaml:"extraArgs" doc:"further flags of the programs"`
}

// Requests are the seats of one API server. Priority and fairness shares their
// sum out.
type Requests struct {
	Inflight         int `yaml:"inflight" default:"400" min:"10" max:"10000" doc:"requests at once, beside those that write: --max-requests-inflight"`
	MutatingInflight int `yaml:"mutatingInflight" default:"200" min:"10" max:"10000" doc:"writing requests at once: --max-mutating-requests-inflight; with priority and fairness the sum of both is shared out"`
}

// Kubelet is what all real kubelets of a cluster have in common. Its words are
// those of KubeletConfiguration.
type Kubelet struct {
	CPUManagerPolicy      string           `yaml:"cpuManagerPolicy" default:"none" enum:"none,static" doc:"static: a container of a Guaranteed pod with whole CPUs has them for itself; a change needs the node drained and /var/lib/kubelet/cpu_manager_state removed, which up does for a real node of an embedded cluster"`
	TopologyManagerPolicy string           `yaml:"topologyManagerPolicy" default:"none" enum:"none,best-effort,restricted,single-numa-node" doc:"whether CPUs, memory and devices of a pod come from one NUMA node"`
	TopologyManagerScope  string           `yaml:"topologyManagerScope" default:"container" enum:"container,pod" doc:"what is aligned as one"`
	MemoryManagerPolicy   string           `yaml:"memoryManagerPolicy" default:"None" enum:"None,Static" doc:"Static: memory of Guaranteed pods is kept on NUMA nodes; needs reservedMemory"`
	ReservedSystemCPUs    string           `yaml:"reservedSystemCPUs" pattern:"^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$" example:"0-1" doc:"CPUs that no pod gets, for the system, the kubelet and the queues of network cards; in the place of cpu in systemReserved and kubeReserved"`
	SystemReserved        Reserved         `yaml:"systemReserved" doc:"what the system's own programs need"`
	KubeReserved          Reserved         `yaml:"kubeReserved" doc:"what the kubelet and the container runtime need"`
	EvictionMemory        Quantity         `yaml:"evictionMemory" default:"100Mi" doc:"free memory below which pods are evicted at once: evictionHard memory.available"`
	ReservedMemory        []ReservedMemory `yaml:"reservedMemory" doc:"memory that no pod gets, by NUMA node; its sum is memory of systemReserved and kubeReserved, and evictionMemory"`
}

// Reserved is what pods do not get.
type Reserved struct {
	CPU    Quantity `yaml:"cpu" doc:"CPU"`
	Memory Quantity `yaml:"memory" doc:"memory"`
}

// ReservedMemory is the share of one NUMA node in what pods do not get.
type ReservedMemory struct {
	NUMANode int      `yaml:"numaNode" min:"0" max:"7" doc:"number of the NUMA node"`
	Memory   Quantity `yaml:"memory" required:"true" doc:"memory"`
}

// ExtraArgs are further flags, without dashes, of the control plane programs.
type ExtraArgs struct {
	APIServer         map[string]string `yaml:"apiServer" doc:"flags of kube-apiserver"`
	ControllerManager map[string]string `yaml:"controllerManager" doc:"flags of kube-controller-manager"`
	Scheduler         map[string]string `yaml:"scheduler" doc:"flags of kube-scheduler"`
}

// PodSecurity is the Pod Security admission default of a cluster.
type PodSecurity struct {
	Enforce string `yaml:"enforce" default:"baseline" enum:"privileged,baseline,restricted" doc:"level that refuses a pod"`
	Warn    string `yaml:"warn" default:"restricted" enum:"privileged,baseline,restricted" doc:"level that warns"`
	Audit   string `yaml:"audit" default:"restricted" enum:"privileged,baseline,restricted" doc:"level that is noted in the audit log"`
}

// Audit is a cluster's audit log.
type Audit struct {
	Level      string `yaml:"level" default:"Metadata" enum:"None,Metadata,Request" doc:"level of requests that no stricter rule matches; bodies of Secrets are never logged"`
	MaxSizeMB  int    `yaml:"maxSizeMB" default:"100" min:"1" max:"1000" doc:"size at which the log is rotated"`
	MaxBackups int    `yaml:"maxBackups" default:"10" min:"1" max:"100" doc:"rotated logs kept"`
}

// Etcd is a cluster's store. Quantities are Kubernetes quantities.
type Etcd struct {
	Members       int      `yaml:"members" default:"1" enum:"1,3,5" doc:"members; an even number survives no more losses than the odd one below it"`
	Line          string   `yaml:"line" default:"newest" enum:"newest,supported" doc:"newest: etcd of the baseline; supported: etcd35 of the baseline, the line that upstream pairs with this Kubernetes; provider embedded; data of the newer is not read by the older"`
	GOGC          int      `yaml:"gogc" default:"100" min:"10" max:"400" doc:"Go garbage collection target, percent"`
	GOMemLimit    Quantity `yaml:"goMemLimit" doc:"Go soft memory limit, a quantity; empty means none"`
	BatchInterval Duration `yaml:"batchInterval" default:"100ms" min:"1ms" max:"10s" doc:"longest time before the backend commits a batch"`
	BatchLimit    int      `yaml:"batchLimit" default:"10000" min:"1" max:"1000000" doc:"operations after which the backend commits a batch"`
	SnapshotCount int      `yaml:"snapshotCount" default:"10000" min:"100" max:"1000000" doc:"committed transactions between raft snapshots"`
	Quota         Quantity `yaml:"quota" default:"2Gi" doc:"size of the database at which writes are refused"`
	// HeartbeatInterval and ElectionTimeout follow the slowest way between members.
	HeartbeatInterval Duration          `yaml:"heartbeatInterval" default:"100ms" min:"10ms" max:"10s" doc:"time between a leader's signs of life, in whole milliseconds; about the round trip between members"`
	ElectionTimeout   Duration          `yaml:"electionTimeout" default:"1s" min:"50ms" max:"50s" doc:"how long members wait for a sign of life before they elect another leader, in whole milliseconds; at least 5 heartbeats, 10 are better"`
	ExtraArgs         map[string]string `yaml:"extraArgs" doc:"further flags of etcd"`
}

// Node is a worker node, or several alike.
type Node struct {
	Name     string   `yaml:"name" required:"true" format:"name" doc:"name; with a count over 1, the prefix before -1, -2, …"`
	Count    int      `yaml:"count" default:"1" min:"1" max:"500" doc:"how many nodes alike"`
	Zone     string   `yaml:"zone" doc:"value of topology.kubernetes.io/zone; empty means the site's"`
	Labels   Labels   `yaml:"labels" doc:"further labels"`
	Taints   []Taint  `yaml:"taints" doc:"taints"`
	Capacity Capacity `yaml:"capacity" doc:"what the node offers"`
	Real     bool     `yaml:"real" doc:"a kubelet of this machine with Debian's containerd; needs root and provider embedded; what it offers is the machine's, whatever capacity says"`
	Volumes  []Volume `yaml:"volumes" doc:"local volumes that the node offers; provider embedded simulates them"`
}

// Volume is a local volume of a node, or several alike.
type Volume struct {
	Size  Quantity `yaml:"size" required:"true" doc:"size"`
	Count int      `yaml:"count" default:"1" min:"1" max:"100" doc:"how many volumes alike"`
}

// Taint is a node's taint.
type Taint struct {
	Key    string `yaml:"key" required:"true" doc:"key"`
	Value  string `yaml:"value" doc:"value"`
	Effect string `yaml:"effect" required:"true" enum:"NoSchedule,PreferNoSchedule,NoExecute" doc:"effect"`
}

// Capacity is what a node offers.
type Capacity struct {
	CPU    Quantity `yaml:"cpu" default:"4" doc:"CPU"`
	Memory Quantity `yaml:"memory" default:"8Gi" doc:"memory"`
	Pods   int      `yaml:"pods" default:"110" min:"1" max:"1000" doc:"pods"`
	// NUMANodes is what the kubelet's settings are judged on.
	NUMANodes int `yaml:"numaNodes" default:"1" min:"1" max:"8" doc:"NUMA nodes, over which CPUs and memory are spread evenly"`
}

// ClusterComponent is a component as one cluster runs it.
type ClusterComponent struct {
	Name    string  `yaml:"name" required:"true" doc:"the component"`
	Path    string  `yaml:"path" doc:"folder of the kustomization for this cluster, relative to the component; empty means what the component says"`
	Values  Values  `yaml:"values" doc:"Helm values, within what the component lets clusters set"`
	Patches []Patch `yaml:"patches" doc:"patches over the rendered objects"`
	// Position is where the entry stands.
	Position finding.Position `yaml:"-"`
}

// Window is a maintenance window.
type Window struct {
	Days     []string `yaml:"days" enum:"mon,tue,wed,thu,fri,sat,sun" doc:"weekdays; empty means every day"`
	Start    string   `yaml:"start" required:"true" pattern:"^([01][0-9]|2[0-3]):[0-5][0-9]$" example:"02:30" doc:"begin, HH:MM"`
	Duration Duration `yaml:"duration" required:"true" min:"1m" max:"24h" doc:"length"`
}
