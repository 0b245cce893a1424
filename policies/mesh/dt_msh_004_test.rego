package dualtrack.rules.dt_msh_004_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_msh_004

facts := fx.and_facts({
	"namespaces": {"shop": {"labels": {"istio-injection": "enabled"}}, "plain": {"labels": {}}},
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
	findings := dt_msh_004.findings with input as fx.of({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "plain"}}) with data.context as object.union(fx.facts, {"selectable": facts.selectable})
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
