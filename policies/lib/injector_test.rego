package dualtrack.injector_test

import data.dualtrack.fixture as fx
import data.dualtrack.injector

mutating := "admissionregistration.k8s.io/MutatingWebhookConfiguration"

validating := "admissionregistration.k8s.io/ValidatingWebhookConfiguration"

restarted := "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt"

written := [
	[mutating, "/webhooks/0/clientConfig/caBundle", "cert-manager-cainjector"],
	[validating, "/webhooks/1/clientConfig/caBundle", "cert-manager-cainjector"],
	[mutating, "/webhooks/2/clientConfig/caBundle", "pilot-discovery"],
	[validating, "/webhooks/0/clientConfig/caBundle", "pilot-discovery"],
	["apiextensions.k8s.io/CustomResourceDefinition", "/spec/conversion/webhook/clientConfig/caBundle", "cert-manager-cainjector"],
	["apiregistration.k8s.io/APIService", "/spec/caBundle", "cert-manager-cainjector"],
	["/Service", "/spec/clusterIP", "kube-apiserver"],
	["/Service", "/spec/clusterIPs/0", "kube-apiserver"],
	["/Service", "/spec/healthCheckNodePort", "kube-apiserver"],
	["/Service", "/spec/ports/0/nodePort", "kube-apiserver"],
	["apps/Deployment", "/metadata/annotations/deployment.kubernetes.io~1revision", "kube-controller-manager"],
	["apps/DaemonSet", restarted, "kubectl-rollout"],
	["apps/Deployment", restarted, "kubectl-rollout"],
	["apps/StatefulSet", restarted, "kubectl-rollout"],
	["/Pod", "/spec/containers/0/resources/requests/cpu", "vpa-updater"],
]

wrote(key, pointer, manager) if {
	[group, kind] := split(key, "/")
	injector.wrote({"pointer": pointer, "manager": manager}) with input as {"group": group, "kind": kind} with data.context as fx.facts
}

test_fail_each_known if {
	every known in written {
		wrote(known[0], known[1], known[2])
	}
	count(injector.known) == count(written)
}

# Kind, path and manager belong together.
test_pass_each_alone if {
	every known in written {
		not wrote(sprintf("%sList", [known[0]]), known[1], known[2])
		not wrote(known[0], sprintf("%s/more", [known[1]]), known[2])
		not wrote(known[0], known[1], "kubectl-edit")
		not wrote(known[0], known[1], "")
	}
}
