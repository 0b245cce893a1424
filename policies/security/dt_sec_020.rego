package dualtrack.rules.dt_sec_020

import data.dualtrack.object as obj
import data.dualtrack.params

meta := {
	"id": "DT-SEC-020",
	"title": "Namespace without Pod Security",
	"severity": "warning",
	"profile": "fleet",
	"why": "Pod Security judges pods alone: a Deployment it would refuse is admitted, with no pods. Without a version its rules change with the cluster's upgrade.",
	"mend": "label the namespace with pod-security.kubernetes.io/enforce and enforce-version",
	"refs": ["CIS 5.2"],
	# The weakest level that a namespace may enforce, and the namespaces left out.
	"params": {"level": "baseline", "system": ["kube-node-lease", "kube-public", "kube-system"]},
}

tuned := params.of(meta)

enforce := "pod-security.kubernetes.io/enforce"

version := "pod-security.kubernetes.io/enforce-version"

ranks := {"privileged": 0, "baseline": 1, "restricted": 2}

labels := obj.member(obj.member(input.object, "metadata"), "labels")

judged if {
	input.kind == "Namespace"
	input.group == ""
	not input.name in tuned.system
}

findings contains {
	"pointer": obj.pointer("/metadata/labels", [enforce]),
	"message": "the namespace does not say which level of Pod Security it enforces",
	"patch": obj.set_at(input.object, "", ["metadata", "labels", enforce], tuned.level),
} if {
	judged
	object.get(labels, enforce, null) == null
}

findings contains {
	"pointer": obj.pointer("/metadata/labels", [enforce]),
	"message": sprintf("the namespace enforces %q, which is no level of Pod Security", [labels[enforce]]),
	"mend": "write privileged, baseline or restricted",
} if {
	judged
	is_string(labels[enforce])
	not labels[enforce] in object.keys(ranks)
}

findings contains {
	"pointer": obj.pointer("/metadata/labels", [enforce]),
	"message": sprintf("the namespace enforces %s, which is weaker than %s", [labels[enforce], tuned.level]),
	"mend": "move what needs it into a namespace of its own, and let an exception say why",
} if {
	judged
	ranks[labels[enforce]] < ranks[tuned.level]
}

# Whoever may do everything may do so at any version.
findings contains {
	"pointer": obj.pointer("/metadata/labels", [version]),
	"message": sprintf("the level that the namespace enforces is not pinned: %s", [unpinned]),
	"patch": obj.set_at(input.object, "", ["metadata", "labels", version], sprintf("v1.%d", [data.context.cluster.minor])),
} if {
	judged
	object.get(labels, enforce, "") != "privileged"
}

unpinned := "it has no version" if object.get(labels, version, null) == null

unpinned := "latest changes with every upgrade" if labels[version] == "latest"

# A version of the future is read as latest.
unpinned := sprintf("%s is newer than the cluster", [labels[version]]) if {
	is_string(labels[version])
	some found in regex.find_all_string_submatch_n(`^v1\.([0-9]{1,4})$`, labels[version], 1)
	to_number(found[1]) > data.context.cluster.minor
}
