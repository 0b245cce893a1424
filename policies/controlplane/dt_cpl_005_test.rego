package dualtrack.programs.dt_cpl_005_test

import data.dualtrack.fixture as fx
import data.dualtrack.programs.dt_cpl_005

found(doc) := {[f.pointer, object.get(f, "severity", "error")] | some f in findings} if {
	findings := dt_cpl_005.findings with input as doc with data.context as fx.facts
}

config(more) := object.union(
	{
		"apiVersion": "kubelet.config.k8s.io/v1beta1",
		"kind": "KubeletConfiguration",
		"protectKernelDefaults": true,
		"rotateCertificates": true,
		"seccompDefault": true,
		"serverTLSBootstrap": true,
	},
	more,
)

# A file that says nothing is strict.
test_pass_file if found(fx.of(config({}))) == set()

test_pass_file_explicit if found(fx.of(config({"authentication": {"anonymous": {"enabled": false}, "webhook": {"enabled": true}}, "authorization": {"mode": "Webhook"}, "readOnlyPort": 0}))) == set()

test_fail_file if {
	found(fx.of(config({"authentication": {"anonymous": {"enabled": true}}}))) == {["/authentication/anonymous/enabled", "error"]}
	found(fx.of(config({"authorization": {"mode": "AlwaysAllow"}}))) == {["/authorization/mode", "error"]}
	found(fx.of(config({"readOnlyPort": 10255}))) == {["/readOnlyPort", "error"]}
	found(fx.of(config({"authentication": {"webhook": {"enabled": false}}}))) == {["/authentication/webhook/enabled", "warning"]}
}

test_fail_file_better if {
	every field in ["protectKernelDefaults", "rotateCertificates", "seccompDefault", "serverTLSBootstrap"] {
		every value in [null, false, "true"] {
			found(fx.of(config({field: value}))) == {[sprintf("/%s", [field]), "warning"]}
		}
	}
}

test_fail_patch if {
	findings := dt_cpl_005.findings with input as fx.of(config({"seccompDefault": false})) with data.context as fx.facts
	{f.patch | some f in findings} == {[{"op": "add", "path": "/seccompDefault", "value": true}]}
}

test_fail_nested if {
	nested := [{"pointer": "/data/kubelet", "object": config({"readOnlyPort": 1, "seccompDefault": false})}]
	found(object.union(fx.of({"apiVersion": "v1", "kind": "ConfigMap"}), {"nested": nested})) == {["/data/kubelet", "error"], ["/data/kubelet", "warning"]}
}

bare(args) := fx.pod({"containers": [{"name": "k", "command": ["/usr/bin/kubelet"], "args": args}]})

arg(index) := sprintf("/spec/containers/0/args/%d", [index])

# Flags alone are open.
test_fail_bare if {
	findings := dt_cpl_005.findings with input as bare([]) with data.context as fx.facts
	{f.pointer | some f in findings} == {"/spec/containers/0"}
	count(findings) == 3
}

test_pass_bare if found(bare(["--anonymous-auth=false", "--authorization-mode=Webhook", "--read-only-port=0"])) == set()

test_pass_bare_with_file if found(bare(["--config=/k"])) == set()

# Flags beat the file.
test_fail_flags if found(bare(["--config=/k", "--anonymous-auth", "--authorization-mode", "AlwaysAllow", "--read-only-port=10255"])) == {
	[arg(1), "error"],
	[arg(2), "error"],
	[arg(4), "error"],
}

joining(kind, args) := fx.of({"apiVersion": "kubeadm.k8s.io/v1beta3", "kind": kind, "nodeRegistration": {"kubeletExtraArgs": args}})

# kubeadm always hands over a file.
test_pass_kubeadm if {
	found(joining("JoinConfiguration", {})) == set()
	found(joining("InitConfiguration", {"anonymous-auth": "false"})) == set()
}

test_fail_kubeadm if {
	found(joining("JoinConfiguration", {"anonymous-auth": "true"})) == {["/nodeRegistration/kubeletExtraArgs/anonymous-auth", "error"]}
	found(joining("InitConfiguration", [{"name": "read-only-port", "value": "10255"}])) == {["/nodeRegistration/kubeletExtraArgs/0", "error"]}
}

told(doc) := findings if {
	findings := dt_cpl_005.findings with input as doc with data.context as fx.facts
}

open := {
	"anonymous-auth": "the kubelet lets in whoever asks: anonymous-auth is on",
	"authorization-mode": "the kubelet lets everybody do everything: authorization-mode is AlwaysAllow",
	"read-only-port": "the kubelet tells everybody about its pods: read-only-port is open",
}

test_fail_bare_findings if told(bare([])) == {
{
	"pointer": "/spec/containers/0",
	"container": "k",
	"message": sprintf("%s, by default without a file", [what]),
} |
	some what in open
}

test_fail_flags_findings if told(bare(["--config=/k", "--anonymous-auth=true", "--authorization-mode=AlwaysAllow", "--read-only-port=1"])) == {
	{"pointer": arg(1), "container": "k", "message": open["anonymous-auth"], "patch": null},
	{"pointer": arg(2), "container": "k", "message": open["authorization-mode"], "patch": null},
	{"pointer": arg(3), "container": "k", "message": open["read-only-port"], "patch": null},
}

test_fail_kubeadm_patch if told(joining("JoinConfiguration", {"read-only-port": 1})) == {{
	"pointer": "/nodeRegistration/kubeletExtraArgs/read-only-port",
	"container": "",
	"message": open["read-only-port"],
	"patch": [{"op": "remove", "path": "/nodeRegistration/kubeletExtraArgs/read-only-port"}],
}}

test_fail_file_findings if told(fx.of(config({"authentication": {"anonymous": {"enabled": true}}, "authorization": {"mode": "AlwaysAllow"}, "readOnlyPort": 1}))) == {
	{"pointer": "/authentication/anonymous/enabled", "message": open["anonymous-auth"]},
	{"pointer": "/authorization/mode", "message": open["authorization-mode"]},
	{"pointer": "/readOnlyPort", "message": open["read-only-port"]},
}

test_fail_anonymous if {
	every value in ["1", "T", "t", "TRUE", "true"] {
		found(bare(["--config=/k", sprintf("--anonymous-auth=%s", [value])])) == {[arg(1), "error"]}
	}
}

wanted := {
	"protectKernelDefaults": "kernel settings are changed to what the kubelet wants instead of being checked",
	"rotateCertificates": "the kubelet's certificate ends after a year and is not renewed",
	"seccompDefault": "pods that name no seccomp profile may make every system call",
	"serverTLSBootstrap": "the kubelet's own certificate is signed by nobody, so the API server cannot check whom it talks to",
}

unsaid := {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"}

test_fail_file_absent if told(fx.of(unsaid)) == {
{
	"pointer": sprintf("/%s", [field]),
	"severity": "warning",
	"message": sprintf("%s is not on: %s", [field, why]),
	"mend": "set it to true",
	"patch": [{"op": "add", "path": sprintf("/%s", [field]), "value": true}],
} |
	some field, why in wanted
}

# In a text there is nothing to patch.
test_fail_nested_findings if told(object.union(fx.of({"apiVersion": "v1", "kind": "ConfigMap"}), {"nested": [{"pointer": "/data/kubelet", "object": unsaid}]})) == {
{
	"pointer": "/data/kubelet",
	"severity": "warning",
	"message": sprintf("%s is not on: %s", [field, why]),
	"mend": "set it to true",
	"patch": null,
} |
	some field, why in wanted
}

test_fail_no_tokens if told(fx.of(config({"authentication": {"webhook": {"enabled": false}}}))) == {{
	"pointer": "/authentication/webhook/enabled",
	"severity": "warning",
	"message": "the kubelet takes no tokens, so it knows no ServiceAccount that asks",
	"mend": "set it to true",
}}
