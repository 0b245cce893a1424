package dualtrack.rules.dt_msh_004_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_msh_004

facts := fx.and_facts({
	"namespaces": {"shop": {"labels": {"istio-injection": "enabled"}}, "plain": {"labels": {}}},
	"meshLabels": {"istio-injection": {"disabled": true, "enabled": true}},
	"selectable": {"shop": [{"labels": {}}], "plain": [{"labels": {}}], "default": [{"labels": {}}], "istio-system": [{"labels": {}}]},
})

found(doc) := {f.pointer | some f in findings} if {
	findings := dt_msh_004.findings with input as doc with data.context as facts
}

deployment(metadata) := fx.deployment({"template": {"metadata": metadata, "spec": {"containers": []}}})

inject := "sidecar.istio.io/inject"

test_pass_pods if {
	found(deployment({})) == set()
	found(deployment({"labels": {inject: "true"}})) == set()
	found(deployment({"labels": {inject: "true"}, "annotations": {inject: "false"}})) == set()
	found(object.union(deployment({"labels": {inject: "false"}}), {"namespace": "plain"})) == set()
}

test_pass_excused if {
	findings := dt_msh_004.findings with input as deployment({"labels": {inject: "false"}}) with data.context as object.union(facts, {"params": {"DT-MSH-004": {"allow": ["shop"]}}})
	findings == set()
}

test_fail_label if found(deployment({"labels": {inject: "false"}})) == {"/spec/template/metadata/labels/sidecar.istio.io~1inject"}

test_fail_annotation if found(deployment({"annotations": {inject: "false"}})) == {"/spec/template/metadata/annotations/sidecar.istio.io~1inject"}

test_fail_ambient if found(deployment({"labels": {"istio.io/dataplane-mode": "none"}})) == {"/spec/template/metadata/labels/istio.io~1dataplane-mode"}

test_fail_cronjob if {
	doc := fx.of({
		"apiVersion": "batch/v1", "kind": "CronJob", "metadata": fx.meta,
		"spec": {"jobTemplate": {"spec": {"template": {"metadata": {"labels": {inject: "false"}}, "spec": {"containers": []}}}}},
	})
	found(doc) == {"/spec/jobTemplate/spec/template/metadata/labels/sidecar.istio.io~1inject"}
}

namespace(name, labels) := found(fx.of({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}))

test_pass_namespace if {
	namespace("plain", {"istio-injection": "enabled"}) == set()
	namespace("plain", {"istio.io/rev": "1-20"}) == set()
	namespace("plain", {"istio.io/dataplane-mode": "ambient"}) == set()
	namespace("default", {}) == set()
	namespace("istio-system", {}) == set()
	namespace("empty", {}) == set()
}

test_pass_no_mesh if {
	findings := dt_msh_004.findings with input as fx.of({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "plain"}}) with data.context as object.union(fx.facts, {"selectable": facts.selectable, "meshLabels": {"istio-injection": {"disabled": true}}})
	findings == set()
}

test_fail_namespace if {
	namespace("plain", {}) == {"/metadata/name"}
	namespace("plain", {"istio-injection": "disabled"}) == {"/metadata/name"}
}

istio(kind, ns, spec) := found(fx.of({"apiVersion": "networking.istio.io/v1alpha3", "kind": kind, "metadata": {"name": "a", "namespace": ns}, "spec": spec}))

one := {"workloadSelector": {"labels": {"app": "web"}}}

test_pass_filter if {
	istio("EnvoyFilter", "shop", one) == set()
	istio("EnvoyFilter", "shop", {"targetRefs": [{"kind": "Gateway", "name": "a"}]}) == set()
}

test_fail_filter if {
	istio("EnvoyFilter", "shop", {}) == {"/spec"}
	istio("EnvoyFilter", "istio-system", {"workloadSelector": {}}) == {"/spec"}
	istio("EnvoyFilter", "istio-system", one) == {"/metadata/namespace"}
}

test_pass_hosts if {
	istio("VirtualService", "shop", {"hosts": ["*.example.org", "web"]}) == set()
	istio("Gateway", "shop", {"servers": [{"hosts": ["*.example.org", "shop/a.example.org"]}]}) == set()
	found(fx.of({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "spec": {"servers": [{"hosts": ["*"]}]}})) == set()
}

test_fail_hosts if {
	istio("VirtualService", "shop", {"hosts": ["web", "*"]}) == {"/spec/hosts/1"}
	istio("Gateway", "shop", {"servers": [{"hosts": ["*"]}, {"hosts": ["a", "shop/*"]}]}) == {"/spec/servers/0/hosts/0", "/spec/servers/1/hosts/1"}
}

said(doc) := all if {
	all := dt_msh_004.findings with input as doc with data.context as facts
}

opted_out := {"metadata": {"labels": {inject: "false"}}, "spec": {"containers": []}}

pod_findings(base) := {{
	"pointer": concat("", [base, "/metadata/labels/sidecar.istio.io~1inject"]),
	"message": `label "sidecar.istio.io/inject" keeps the pods out of the mesh`,
	"patch": [{"op": "remove", "path": concat("", [base, "/metadata/labels/sidecar.istio.io~1inject"])}],
}}

in_template := {"spec": {"template": opted_out}}

test_fail_every_kind if {
	every like in [
		["v1", "Pod", opted_out, ""],
		["v1", "PodTemplate", {"template": opted_out}, "/template"],
		["v1", "ReplicationController", in_template, "/spec/template"],
		["apps/v1", "DaemonSet", in_template, "/spec/template"],
		["apps/v1", "Deployment", in_template, "/spec/template"],
		["apps/v1", "ReplicaSet", in_template, "/spec/template"],
		["apps/v1", "StatefulSet", in_template, "/spec/template"],
		["argoproj.io/v1alpha1", "Rollout", in_template, "/spec/template"],
		["batch/v1", "CronJob", {"spec": {"jobTemplate": in_template}}, "/spec/jobTemplate/spec/template"],
		["batch/v1", "Job", in_template, "/spec/template"],
		["keda.sh/v1alpha1", "ScaledJob", {"spec": {"jobTargetRef": {"template": opted_out}}}, "/spec/jobTargetRef/template"],
		["serving.knative.dev/v1", "Service", in_template, "/spec/template"],
	] {
		[version, kind, body, base] := like
		said(fx.of(object.union({"apiVersion": version, "kind": kind, "metadata": fx.meta}, body))) == pod_findings(base)
	}
}

test_pass_no_pods if said(fx.of({"apiVersion": "v1", "kind": "Service", "metadata": fx.meta, "spec": {"template": opted_out}})) == set()

test_fail_words if {
	said(deployment({"labels": {"istio.io/dataplane-mode": "none"}, "annotations": {inject: false}})) == {
		{
			"pointer": "/spec/template/metadata/labels/istio.io~1dataplane-mode",
			"message": `label "istio.io/dataplane-mode" keeps the pods out of the mesh`,
			"patch": [{"op": "remove", "path": "/spec/template/metadata/labels/istio.io~1dataplane-mode"}],
		},
		{
			"pointer": "/spec/template/metadata/annotations/sidecar.istio.io~1inject",
			"message": `annotation "sidecar.istio.io/inject" keeps the pods out of the mesh`,
			"patch": [{"op": "remove", "path": "/spec/template/metadata/annotations/sidecar.istio.io~1inject"}],
		},
	}
	said(deployment({"labels": {inject: false}})) == pod_findings("/spec/template")
}

test_pass_booleans if {
	said(deployment({"labels": {inject: true}})) == set()
	said(deployment({"annotations": {inject: true}})) == set()
}

test_pass_params if dt_msh_004.meta.params == {"allow": ["default", "kube-node-lease", "kube-public", "kube-system"], "rootNS": "istio-system"}

plain := fx.of({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "plain"}})

test_fail_namespace_whole if said(plain) == {{
	"pointer": "/metadata/name",
	"message": `namespace "plain" makes pods, and has none of the labels that give them a proxy`,
	"mend": "set istio.io/rev, istio-injection: enabled or istio.io/dataplane-mode: ambient, or name it in the parameter allow",
}}

test_pass_no_namespace if {
	said(object.union(plain, {"kind": "Other"})) == set()
	said(object.union(plain, {"group": "x.example"})) == set()
}

filter(namespace, spec) := fx.of({"apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter", "metadata": {"name": "a", "namespace": namespace}, "spec": spec})

test_fail_filter_whole if {
	said(filter("shop", {})) == {{"pointer": "/spec", "message": `the filter changes every proxy of namespace "shop"`, "mend": "add a workloadSelector"}}
	said(filter("istio-system", {})) == {{"pointer": "/spec", "message": "the filter changes every proxy of the mesh", "mend": "add a workloadSelector"}}
	said(filter("istio-system", one)) == {{"pointer": "/metadata/namespace", "message": `a filter in "istio-system" reaches the pods of every namespace`, "mend": "move it to the namespace of the workload"}}
}

# A Sidecar has a workloadSelector, a ServiceEntry hosts, and they are no such wide things.
test_pass_other_kinds if {
	istio("Sidecar", "istio-system", one) == set()
	istio("ServiceEntry", "shop", {"hosts": ["*"], "servers": [{"hosts": ["*"]}]}) == set()
}

test_pass_other_groups if {
	every doc in [
		filter("shop", {}),
		filter("istio-system", one),
		fx.of({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": fx.meta, "spec": {"hosts": ["*"]}}),
		fx.of({"apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": fx.meta, "spec": {"servers": [{"hosts": ["*"]}]}}),
	] {
		count(said(doc)) == 1
		said(object.union(doc, {"group": "x.example"})) == set()
	}
}

test_fail_hosts_whole if {
	said(fx.of({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": fx.meta, "spec": {"hosts": ["*"]}})) == {{"pointer": "/spec/hosts/0", "message": "the route takes the requests to every host", "mend": "name the hosts"}}
	said(fx.of({"apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": fx.meta, "spec": {"servers": [{"hosts": ["./*"]}]}})) == {{"pointer": "/spec/servers/0/hosts/0", "message": "the gateway takes the requests to every host", "mend": "name the hosts"}}
}
