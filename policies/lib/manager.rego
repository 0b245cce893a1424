# Field managers: who writes the fields of live objects. The name comes from
# the client, so it can be forged; it tells a slip from a controller, not an
# attacker from a colleague.
package dualtrack.manager

# reconcilers bring what Git says; what they wrote last is merely not current.
reconcilers := {"argocd-controller", "dualtrack", "helm-controller", "kustomize-controller"}

# controllers are the cluster's own programs.
controllers := {
	"cloud-controller-manager",
	"kube-apiserver",
	"kube-controller-manager",
	"kube-scheduler",
	"kubelet",
	"kwok",
	"kwok-controller",
}

# scalers write the scale subresource for an autoscaler.
scalers := {"keda", "keda-operator", "kube-controller-manager"}

human(name) if startswith(name, "kubectl")

human(name) if startswith(name, "Mozilla")

human(name) if name in {"Lens", "dashboard", "k9s"}
