package kind

import (
	"maps"

	"dualtrack.internal/platform/cluster/settings"
)

// kubeadmVersion is the newest configuration that kubeadm of the baseline reads.
const kubeadmVersion = "kubeadm.k8s.io/v1beta3"

// etcdMetrics is where a member serves metrics and its health, and nothing else:
// kubeadm's own port, but to Prometheus' pod too, not to the node alone. It asks for
// no certificate; one of a client would open every key as well.
const etcdMetrics = "http://0.0.0.0:2381"

// kubeadmDocs are the parts of kubeadm's configuration. They are whole, but for
// what differs from node to node: kind adds addresses and names.
type kubeadmDocs struct{ cluster, init, join, kubelet settings.Object }

func (p plan) kubeadm() (kubeadmDocs, error) {
	etcdFlags, err := p.settings.EtcdFlags()
	if err != nil {
		return kubeadmDocs{}, err
	}
	etcd := settings.Object{"extraArgs": anyMap(settings.Merge(p.spec.Cluster.Spec.Etcd.ExtraArgs, etcdFlags, []settings.Flag{{Name: "listen-metrics-urls", Value: etcdMetrics}}))}
	if p.image.EtcdTag != "" {
		etcd["imageTag"] = p.image.EtcdTag
	}
	registration := settings.Object{"criSocket": "unix:///run/containerd/containerd.sock"}
	if p.control > 1 && p.workers == 0 {
		registration["taints"] = []any{} // else there is no node for pods
	}
	patches := settings.Object{"directory": patchesFolder}
	extra := p.spec.Cluster.Spec.Kubernetes.ExtraArgs
	return kubeadmDocs{
		cluster: settings.Object{
			"apiVersion": kubeadmVersion, "kind": "ClusterConfiguration",
			"clusterName": p.name, "kubernetesVersion": p.spec.Kubernetes, "controlPlaneEndpoint": p.endpoint() + ":6443",
			"networking": settings.Object{"podSubnet": podSubnet, "serviceSubnet": serviceSubnet},
			"apiServer":  p.apiServer(),
			"controllerManager": settings.Object{"extraArgs": anyMap(settings.Merge(extra.ControllerManager,
				p.settings.Managers(), p.settings.ControllerManager()))},
			"scheduler": settings.Object{"extraArgs": anyMap(settings.Merge(extra.Scheduler, p.settings.Managers()))},
			"etcd":      settings.Object{"local": etcd},
		},
		init: settings.Object{
			"apiVersion": kubeadmVersion, "kind": "InitConfiguration", "nodeRegistration": registration, "patches": patches,
		},
		join: settings.Object{
			"apiVersion": kubeadmVersion, "kind": "JoinConfiguration", "nodeRegistration": registration, "patches": patches,
		},
		kubelet: p.settings.Kubelet(),
	}, nil
}

// shared is a kubelet's configuration where nodes are containers of one machine:
// how full its disk is, is its owner's matter.
func shared(kubelet settings.Object) settings.Object {
	hard, declared := kubelet["evictionHard"].(settings.Object)
	if !declared {
		return kubelet
	}
	out := maps.Clone(kubelet)
	out["evictionHard"] = settings.Object{
		"memory.available": hard["memory.available"], "nodefs.available": "0%", "imagefs.available": "0%", "nodefs.inodesFree": "0%",
	}
	return out
}

// apiServer leaves anonymous requests on: kubeadm's probes and joining nodes
// make them, and its roles let them read nothing else.
func (p plan) apiServer() settings.Object {
	files := settings.Files{
		Admission: confFolder + "/admission.yaml", Encryption: confFolder + "/encryption.yaml",
		AuditPolicy: confFolder + "/audit-policy.yaml", AuditLog: auditFolder + "/kube-apiserver.log",
	}
	return settings.Object{
		"certSANs":  []any{"localhost", "127.0.0.1"},
		"extraArgs": anyMap(settings.Merge(p.spec.Cluster.Spec.Kubernetes.ExtraArgs.APIServer, p.settings.APIServer(files, p.control))),
		"extraVolumes": []any{
			settings.Object{"name": "dualtrack-conf", "hostPath": confFolder, "mountPath": confFolder, "readOnly": true, "pathType": "Directory"},
			settings.Object{"name": "dualtrack-audit", "hostPath": auditFolder, "mountPath": auditFolder, "pathType": "DirectoryOrCreate"},
		},
	}
}

// joining completes the configuration of a node that joins. kind does the same
// by itself, with its well-known token of clusters that only this machine reaches.
func (p plan) joining(join settings.Object, control bool) settings.Object {
	out := settings.Object{"discovery": settings.Object{"bootstrapToken": settings.Object{
		"apiServerEndpoint": p.endpoint() + ":6443", "token": "abcdef.0123456789abcdef", "unsafeSkipCAVerification": true,
	}}}
	for k, v := range join {
		out[k] = v
	}
	if control {
		out["controlPlane"] = settings.Object{"localAPIEndpoint": settings.Object{"bindPort": 6443}}
	}
	return out
}
