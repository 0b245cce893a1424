# What is known to write fields of objects after they were applied: a kind, a
# path and a manager together, never a path alone.
package dualtrack.injector

import data.dualtrack.object as obj

known := [
	{"kind": "admissionregistration.k8s.io/MutatingWebhookConfiguration", "path": "/webhooks/*/clientConfig/caBundle", "manager": "cert-manager-cainjector"},
	{"kind": "admissionregistration.k8s.io/ValidatingWebhookConfiguration", "path": "/webhooks/*/clientConfig/caBundle", "manager": "cert-manager-cainjector"},
	{"kind": "admissionregistration.k8s.io/MutatingWebhookConfiguration", "path": "/webhooks/*/clientConfig/caBundle", "manager": "pilot-discovery"},
	{"kind": "admissionregistration.k8s.io/ValidatingWebhookConfiguration", "path": "/webhooks/*/clientConfig/caBundle", "manager": "pilot-discovery"},
	{"kind": "apiextensions.k8s.io/CustomResourceDefinition", "path": "/spec/conversion/webhook/clientConfig/caBundle", "manager": "cert-manager-cainjector"},
	{"kind": "apiregistration.k8s.io/APIService", "path": "/spec/caBundle", "manager": "cert-manager-cainjector"},
	{"kind": "/Service", "path": "/spec/clusterIP", "manager": "kube-apiserver"},
	{"kind": "/Service", "path": "/spec/clusterIPs/*", "manager": "kube-apiserver"},
	{"kind": "/Service", "path": "/spec/healthCheckNodePort", "manager": "kube-apiserver"},
	{"kind": "/Service", "path": "/spec/ports/*/nodePort", "manager": "kube-apiserver"},
	{"kind": "apps/Deployment", "path": "/metadata/annotations/deployment.kubernetes.io~1revision", "manager": "kube-controller-manager"},
	{"kind": "apps/DaemonSet", "path": "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt", "manager": "kubectl-rollout"},
	{"kind": "apps/Deployment", "path": "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt", "manager": "kubectl-rollout"},
	{"kind": "apps/StatefulSet", "path": "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt", "manager": "kubectl-rollout"},
	{"kind": "/Pod", "path": "/spec/containers/*/resources/requests/*", "manager": "vpa-updater"},
]

wrote(field) if {
	some triple in array.concat(known, object.get(data.context.params, ["DT-DRF-003", "triples"], []))
	triple.kind == obj.key
	triple.manager == field.manager
	glob.match(triple.path, ["/"], field.pointer)
}
