package dualtrack.rules.dt_rba_006

import data.dualtrack.grant
import data.dualtrack.object as obj
import data.dualtrack.params

meta := {
	"id": "DT-RBA-006",
	"title": "Binding to everybody",
	"severity": "error",
	"profile": "baseline",
	"why": "Rights of a group that everyone is in, of nobody, or of the account that pods get without asking, are rights of whoever gets in.",
	"mend": "name a service account of the workload",
	"refs": ["CIS 5.1", "PCI DSS 8.2"],
	"params": {"allow": ["system:discovery", "system:public-info-viewer"]},
}

subjects := [{"index": index, "subject": subject} |
	input.kind in {"ClusterRoleBinding", "RoleBinding"}
	input.group == "rbac.authorization.k8s.io"
	not grant.bootstrap
	not object.get(input.object, ["roleRef", "name"], "") in params.of(meta).allow
	some index, subject in obj.items(input.object, "subjects")
]

everybody := {"system:authenticated", "system:masters", "system:serviceaccounts", "system:unauthenticated"}

findings contains {
	"pointer": obj.pointer("/subjects", [at.index, "name"]),
	"message": sprintf("it binds group %q", [at.subject.name]),
} if {
	input.kind in {"ClusterRoleBinding", "RoleBinding"}
	some at in subjects
	at.subject.kind == "Group"
	at.subject.name in everybody
}

# The accounts of one namespace: whoever may make a pod there.
findings contains {
	"pointer": obj.pointer("/subjects", [at.index, "name"]),
	"severity": "warning",
	"message": sprintf("it binds every service account of a namespace, group %q", [at.subject.name]),
} if {
	input.kind in {"ClusterRoleBinding", "RoleBinding"}
	some at in subjects
	at.subject.kind == "Group"
	startswith(obj.text(at.subject.name), "system:serviceaccounts:")
}

findings contains {
	"pointer": obj.pointer("/subjects", [at.index, "name"]),
	"message": "it binds system:anonymous, which is everybody who does not say who they are",
} if {
	input.kind in {"ClusterRoleBinding", "RoleBinding"}
	some at in subjects
	at.subject.kind == "User"
	at.subject.name == "system:anonymous"
}

findings contains {
	"pointer": obj.pointer("/subjects", [at.index, "name"]),
	"message": "it binds the service account default, which every pod has that names none",
} if {
	input.kind in {"ClusterRoleBinding", "RoleBinding"}
	some at in subjects
	at.subject.kind == "ServiceAccount"
	at.subject.name == "default"
}
