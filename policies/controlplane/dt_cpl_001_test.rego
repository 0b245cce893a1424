package dualtrack.programs.dt_cpl_001_test

import data.dualtrack.fixture as fx
import data.dualtrack.programs.dt_cpl_001

found(doc) := {[f.pointer, object.get(f, "severity", object.get(f, "result", "error"))] | some f in findings} if {
	findings := dt_cpl_001.findings with input as doc with data.context as fx.facts
}

said(doc) := {f.message | some f in findings} if {
	findings := dt_cpl_001.findings with input as doc with data.context as fx.facts
}

catalog(args) := fx.of({"apiVersion": "platform.dualtrack.internal/v1alpha1", "kind": "Cluster", "metadata": {"name": "hub"}, "spec": {"kubernetes": {"extraArgs": {"apiServer": args}}}})

base := "/spec/kubernetes/extraArgs/apiServer"

test_pass_catalog if found(catalog({})) == set()

test_pass_catalog_modes if found(catalog({"authorization-mode": "Node,RBAC", "token-auth-file": ""})) == set()

test_fail_catalog if found(catalog({"authorization-mode": "AlwaysAllow", "token-auth-file": "/t.csv", "anonymous-auth": "false"})) == {
	[sprintf("%s/authorization-mode", [base]), "error"],
	[sprintf("%s/token-auth-file", [base]), "error"],
	[sprintf("%s/anonymous-auth", [base]), "warning"],
}

test_fail_each_mode if said(catalog({"authorization-mode": "AlwaysAllow,Node"})) == {
	`authorization-mode "AlwaysAllow,Node" allows everything: AlwaysAllow`,
	`authorization-mode "AlwaysAllow,Node" lacks RBAC`,
}

test_unknown_config if found(catalog({"authorization-config": "/a.yaml"})) == {[sprintf("%s/authorization-config", [base]), "unknown"]}

config(args) := {"apiVersion": "kubeadm.k8s.io/v1beta3", "kind": "ClusterConfiguration", "apiServer": {"extraArgs": args}}

test_pass_kubeadm if found(fx.of(config({"profiling": "false"}))) == set()

test_fail_kubeadm_map if found(fx.of(config({"authorization-mode": "RBAC"}))) == {["/apiServer/extraArgs/authorization-mode", "error"]}

test_fail_kubeadm_list if found(fx.of(config([{"name": "authorization-mode", "value": "Node,RBAC"}, {"name": "authorization-mode", "value": "ABAC"}, "odd"]))) == {["/apiServer/extraArgs/1", "error"]}

test_pass_kubeadm_last_wins if found(fx.of(config([{"name": "authorization-mode", "value": "ABAC"}, {"name": "authorization-mode", "value": "Node,RBAC"}]))) == set()

inside(o) := {"object": {"apiVersion": "v1", "kind": "ConfigMap"}, "group": "", "kind": "ConfigMap", "namespace": "", "name": "", "listed": false, "nested": [{"pointer": "/data/ClusterConfiguration", "object": o}]}

test_fail_nested if found(inside(config({"token-auth-file": "/t"}))) == {["/data/ClusterConfiguration", "error"]}

test_pass_nested_other if found(inside({"apiVersion": "x/v1", "kind": "ClusterConfiguration", "apiServer": {"extraArgs": {"token-auth-file": "/t"}}})) == set()

static(command, args) := fx.pod({"containers": [{"name": "kube-apiserver", "command": command, "args": args}]})

at(field, index) := sprintf("/spec/containers/0/%s/%d", [field, index])

test_pass_static if found(static(["kube-apiserver", "--authorization-mode=Node,RBAC"], [])) == set()

test_pass_static_two_words if found(static(["/usr/bin/kube-apiserver"], ["--authorization-mode", "Node,RBAC", "--profiling"])) == set()

test_pass_static_last_wins if found(static(["kube-apiserver", "--authorization-mode=AlwaysAllow"], ["--authorization-mode=Node,RBAC"])) == set()

test_pass_other_program if found(static(["nginx"], ["--authorization-mode=AlwaysAllow", 5])) == set()

test_fail_static_default if found(static(["kube-apiserver"], [])) == {["/spec/containers/0", "error"]}

test_fail_static_args if found(static(["kube-apiserver", "--authorization-mode=Node,RBAC"], ["--authorization-mode=Node"])) == {[at("args", 0), "error"]}

test_fail_static_token if found(static(["kube-apiserver", "--authorization-mode=Node,RBAC", "--token-auth-file", "/t"], [])) == {[at("command", 2), "error"]}

test_fail_static_anonymous if found(static(["kube-apiserver", "--authorization-mode=Node,RBAC", "--anonymous-auth=false"], [])) == {[at("command", 2), "warning"]}

# A switch takes no word of its own: this leaves it on.
test_pass_static_anonymous if found(static(["kube-apiserver", "--authorization-mode=Node,RBAC", "--anonymous-auth", "false"], [])) == set()

test_fail_static_empty_mode if found(static(["kube-apiserver", "--authorization-mode", "--profiling"], [])) == {[at("command", 1), "error"]}

test_unknown_static_config if found(static(["kube-apiserver", "--authorization-config=/a"], [])) == {[at("command", 1), "unknown"]}

test_unknown_shell if found(static(["sh", "-c", "exec kube-apiserver --authorization-mode=AlwaysAllow"], [])) == {[at("command", 2), "unknown"]}

server(flags) := fx.container({"name": "kube-apiserver", "command": array.concat(["kube-apiserver"], flags)})

placed(doc) := {[f.pointer, f.container] | some f in findings} if {
	findings := dt_cpl_001.findings with input as doc with data.context as fx.facts
}

test_fail_places if {
	every flag in ["--authorization-mode=AlwaysAllow,Node,RBAC", "--authorization-config=/c", "--token-auth-file=/t"] {
		[place(1), "kube-apiserver"] in placed(server([flag]))
	}
	[place(2), "kube-apiserver"] in placed(server(["--authorization-mode=Node,RBAC", "--anonymous-auth=false"]))
	placed(server([])) == {["/spec/containers/0", "kube-apiserver"]}
	shell := fx.container({"name": "kube-apiserver", "command": ["sh", "-c", "exec kube-apiserver --v=2"]})
	placed(shell) == {["/spec/containers/0/command/2", "kube-apiserver"]}
}

place(n) := sprintf("/spec/containers/0/command/%d", [n])

test_pass_anonymous if found(server(["--authorization-mode=Node,RBAC", "--anonymous-auth=true"])) == set()

test_pass_other_documents if {
	bad := {"authorization-mode": "AlwaysAllow"}
	every other in [{"kind": "Other"}, {"group": "x.example"}] {
		found(object.union(catalog(bad), other)) == set()
		found(object.union(fx.of(config(bad)), other)) == set()
	}
	every other in [{"kind": "Other"}, {"apiVersion": "my-kubeadm.k8s.io/v1"}] {
		inner := object.union(config(bad), other)
		found(object.union(fx.of({"apiVersion": "v1", "kind": "ConfigMap"}), {"nested": [{"pointer": "/data/a", "object": inner}]})) == set()
	}
}
