package policy

import (
	"cmp"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// clusterKind is the kind of the object that stands for the cluster's settings.
const clusterKind = "Cluster"

// clusterObject stands for the cluster's own settings, so that rules judge
// them as they judge kubeadm's. What a declaration leaves out has the values
// that package settings gives it.
func clusterObject(c *catalog.Cluster) render.Object {
	kube, etcd := c.Spec.Kubernetes, c.Spec.Etcd
	return render.Object{
		Source: finding.Position{File: c.File},
		Unstructured: &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": catalog.APIVersion, "kind": clusterKind, "metadata": map[string]any{"name": c.Name},
			"spec": map[string]any{
				"kubernetes": map[string]any{
					"admissionPlugins": anyOf(kube.AdmissionPlugins),
					"audit": map[string]any{
						"level":     cmp.Or(kube.Audit.Level, "Metadata"),
						"maxSizeMB": int64(cmp.Or(kube.Audit.MaxSizeMB, 100)), "maxBackups": int64(cmp.Or(kube.Audit.MaxBackups, 10)),
					},
					"encryptSecrets": kube.EncryptSecrets,
					"extraArgs": map[string]any{
						"apiServer": flagsOf(kube.ExtraArgs.APIServer), "controllerManager": flagsOf(kube.ExtraArgs.ControllerManager),
						"scheduler": flagsOf(kube.ExtraArgs.Scheduler),
					},
				},
				"etcd": map[string]any{"members": int64(cmp.Or(etcd.Members, 1)), "extraArgs": flagsOf(etcd.ExtraArgs)},
			},
		}},
	}
}

// nodesOf says how many nodes a cluster declares: 0 where it declares none, 1, or 2
// for more, for rules ask no further.
func nodesOf(c *catalog.Cluster) int {
	sum := 0
	for _, n := range c.Spec.Nodes {
		sum += max(n.Count, 1)
	}
	return min(sum, 2)
}

func flagsOf(flags map[string]string) map[string]any {
	out := map[string]any{}
	for k, v := range flags {
		out[k] = v
	}
	return out
}

func anyOf(list []string) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}
