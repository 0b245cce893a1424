package dualtrack.programs.dt_cpl_006_test

import data.dualtrack.fixture as fx
import data.dualtrack.programs.dt_cpl_006

judged(doc, facts) := {f.pointer | some f in findings} if {
	findings := dt_cpl_006.findings with input as doc with data.context as facts
}

found(doc) := judged(doc, fx.facts)

cluster(kubernetes) := fx.of({"apiVersion": "platform.dualtrack.internal/v1alpha1", "kind": "Cluster", "metadata": {"name": "hub"}, "spec": {"kubernetes": kubernetes}})

kubeadm(more) := fx.of(object.union({"apiVersion": "kubeadm.k8s.io/v1beta3", "kind": "ClusterConfiguration"}, more))

test_pass_flags if found(kubeadm({"apiServer": {"extraArgs": {"profiling": "false", "feature-gates": "SidecarContainers=true"}}})) == set()

test_fail_flags if {
	found(kubeadm({"apiServer": {"extraArgs": {"insecure-port": "0"}}})) == {"/apiServer/extraArgs/insecure-port"}
	found(kubeadm({"controllerManager": {"extraArgs": {"pod-eviction-timeout": "1m"}}})) == {"/controllerManager/extraArgs/pod-eviction-timeout"}
	found(kubeadm({"scheduler": {"extraArgs": [{"name": "policy-config-file", "value": "/p"}]}})) == {"/scheduler/extraArgs/0"}
	found(cluster({"extraArgs": {"apiServer": {"kubelet-https": "true"}}})) == {"/spec/kubernetes/extraArgs/apiServer/kubelet-https"}
	found(fx.pod({"containers": [{"name": "k", "command": ["kubelet", "--container-runtime=remote"]}]})) == {"/spec/containers/0/command/1"}
}

# Another program's flag is not meant.
test_pass_other_program if found(kubeadm({"apiServer": {"extraArgs": {"pod-eviction-timeout": "1m"}}})) == set()

test_pass_older if judged(kubeadm({"apiServer": {"extraArgs": {"insecure-port": "0", "feature-gates": "PodSecurity=true"}}}), fx.and_facts({"cluster": {"minor": 27}})) == set()

test_fail_patch if {
	findings := dt_cpl_006.findings with input as kubeadm({"apiServer": {"extraArgs": {"insecure-port": "0"}}}) with data.context as fx.facts
	{f.patch | some f in findings} == {[{"op": "remove", "path": "/apiServer/extraArgs/insecure-port"}]}
	static := dt_cpl_006.findings with input as fx.pod({"containers": [{"name": "k", "command": ["kubelet", "--container-runtime=remote"]}]}) with data.context as fx.facts
	{f.patch | some f in static} == {null}
}

test_fail_gates if {
	found(kubeadm({"scheduler": {"extraArgs": {"feature-gates": "A=true, EphemeralContainers=true"}}})) == {"/scheduler/extraArgs/feature-gates"}
	found(fx.of({"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "featureGates": {"DynamicKubeletConfig": true, "A": true}})) == {"/featureGates/DynamicKubeletConfig"}
}

plugging(name, list) := kubeadm({"apiServer": {"extraArgs": {name: list}}})

test_pass_plugins if found(plugging("enable-admission-plugins", "NodeRestriction,PodNodeSelector")) == set()

test_fail_plugins if {
	every plugin in ["AlwaysAdmit", "AlwaysDeny", "PodSecurityPolicy", "SecurityContextDeny", "Initializers", "DenyEscalatingExec", "DenyExecOnPrivileged"] {
		found(plugging("enable-admission-plugins", sprintf("NodeRestriction,%s", [plugin]))) == {"/apiServer/extraArgs/enable-admission-plugins"}
		found(cluster({"admissionPlugins": ["NodeRestriction", plugin]})) == {"/spec/kubernetes/admissionPlugins/1"}
	}
	found(plugging("admission-control", "AlwaysAdmit")) == {"/apiServer/extraArgs/admission-control"}
}

test_fail_switched_off if {
	found(plugging("disable-admission-plugins", "DefaultStorageClass,PodSecurity")) == {"/apiServer/extraArgs/disable-admission-plugins"}
	found(plugging("disable-admission-plugins", "NodeRestriction")) == {"/apiServer/extraArgs/disable-admission-plugins"}
}

test_pass_switched_off if found(plugging("disable-admission-plugins", "DefaultStorageClass")) == set()

hook(more) := fx.of({
	"apiVersion": "admissionregistration.k8s.io/v1",
	"kind": "ValidatingWebhookConfiguration",
	"webhooks": [object.union({"name": "w", "rules": [{"apiGroups": [""], "resources": ["pods"]}], "clientConfig": {"service": {"namespace": "guard"}}}, more)],
})

without(names) := {"namespaceSelector": {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": names}]}}

policy_at := "/webhooks/0/failurePolicy"

selector_at := "/webhooks/0/namespaceSelector"

# Fail is what an absent policy means.
test_fail_webhook if found(hook({})) == {policy_at, selector_at}

test_fail_webhook_half if {
	found(hook(without(["kube-system"]))) == {selector_at}
	found(hook(without(["guard"]))) == {policy_at}
}

test_pass_webhook if {
	found(hook(without(["guard", "kube-system"]))) == set()
	found(hook({"failurePolicy": "Ignore"})) == set()
	found(hook({"namespaceSelector": {"matchLabels": {"guarded": "yes"}}})) == set()
	found(hook({"objectSelector": {"matchLabels": {"guarded": "yes"}}})) == set()
}

test_pass_webhook_own_kinds if {
	found(hook({"rules": [{"apiGroups": ["example.org"], "resources": ["*"]}]})) == set()
	found(hook({"rules": [{"apiGroups": [""], "resources": ["namespaces"], "scope": "Cluster"}]})) == set()
}

test_fail_webhook_deployments if found(hook({"rules": [{"apiGroups": ["apps"], "resources": ["deployments"]}]})) == {policy_at}

test_pass_webhook_by_url if found(hook(object.union(without(["kube-system"]), {"clientConfig": {"service": null, "url": "https://a.example"}}))) == set()

test_fail_webhook_in_kube_system if found(hook({"clientConfig": {"service": {"namespace": "kube-system"}}})) == {policy_at}

test_fail_timeout if {
	findings := dt_cpl_006.findings with input as hook({"failurePolicy": "Ignore", "timeoutSeconds": 30}) with data.context as fx.facts
	{[f.pointer, f.patch[0].value] | some f in findings} == {["/webhooks/0/timeoutSeconds", 10]}
}

test_pass_timeout if found(hook({"failurePolicy": "Ignore", "timeoutSeconds": 10})) == set()

test_pass_other_group if found(fx.of({"apiVersion": "x/v1", "kind": "ValidatingWebhookConfiguration", "webhooks": [{"timeoutSeconds": 30}]})) == set()

told(doc) := findings if {
	findings := dt_cpl_006.findings with input as doc with data.context as fx.facts
}

gone := {
	"apiServer": {
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
	"controllerManager": {
		"address",
		"deployment-controller-sync-period",
		"enable-taint-manager",
		"experimental-cluster-signing-duration",
		"horizontal-pod-autoscaler-use-rest-clients",
		"pod-eviction-timeout",
		"port",
		"register-retry-count",
	},
	"scheduler": {
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

joining(args) := fx.of({"apiVersion": "kubeadm.k8s.io/v1beta3", "kind": "JoinConfiguration", "nodeRegistration": {"kubeletExtraArgs": args}})

args_of(flags) := {flag: "1" | some flag in flags}

test_fail_every_flag_that_is_gone if {
	every part in ["apiServer", "controllerManager", "scheduler"] {
		found(kubeadm({part: {"extraArgs": args_of(gone[part])}})) == {sprintf("/%s/extraArgs/%s", [part, flag]) | some flag in gone[part]}
	}
	found(joining(args_of(gone.kubelet))) == {sprintf("/nodeRegistration/kubeletExtraArgs/%s", [flag]) | some flag in gone.kubelet}
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

kubelet(more) := fx.of(object.union({"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"}, more))

test_fail_every_gate_that_is_gone if told(kubelet({"featureGates": object.union({"Sidecars": true}, {gate: true | some gate in gates})})) == {
{
	"pointer": sprintf("/featureGates/%s", [gate]),
	"message": sprintf("the kubelet does not know the feature gate %s any more and will not start", [gate]),
	"mend": "remove the gate",
} |
	some gate in gates
}

# The first minor that does not know them.
test_fail_first_minor if {
	first := fx.and_facts({"cluster": {"minor": 28}})
	judged(kubeadm({"apiServer": {"extraArgs": {"insecure-port": "0", "feature-gates": "PodSecurity=true"}}}), first) == {
		"/apiServer/extraArgs/feature-gates",
		"/apiServer/extraArgs/insecure-port",
	}
	judged(kubelet({"featureGates": {"PodSecurity": true}}), first) == {"/featureGates/PodSecurity"}
}

test_pass_older_kubelet if judged(kubelet({"featureGates": {"PodSecurity": true}}), fx.and_facts({"cluster": {"minor": 27}})) == set()

what := {
	"AlwaysAdmit": "lets everything in and checks nothing",
	"AlwaysDeny": "lets nothing in",
	"DenyEscalatingExec": "is no plugin any more",
	"DenyExecOnPrivileged": "is no plugin any more",
	"Initializers": "is no plugin any more",
	"PodSecurityPolicy": "is no plugin any more; Pod Security took its place",
	"SecurityContextDeny": "is off behind a gate and being removed; Pod Security took its place",
}

test_fail_every_plugin if {
	every plugin, why in what {
		told(cluster({"admissionPlugins": ["NodeRestriction", plugin]})) == {{
			"pointer": "/spec/kubernetes/admissionPlugins/1",
			"message": sprintf("the admission plugin %s %s", [plugin, why]),
			"mend": "remove it from the list",
			"patch": [{"op": "remove", "path": "/spec/kubernetes/admissionPlugins/1"}],
		}}
	}
}

test_pass_plugins_of_another_kind if found(object.union(cluster({"admissionPlugins": ["AlwaysAdmit"]}), {"kind": "Fleet"})) == set()

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

# A container says which one it is.
test_fail_container if {
	command := [
		"kube-apiserver",
		"--port=1",
		"--feature-gates=SuspendJob=false",
		"--enable-admission-plugins=AlwaysDeny",
		concat("", ["--disable-admission-plugins=", concat(",", needed)]),
	]
	told(fx.container({"name": "server", "command": command})) == {
		{
			"pointer": "/spec/containers/0/command/1",
			"container": "server",
			"message": "kube-apiserver does not know the flag port any more and will not start",
			"patch": null,
		},
		{
			"pointer": "/spec/containers/0/command/2",
			"container": "server",
			"message": "kube-apiserver does not know the feature gate SuspendJob any more and will not start",
			"mend": "remove the gate",
		},
		{
			"pointer": "/spec/containers/0/command/3",
			"container": "server",
			"message": "the admission plugin AlwaysDeny lets nothing in",
			"mend": "remove it from the list",
		},
	} | {
	{
		"pointer": "/spec/containers/0/command/4",
		"container": "server",
		"message": sprintf("the admission plugin %s is switched off", [plugin]),
		"mend": "remove it from the list",
	} |
		some plugin in needed
	}
}

webhooks_of(kind, list) := fx.of({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "webhooks": list})

slow(more) := object.union({"timeoutSeconds": 11, "clientConfig": {"service": {"namespace": "guard"}}, "rules": [{"apiGroups": [""], "resources": ["pods"]}]}, more)

test_fail_webhook_findings if {
	every kind in ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"] {
		every name, more in {"w": {"name": "w"}, "": {}} {
			told(webhooks_of(kind, ["odd", slow(more)])) == {
				{
					"pointer": "/webhooks/1/failurePolicy",
					"message": sprintf("while webhook %q does not answer, nothing in kube-system can change", [name]),
					"mend": "leave kube-system out with a namespaceSelector, or set failurePolicy to Ignore",
				},
				{
					"pointer": "/webhooks/1/namespaceSelector",
					"message": sprintf("webhook %q has to admit its own pods: once they are gone they never come back", [name]),
					"mend": "leave the webhook's own namespace out with a namespaceSelector",
				},
				{
					"pointer": "/webhooks/1/timeoutSeconds",
					"message": sprintf("webhook %q may hold up each request for 11 seconds", [name]),
					"mend": "set timeoutSeconds to 10 or less",
					"patch": [{"op": "replace", "path": "/webhooks/1/timeoutSeconds", "value": 10}],
				},
			}
		}
	}
}

test_pass_other_kind if found(webhooks_of("ValidatingAdmissionPolicy", [slow({})])) == set()

test_pass_timeout_text if found(hook({"failurePolicy": "Ignore", "timeoutSeconds": "30"})) == set()

ruled(rule) := hook({"rules": [rule]})

test_fail_webhook_vital_groups if {
	every group in ["", "*", "apps", "batch", "coordination.k8s.io", "discovery.k8s.io"] {
		found(ruled({"apiGroups": [group], "resources": ["leases"]})) == {policy_at}
	}
	every scope in ["*", "Namespaced"] {
		found(ruled({"apiGroups": ["apps"], "resources": ["deployments"], "scope": scope})) == {policy_at}
	}
}

test_fail_webhook_pods if {
	every group in ["", "*"] {
		every resource in ["*", "*/*", "pods"] {
			found(ruled({"apiGroups": [group], "resources": [resource]})) == {policy_at, selector_at}
		}
	}
}
