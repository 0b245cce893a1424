package dualtrack.rules.dt_git_001

import data.dualtrack.gitops
import data.dualtrack.object as obj
import data.dualtrack.params

meta := {
	"id": "DT-GIT-001",
	"title": "Reconciles with the controller's rights",
	"severity": "error",
	"profile": "fleet",
	"why": "Without a service account of its own a Kustomization or HelmRelease acts as its controller, which may do everything: so may whoever writes to its source.",
	"mend": "set serviceAccountName to one whose role holds what is to be applied",
	"refs": ["CIS 5.1", "PCI DSS 7.2"],
	"params": {"platformNS": ["flux-system"]},
}

controllers := {"HelmRelease": "helm-controller", "Kustomization": "kustomize-controller"}

tenant if {
	gitops.flux
	not input.namespace in params.of(meta).platformNS
}

account := obj.text(object.get(gitops.spec, "serviceAccountName", ""))

# remote says that another cluster decides whom it acts as.
remote if is_object(object.get(gitops.spec, "kubeConfig", null))

findings contains {
	"pointer": "/spec",
	"message": sprintf("the %s names no service account, so it acts as %s", [input.kind, controllers[input.kind]]),
} if {
	input.kind in {"HelmRelease", "Kustomization"}
	tenant
	account == ""
	not remote
	not defaulted
}

# The controller's own flag gives those without one an account.
defaulted if {
	some flag in data.context.fluxFlags[controllers[input.kind]]
	regex.match(`^--default-service-account=.+$`, flag)
}

findings contains {
	"pointer": "/spec/serviceAccountName",
	"message": sprintf("cluster-admin is bound to service account %q", [account]),
	"mend": "bind a role that holds what is to be applied",
} if {
	input.kind in {"HelmRelease", "Kustomization"}
	tenant
	not remote
	account in data.context.admins[input.namespace]
}
