package kind

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/cluster/settings"
)

// Where a node finds what the provider gives it.
const (
	confFolder    = catalog.KindFolder + "/conf"
	patchesFolder = catalog.KindFolder + "/patches"
	auditFolder   = "/var/log/kubernetes/audit"
	hostsFolder   = "/etc/containerd/certs.d" // of containerd, as the node image sets it
)

// The networks of a cluster; every cluster has its own.
const (
	podSubnet     = "10.244.0.0/16"
	serviceSubnet = "10.96.0.0/16"
)

// SecretPlaceholder stands where the key for Secrets would be.
const SecretPlaceholder = "BASE64-OF-32-RANDOM-BYTES"

// File is a configuration file, by its path below the cluster's folder.
type File struct {
	Path string
	Data []byte
}

// Image is what nodes start from.
type Image struct {
	Ref string `json:"ref"`
	// EtcdTag is the tag of etcd's image inside; "" means kubeadm's own default.
	EtcdTag string `json:"etcdTag,omitempty"`
}

// plan is a cluster as kind makes it. It reads and writes nothing.
type plan struct {
	name     string // of the cluster in kind
	spec     cluster.Spec
	settings settings.Settings
	image    Image
	control  int
	workers  int
	nodes    []node
}

// newPlan counts the nodes and names them.
func newPlan(spec cluster.Spec, image Image) plan {
	c, k := spec.Cluster, spec.Cluster.Spec.Kind
	p := plan{name: kindName(spec.Fleet, c.Name), spec: spec, settings: settings.Of(c, spec.Kubernetes), image: image}
	p.control = max(1, c.Spec.Etcd.Members)
	if k.ControlPlanes > 0 {
		p.control = k.ControlPlanes
	}
	if p.control > 1 {
		p.workers = 1
	}
	if k.Workers != nil {
		p.workers = *k.Workers
	}
	p.nodes = p.nameNodes()
	return p
}

// mostName is the longest name that leaves room in a host name for what kind
// puts behind it.
const mostName = 40

// kindName names a cluster among all that kind has on the machine.
func kindName(fleet, name string) string {
	full := "dualtrack-" + fleet + "-" + name
	if len(full) <= mostName {
		return full
	}
	const digits = 8
	sum := sha256.Sum256([]byte(full))
	return strings.TrimRight(full[:mostName-digits-1], "-") + "-" + hex.EncodeToString(sum[:])[:digits]
}

// endpoint is the container that answers for the API.
func (p plan) endpoint() string {
	if p.control > 1 {
		return p.name + "-external-load-balancer"
	}
	return p.name + "-control-plane"
}

// files renders what is mounted into the nodes. The key is base64 of 32 bytes.
func (p plan) files(key string) ([]File, error) {
	quiet := settings.Quiet{Users: []string{"system:kube-controller-manager", "system:kube-scheduler"}, Groups: []string{"system:nodes"}}
	etcd, err := p.etcdPatch()
	if err != nil {
		return nil, err
	}
	var files []File
	for _, f := range []struct {
		path string
		doc  settings.Object
	}{
		{"conf/admission.yaml", p.settings.Admission()},
		{"conf/audit-policy.yaml", p.settings.AuditPolicy(quiet)},
		{"conf/encryption.yaml", p.settings.Encryption(key)},
		{"patches/etcd+strategic.yaml", etcd},
	} {
		data, err := yaml.Marshal(f.doc)
		if err != nil {
			return nil, fmt.Errorf("cluster %s: %s: %w", p.spec.Cluster.Name, f.path, err)
		}
		files = append(files, File{f.path, data})
	}
	for _, m := range p.spec.Cluster.Spec.Kind.Mirrors {
		files = append(files, File{"hosts/" + m.Registry + "/hosts.toml", hosts(m)})
	}
	return files, nil
}

// hosts is containerd's file about one registry.
func hosts(m catalog.Mirror) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "server = %q\n", "https://"+m.Registry)
	for _, e := range m.Endpoints {
		fmt.Fprintf(&b, "\n[host.%q]\n  capabilities = [\"pull\", \"resolve\"]\n", e)
	}
	return []byte(b.String())
}

// etcdPatch gives etcd its environment, for which kubeadm's configuration of
// this version has no field.
func (p plan) etcdPatch() (settings.Object, error) {
	declared, err := p.settings.EtcdEnv()
	if err != nil {
		return nil, err
	}
	var env []any
	for _, e := range declared {
		env = append(env, settings.Object{"name": e.Name, "value": e.Value})
	}
	return settings.Object{
		"apiVersion": "v1", "kind": "Pod", "metadata": settings.Object{"name": "etcd", "namespace": "kube-system"},
		"spec": settings.Object{"containers": []any{settings.Object{"name": "etcd", "env": env}}},
	}, nil
}

// config is the cluster in kind's words. root is the folder that holds files.
func (p plan) config(root string, port int) (*v1alpha4.Cluster, error) {
	docs, err := p.kubeadm()
	if err != nil {
		return nil, err
	}
	cfg := &v1alpha4.Cluster{
		TypeMeta: v1alpha4.TypeMeta{APIVersion: "kind.x-k8s.io/v1alpha4", Kind: "Cluster"},
		Name:     p.name,
		Networking: v1alpha4.Networking{
			IPFamily: v1alpha4.IPv4Family, APIServerAddress: "127.0.0.1", APIServerPort: int32(port),
			PodSubnet: podSubnet, ServiceSubnet: serviceSubnet,
		},
	}
	for _, doc := range []settings.Object{docs.cluster, docs.init, docs.join, shared(docs.kubelet)} {
		data, err := yaml.Marshal(doc)
		if err != nil {
			return nil, fmt.Errorf("cluster %s: kubeadm: %w", p.spec.Cluster.Name, err)
		}
		cfg.KubeadmConfigPatches = append(cfg.KubeadmConfigPatches, string(data))
	}
	for i, n := range p.nodes {
		made := v1alpha4.Node{Role: n.role, Image: p.image.Ref, Labels: n.kubeletLabels(), ExtraMounts: p.mounts(root)}
		if i == 0 {
			for _, m := range p.spec.Cluster.Spec.Kind.PortMappings {
				made.ExtraPortMappings = append(made.ExtraPortMappings, v1alpha4.PortMapping{
					ContainerPort: int32(m.ContainerPort), HostPort: int32(m.HostPort),
					ListenAddress: m.Address, Protocol: v1alpha4.PortMappingProtocol(m.Protocol),
				})
			}
		}
		cfg.Nodes = append(cfg.Nodes, made)
	}
	return cfg, nil
}

func (p plan) mounts(root string) []v1alpha4.Mount {
	mounts := []v1alpha4.Mount{
		{HostPath: root + "/conf", ContainerPath: confFolder, Readonly: true},
		{HostPath: root + "/patches", ContainerPath: patchesFolder, Readonly: true},
	}
	k := p.spec.Cluster.Spec.Kind
	if len(k.Mirrors) > 0 {
		mounts = append(mounts, v1alpha4.Mount{HostPath: root + "/hosts", ContainerPath: hostsFolder, Readonly: true})
	}
	for _, m := range k.ExtraMounts {
		mounts = append(mounts, v1alpha4.Mount{HostPath: m.HostPath, ContainerPath: m.ContainerPath, Readonly: m.ReadOnly})
	}
	return mounts
}

// hash is over all that a cluster cannot change in place. Labels and taints of
// nodes are not in it, nor is the image: a cluster keeps the one it was made of.
func (p plan) hash() (string, error) {
	cfg, err := p.config("", 1)
	if err != nil {
		return "", err
	}
	for i := range cfg.Nodes {
		cfg.Nodes[i].Labels, cfg.Nodes[i].Image = nil, ""
	}
	files, err := p.files(SecretPlaceholder)
	if err != nil {
		return "", err
	}
	data, err := json.Marshal(struct {
		Config *v1alpha4.Cluster
		Files  []File
	}{cfg, files})
	if err != nil {
		return "", fmt.Errorf("cluster %s: settings: %w", p.spec.Cluster.Name, err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16]), nil
}

// numbered gives kind's names of the nodes of one role.
func numbered(prefix string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = prefix
		if i > 0 {
			names[i] += strconv.Itoa(i + 1)
		}
	}
	return names
}

// Render gives everything that a cluster's nodes are configured with, as files:
// kubeadm's configuration for each kind of node, its patches, what the API
// server reads, and kind's own configuration. The key for Secrets is left out.
// The same declaration gives the same bytes.
func Render(spec cluster.Spec, image Image) ([]File, error) {
	p := newPlan(spec, image)
	files, err := p.files(SecretPlaceholder)
	if err != nil {
		return nil, err
	}
	docs, err := p.kubeadm()
	if err != nil {
		return nil, err
	}
	for _, f := range []struct {
		path string
		docs []settings.Object
		want bool
	}{
		{"kubeadm-init.yaml", []settings.Object{docs.cluster, docs.init, docs.kubelet}, true},
		{"kubeadm-join-control-plane.yaml", []settings.Object{p.joining(docs.join, true)}, p.control > 1},
		{"kubeadm-join-worker.yaml", []settings.Object{p.joining(docs.join, false)}, p.workers > 0},
	} {
		if !f.want {
			continue
		}
		var b strings.Builder
		for i, doc := range f.docs {
			data, err := yaml.Marshal(doc)
			if err != nil {
				return nil, fmt.Errorf("cluster %s: %s: %w", spec.Cluster.Name, f.path, err)
			}
			if i > 0 {
				b.WriteString("---\n")
			}
			b.Write(data)
		}
		files = append(files, File{f.path, []byte(b.String())})
	}
	cfg, err := p.config("STATE", 0)
	if err != nil {
		return nil, err
	}
	data, err := yaml.Marshal(cfg)
	if err != nil {
		return nil, fmt.Errorf("cluster %s: kind: %w", spec.Cluster.Name, err)
	}
	files = append(files, File{"kind.yaml", data})
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files, nil
}

// anyMap is a map as documents hold it.
func anyMap(m map[string]string) settings.Object {
	out := settings.Object{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out[k] = m[k]
	}
	return out
}
