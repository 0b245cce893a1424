package existing

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
)

// simulated says that no kubelet stands behind the node: kwok says so in the
// node's annotation and version.
func simulated(n corev1.Node) bool {
	_, marked := n.Annotations["kwok.x-k8s.io/node"]
	version := n.Status.NodeInfo.KubeletVersion
	return marked || version == "" || version == "fake" || strings.HasPrefix(version, "kwok")
}

// isDefault says that claims without a class get this one.
func isDefault(c storagev1.StorageClass) bool {
	return c.Annotations["storageclass.kubernetes.io/is-default-class"] == "true"
}
