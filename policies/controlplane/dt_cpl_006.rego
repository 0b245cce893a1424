package dualtrack.programs.dt_cpl_006

import data.dualtrack.object as obj
import data.dualtrack.program
import data.dualtrack.selector

meta := {
	"id": "DT-CPL-006",
	"title": "Obsolete or dangerous control-plane setting",
	"severity": "error",
	"profile": "baseline",
	"why": "A program that is given a flag, plugin or gate it no longer knows does not start; a webhook that must answer before kube-system may change can lock a cluster for good.",
	"mend": "remove it",
	"refs": ["CIS 1.2", "NSA Upgrading"],
}

# What the programs of this minor, and later ones, do not know any more.
since := 28

gone := {
	"kube-apiserver": {
		"address",
		"basic-auth-file",
		"deserialization-cache-size",
		"enable-swagger-ui",
		"experimental-bootstrap-token-auth",
		"experimental-encryption-provider-config",
		"insecure-bind-address",
		"insecure-port",
		"kubelet-https",
		"port",
		"repair-malformed-updates",
		"service-account-api-audiences",
		"ssh-user",
		"storage-versions",
		"target-ram-mb",
	},
	"kube-controller-manager": {
		"address",
		"deployment-controller-sync-period",
		"enable-taint-manager",
		"experimental-cluster-signing-duration",
		"horizontal-pod-autoscaler-use-rest-clients",
		"pod-eviction-timeout",
		"port",
		"register-retry-count",
	},
	"kube-scheduler": {
		"address",
		"algorithm-provider",
		"hard-pod-affinity-symmetric-weight",
		"lock-object-name",
		"policy-config-file",
		"policy-configmap",
		"port",
		"scheduler-name",
		"use-legacy-policy-config",
	},
	"kubelet": {
		"allow-privileged",
		"cadvisor-port",
		"cni-bin-dir",
		"cni-conf-dir",
		"container-runtime",
		"docker-endpoint",
		"dynamic-config-dir",
		"host-ipc-sources",
		"image-pull-progress-deadline",
		"master-service-namespace",
		"network-plugin",
		"network-plugin-mtu",
		"non-masquerade-cidr",
		"redirect-container-streaming",
		"seccomp-profile-root",
	},
}

gates := {
	"CSIInlineVolume",
	"CSIMigration",
	"CSIMigrationAWS",
	"CronJobControllerV2",
	"DaemonSetUpdateSurge",
	"DisableAcceleratorUsageMetrics",
	"DynamicKubeletConfig",
	"EphemeralContainers",
	"ExpandCSIVolumes",
	"ExpandPersistentVolumes",
	"IPv6DualStack",
	"IdentifyPodOS",
	"LocalStorageCapacityIsolation",
	"NetworkPolicyEndPort",
	"PodPriority",
	"PodSecurity",
	"ServiceInternalTrafficPolicy",
	"ServiceLBStatusIngress",
	"StartupProbe",
	"StatefulSetMinReadySeconds",
	"SuspendJob",
	"TTLAfterFinished",
	"WindowsHostProcessContainers",
}

plugins := {
	"AlwaysAdmit": "lets everything in and checks nothing",
	"AlwaysDeny": "lets nothing in",
	"DenyEscalatingExec": "is no plugin any more",
	"DenyExecOnPrivileged": "is no plugin any more",
	"Initializers": "is no plugin any more",
	"PodSecurityPolicy": "is no plugin any more; Pod Security took its place",
	"SecurityContextDeny": "is off behind a gate and being removed; Pod Security took its place",
}

# Without these the API server keeps no promise that others build on.
needed := {
	"CertificateApproval",
	"CertificateSigning",
	"CertificateSubjectRestriction",
	"LimitRanger",
	"MutatingAdmissionWebhook",
	"NamespaceLifecycle",
	"NodeRestriction",
	"PodSecurity",
	"ResourceQuota",
	"ServiceAccount",
	"ValidatingAdmissionPolicy",
	"ValidatingAdmissionWebhook",
}

findings contains {
	"pointer": flag.pointer,
	"container": instance.container,
	"message": sprintf("%s does not know the flag %s any more and will not start", [name, flag.name]),
	"patch": program.without(instance, flag),
} if {
	data.context.cluster.minor >= since
	some name, flags in gone
	some instance in program.named(name)
	some flag in instance.flags
	flag.name in flags
}

findings contains {
	"pointer": flag.pointer,
	"container": instance.container,
	"message": sprintf("%s does not know the feature gate %s any more and will not start", [name, gate]),
	"mend": "remove the gate",
} if {
	data.context.cluster.minor >= since
	some name in program.names
	some instance in program.named(name)
	flag := program.flag(instance, "feature-gates")
	some pair in split(flag.value, ",")
	gate := trim_prefix(split(pair, "=")[0], " ")
	gate in gates
}

findings contains {
	"pointer": program.at(file, ["featureGates", gate]),
	"message": sprintf("the kubelet does not know the feature gate %s any more and will not start", [gate]),
	"mend": "remove the gate",
} if {
	data.context.cluster.minor >= since
	some file in program.file_of("KubeletConfiguration")
	some gate in object.keys(obj.member(file.object, "featureGates"))
	gate in gates
}

findings contains {
	"pointer": flag.pointer,
	"container": server.container,
	"message": sprintf("the admission plugin %s %s", [plugin, what]),
	"mend": "remove it from the list",
} if {
	some server in program.named("kube-apiserver")
	some name in ["admission-control", "enable-admission-plugins"]
	flag := program.flag(server, name)
	some plugin in split(flag.value, ",")
	what := plugins[plugin]
}

findings contains {
	"pointer": obj.pointer("/spec/kubernetes/admissionPlugins", [index]),
	"message": sprintf("the admission plugin %s %s", [plugin, what]),
	"mend": "remove it from the list",
	"patch": [{"op": "remove", "path": obj.pointer("/spec/kubernetes/admissionPlugins", [index])}],
} if {
	input.kind == "Cluster"
	some index, plugin in obj.items(input.object, ["spec", "kubernetes", "admissionPlugins"])
	what := plugins[plugin]
}

findings contains {
	"pointer": flag.pointer,
	"container": server.container,
	"message": sprintf("the admission plugin %s is switched off", [plugin]),
	"mend": "remove it from the list",
} if {
	some server in program.named("kube-apiserver")
	flag := program.flag(server, "disable-admission-plugins")
	some plugin in split(flag.value, ",")
	plugin in needed
}

# webhooks are those that must answer, or nothing goes.
webhooks contains {"pointer": obj.pointer("/webhooks", [index]), "value": webhook, "name": obj.text(object.get(webhook, "name", ""))} if {
	input.kind in {"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"}
	input.group == "admissionregistration.k8s.io"
	some index, webhook in obj.items(input.object, "webhooks")
	is_object(webhook)
}

strict(webhook) if {
	object.get(webhook, "failurePolicy", "Fail") == "Fail"
	selector.empty(obj.member(webhook, "objectSelector"))
}

# vital kinds are what the cluster's own programs change.
vital(webhook) if {
	some rule in obj.items(webhook, "rules")
	object.get(rule, "scope", "*") in {"*", "Namespaced"}
	some group in obj.items(rule, "apiGroups")
	group in {"", "*", "apps", "batch", "coordination.k8s.io", "discovery.k8s.io"}
}

pods(webhook) if {
	some rule in obj.items(webhook, "rules")
	some group in obj.items(rule, "apiGroups")
	group in {"", "*"}
	some resource in obj.items(rule, "resources")
	resource in {"*", "*/*", "pods"}
}

# Every namespace carries its own name as a label.
covers(webhook, namespace) if selector.matches(obj.member(webhook, "namespaceSelector"), {"kubernetes.io/metadata.name": namespace})

findings contains {
	"pointer": obj.pointer(hook.pointer, ["failurePolicy"]),
	"message": sprintf("while webhook %q does not answer, nothing in kube-system can change", [hook.name]),
	"mend": "leave kube-system out with a namespaceSelector, or set failurePolicy to Ignore",
} if {
	some hook in webhooks
	strict(hook.value)
	vital(hook.value)
	covers(hook.value, "kube-system")
}

findings contains {
	"pointer": obj.pointer(hook.pointer, ["namespaceSelector"]),
	"message": sprintf("webhook %q has to admit its own pods: once they are gone they never come back", [hook.name]),
	"mend": "leave the webhook's own namespace out with a namespaceSelector",
} if {
	some hook in webhooks
	strict(hook.value)
	pods(hook.value)
	namespace := obj.member(hook.value, ["clientConfig", "service"]).namespace
	namespace != "kube-system"
	covers(hook.value, namespace)
}

findings contains {
	"pointer": at,
	"message": sprintf("webhook %q may hold up each request for %v seconds", [hook.name, hook.value.timeoutSeconds]),
	"mend": "set timeoutSeconds to 10 or less",
	"patch": [{"op": "replace", "path": at, "value": 10}],
} if {
	some hook in webhooks
	is_number(hook.value.timeoutSeconds)
	hook.value.timeoutSeconds > 10
	at := obj.pointer(hook.pointer, ["timeoutSeconds"])
}
