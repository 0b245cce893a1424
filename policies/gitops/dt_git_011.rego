package dualtrack.rules.dt_git_011

import data.dualtrack.gitops
import data.dualtrack.object as obj
import data.dualtrack.params
import data.dualtrack.pod

meta := {
	"id": "DT-GIT-011",
	"title": "Nobody's object",
	"severity": "warning",
	"profile": "fleet",
	"why": "Who is called when it breaks stands in the labels, of the object and of its pods; an object without a namespace lands wherever the reconciler happens to stand. That two components render one object, rendering says.",
	"mend": "set the labels, in the pod's template too",
	"refs": ["PCI DSS 6.3", "CIS 5.7"],
	# labels stand on the object and its template; inherited may stand on the
	# namespace in place of the object.
	"params": {"labels": ["app.kubernetes.io/part-of"], "inherited": []},
}

settings := params.of(meta)

labels := obj.member(input.object, ["metadata", "labels"])

template := obj.member(pod.template, ["metadata", "labels"])

findings contains {
	"pointer": "/metadata/labels",
	"message": sprintf("label %s is missing", [label]),
} if {
	input.kind in {"CronJob", "DaemonSet", "Deployment", "Job", "StatefulSet"}
	pod.path
	some label in settings.labels
	obj.text(object.get(labels, label, "")) == ""
}

findings contains {
	"pointer": obj.pointer(pod.base, ["metadata", "labels"]),
	"message": sprintf("label %s is missing on the pods", [label]),
} if {
	input.kind in {"CronJob", "DaemonSet", "Deployment", "Job", "StatefulSet"}
	some label in settings.labels
	obj.text(object.get(template, label, "")) == ""
}

findings contains {
	"pointer": "/metadata/labels",
	"message": sprintf("label %s is missing, here and on namespace %q", [label, input.namespace]),
	"result": result,
} if {
	input.kind in {"CronJob", "DaemonSet", "Deployment", "Job", "StatefulSet"}
	pod.path
	some label in settings.inherited
	obj.text(object.get(labels, label, "")) == ""
	result := inherited(label)
}

inherited(_) := "unknown" if not data.context.namespaces[input.namespace]

inherited(label) := "finding" if {
	space := data.context.namespaces[input.namespace]
	obj.text(object.get(space.labels, label, "")) == ""
}

# Kinds of Kubernetes that stand in a namespace.
namespaced := {
	"ConfigMap": "", "CronJob": "batch", "DaemonSet": "apps", "Deployment": "apps",
	"HorizontalPodAutoscaler": "autoscaling", "Ingress": "networking.k8s.io", "Job": "batch", "LimitRange": "",
	"NetworkPolicy": "networking.k8s.io", "PersistentVolumeClaim": "", "Pod": "", "PodDisruptionBudget": "policy",
	"ResourceQuota": "", "Role": "rbac.authorization.k8s.io", "RoleBinding": "rbac.authorization.k8s.io", "Secret": "",
	"Service": "", "ServiceAccount": "", "StatefulSet": "apps",
}

findings contains {
	"pointer": "/metadata/namespace",
	"message": sprintf("the %s names no namespace", [input.kind]),
	"mend": "set metadata.namespace, or the component's namespace",
} if {
	input.namespace == ""
	namespaced[input.kind] == input.group
}

findings contains {
	"pointer": "/metadata/namespace",
	"message": sprintf("the %s stands in namespace default, which belongs to nobody", [input.kind]),
	"mend": "make a namespace for it",
} if {
	input.namespace == "default"
	not given
}

# The API server puts these there.
given if {
	input.name == "kubernetes"
	input.kind in {"Endpoints", "EndpointSlice", "Service"}
}

given if {
	input.name == "default"
	input.kind == "ServiceAccount"
}

given if input.name == "kube-root-ca.crt"

kustomizations := data.context.reconcilers.Kustomization

self := concat("/", [input.namespace, input.name])

# Two reconcilers of one folder undo each other, each with its own inventory.
findings contains {
	"pointer": "/spec/path",
	"severity": "error",
	"message": sprintf("Kustomization %q applies the same path of the same source", [other]),
	"mend": "leave one of the two, or give each a targetNamespace or a namePrefix",
} if {
	input.kind == "Kustomization"
	gitops.flux
	mine := kustomizations[self]
	mine.varied == false
	some other, entry in kustomizations
	other != self
	entry.varied == false
	entry.brings == mine.brings
}
