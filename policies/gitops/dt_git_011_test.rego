package dualtrack.rules.dt_git_011_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_git_011

found(doc) := said(doc, fx.facts)

said(doc, facts) := {[f.pointer, object.get(f, "severity", "warning")] | some f in findings} if {
	findings := dt_git_011.findings with input as doc with data.context as facts
}

part := {"app.kubernetes.io/part-of": "shop"}

deployment(labels, template) := fx.of({
	"apiVersion": "apps/v1", "kind": "Deployment", "metadata": object.union(fx.meta, {"labels": labels}),
	"spec": {"template": {"metadata": {"labels": template}, "spec": {"containers": []}}},
})

test_pass_labels if {
	found(deployment(part, part)) == set()
	found(fx.of({"apiVersion": "v1", "kind": "ConfigMap", "metadata": fx.meta})) == set()
	found(fx.of({"apiVersion": "x.example/v1", "kind": "Deployment", "metadata": fx.meta})) == set()
}

test_fail_object if {
	found(deployment({}, part)) == {["/metadata/labels", "warning"]}
	found(deployment({"app.kubernetes.io/part-of": ""}, part)) == {["/metadata/labels", "warning"]}
	found(deployment(null, part)) == {["/metadata/labels", "warning"]}
}

test_fail_template if found(deployment(part, {"app": "web"})) == {["/spec/template/metadata/labels", "warning"]}

owned(more, labels) := said(deployment(object.union(part, more), part), fx.and_facts({"namespaces": {"shop": {"labels": labels}}, "params": {"DT-GIT-011": {"inherited": ["owner"]}}}))

test_pass_inherited if {
	owned({"owner": "shop"}, {}) == set()
	owned({}, {"owner": "shop"}) == set()
}

test_fail_inherited if owned({}, {}) == {["/metadata/labels", "warning"]}

test_unknown_inherited if {
	facts := object.union(fx.facts, {"params": {"DT-GIT-011": {"inherited": ["owner"]}}})
	findings := dt_git_011.findings with input as object.union(deployment(part, part), {"namespace": "x"}) with data.context as facts
	fx.results(findings) == {"unknown"}
}

in_namespace(version, kind, namespace, name) := found(fx.of({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}}))

test_pass_namespace if {
	in_namespace("v1", "ConfigMap", "shop", "a") == set()
	found(fx.of({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}})) == set()
	found(fx.of({"apiVersion": "x.example/v1", "kind": "Role", "metadata": {"name": "a"}})) == set()
	in_namespace("v1", "Service", "default", "kubernetes") == set()
	in_namespace("v1", "ServiceAccount", "default", "default") == set()
	in_namespace("v1", "ConfigMap", "default", "kube-root-ca.crt") == set()
}

test_fail_no_namespace if found(fx.of({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}})) == {["/metadata/namespace", "warning"]}

test_fail_default if in_namespace("v1", "ConfigMap", "default", "a") == {["/metadata/namespace", "warning"]}

unit(path, varied) := {"brings": {"path": path, "source": {"kind": "GitRepository", "name": "a"}, "target": null}, "varied": varied}

two(path, varied) := said(fx.flux("Kustomization", {}), fx.and_facts({"reconcilers": {"Kustomization": {"shop/a": unit("./x", false), "x/b": unit(path, varied)}}}))

test_pass_apart if {
	two("./y", false) == set()
	two("./x", true) == set()
	found(fx.flux("Kustomization", {})) == set()
}

test_fail_twice if two("./x", false) == {["/spec/path", "error"]}

# whole is every finding with all that it says.
whole(doc, facts) := findings if {
	findings := dt_git_011.findings with input as doc with data.context as facts
}

owners := fx.and_facts({"params": {"DT-GIT-011": {"inherited": ["owner"]}}})

unlabelled(version, kind) := fx.of({"apiVersion": version, "kind": kind, "metadata": fx.meta})

test_pass_params if {
	settings := dt_git_011.settings with data.context as fx.facts
	settings == {"labels": ["app.kubernetes.io/part-of"], "inherited": []}
}

test_fail_workloads if {
	every kind, at in {
		"CronJob": ["batch/v1", "/spec/jobTemplate/spec/template/metadata/labels"],
		"DaemonSet": ["apps/v1", "/spec/template/metadata/labels"],
		"Deployment": ["apps/v1", "/spec/template/metadata/labels"],
		"Job": ["batch/v1", "/spec/template/metadata/labels"],
		"StatefulSet": ["apps/v1", "/spec/template/metadata/labels"],
	} {
		whole(unlabelled(at[0], kind), owners) == {
			{"pointer": "/metadata/labels", "message": "label app.kubernetes.io/part-of is missing"},
			{"pointer": at[1], "message": "label app.kubernetes.io/part-of is missing on the pods"},
			{"pointer": "/metadata/labels", "message": `label owner is missing, here and on namespace "shop"`, "result": "finding"},
		}
		whole(unlabelled("x.example/v1", kind), owners) == set()
	}
}

# Their owner has the labels.
test_pass_other_pods if {
	whole(unlabelled("apps/v1", "ReplicaSet"), owners) == set()
	whole(unlabelled("v1", "Pod"), owners) == set()
}

test_fail_namespaced if {
	every kind, version in {
		"ConfigMap": "v1",
		"HorizontalPodAutoscaler": "autoscaling/v2",
		"Ingress": "networking.k8s.io/v1",
		"LimitRange": "v1",
		"NetworkPolicy": "networking.k8s.io/v1",
		"PersistentVolumeClaim": "v1",
		"Pod": "v1",
		"PodDisruptionBudget": "policy/v1",
		"ResourceQuota": "v1",
		"Role": "rbac.authorization.k8s.io/v1",
		"RoleBinding": "rbac.authorization.k8s.io/v1",
		"Secret": "v1",
		"Service": "v1",
		"ServiceAccount": "v1",
	} {
		whole(fx.of({"apiVersion": version, "kind": kind, "metadata": {"name": "a"}}), fx.facts) == {homeless(kind)}
		whole(fx.of({"apiVersion": "x.example/v1", "kind": kind, "metadata": {"name": "a"}}), fx.facts) == set()
	}
}

homeless(kind) := {"pointer": "/metadata/namespace", "message": sprintf("the %s names no namespace", [kind]), "mend": "set metadata.namespace, or the component's namespace"}

test_fail_homeless_workloads if {
	every kind, version in {"CronJob": "batch/v1", "DaemonSet": "apps/v1", "Deployment": "apps/v1", "Job": "batch/v1", "StatefulSet": "apps/v1"} {
		facts := fx.and_facts({"params": {"DT-GIT-011": {"labels": []}}})
		whole(fx.of({"apiVersion": version, "kind": kind, "metadata": {"name": "a"}}), facts) == {homeless(kind)}
	}
}

test_pass_given if {
	in_namespace("v1", "Endpoints", "default", "kubernetes") == set()
	in_namespace("discovery.k8s.io/v1", "EndpointSlice", "default", "kubernetes") == set()
}

test_fail_not_given if {
	every object in [["Service", "web"], ["Endpoints", "web"], ["ConfigMap", "kubernetes"], ["ServiceAccount", "web"], ["ServiceAccount", "kubernetes"], ["ConfigMap", "default"], ["Service", "default"]] {
		doc := fx.of({"apiVersion": "v1", "kind": object[0], "metadata": {"name": object[1], "namespace": "default"}})
		whole(doc, fx.facts) == {{
			"pointer": "/metadata/namespace",
			"message": sprintf("the %s stands in namespace default, which belongs to nobody", [object[0]]),
			"mend": "make a namespace for it",
		}}
	}
}

reconciled(mine) := fx.and_facts({"reconcilers": {"Kustomization": {"shop/a": mine, "x/b": unit("./x", false)}}})

test_fail_same_path if whole(fx.flux("Kustomization", {}), reconciled(unit("./x", false))) == {{
	"pointer": "/spec/path",
	"severity": "error",
	"message": `Kustomization "x/b" applies the same path of the same source`,
	"mend": "leave one of the two, or give each a targetNamespace or a namePrefix",
}}

test_pass_same_path if {
	whole(fx.flux("Kustomization", {}), reconciled(unit("./x", true))) == set()
	whole(fx.flux("HelmRelease", {}), reconciled(unit("./x", false))) == set()
	whole(fx.of({"apiVersion": "x.example/v1", "kind": "Kustomization", "metadata": fx.meta}), reconciled(unit("./x", false))) == set()
}
