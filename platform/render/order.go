package render

import (
	"cmp"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// lastRank is the rank of kinds that no other rank names, custom resources
// among them: after the workloads that may serve them, before webhooks.
const lastRank = 50

// rank gives a kind's place within a stage. Limits and network policies stand
// before the workloads they bind; what can refuse writes comes last.
func rank(gk schema.GroupKind) int {
	switch gk.Kind {
	case "Namespace":
		return 0
	case "CustomResourceDefinition":
		return 1
	case "PriorityClass", "StorageClass", "RuntimeClass", "IngressClass":
		return 2
	case "ResourceQuota", "LimitRange":
		return 3
	case "ServiceAccount":
		return 4
	case "ClusterRole", "Role":
		return 5
	case "ClusterRoleBinding", "RoleBinding":
		return 6
	case "NetworkPolicy":
		return 7
	case "ConfigMap", "Secret":
		return 8
	case "PersistentVolume":
		return 9
	case "PersistentVolumeClaim":
		return 10
	case "Service":
		return lateCore(gk, 11)
	case "DaemonSet":
		return 20
	case "Pod", "ReplicationController", "ReplicaSet":
		return 21
	case "Deployment":
		return 22
	case "StatefulSet":
		return 23
	case "Job":
		return 24
	case "CronJob":
		return 25
	case "PodDisruptionBudget":
		return 30
	case "HorizontalPodAutoscaler":
		return 31
	case "Ingress":
		return 32
	case "ValidatingAdmissionPolicy":
		return 60
	case "ValidatingAdmissionPolicyBinding":
		return 61
	case "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration":
		return 62
	case "APIService":
		return 63
	}
	return lastRank
}

// lateCore keeps a rank for the core group; another group's kind of the same
// name is a custom resource.
func lateCore(gk schema.GroupKind, n int) int {
	if gk.Group != "" {
		return lastRank
	}
	return n
}

// Less orders two objects of a bundle as they are applied: by stage, by kind
// (namespaces and definitions first, webhooks last), by namespace and name,
// then by component.
func Less(a, b Object) bool { return compareObjects(a, b) < 0 }

func compareObjects(a, b Object) int { return standingOf(a).compare(standingOf(b)) }

// standing is what the order of objects depends on, read once of each.
type standing struct {
	identified
	stage, rank int
	component   string
}

// identified tells an object from others of a cluster. The API version does not
// count: two versions of a kind are one object.
type identified struct {
	schema.GroupKind
	namespace, name string
}

func standingOf(o Object) standing {
	gk := o.GroupVersionKind().GroupKind()
	return standing{identified{gk, o.GetNamespace(), o.GetName()}, o.Stage, rank(gk), o.Component}
}

func (a standing) compare(b standing) int {
	if c := cmp.Or(cmp.Compare(a.stage, b.stage), cmp.Compare(a.rank, b.rank)); c != 0 {
		return c
	}
	for _, pair := range [][2]string{{a.namespace, b.namespace}, {a.name, b.name}, {a.Kind, b.Kind}, {a.Group, b.Group}, {a.component, b.component}} {
		if c := strings.Compare(pair[0], pair[1]); c != 0 {
			return c
		}
	}
	return 0
}
