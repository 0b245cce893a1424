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
