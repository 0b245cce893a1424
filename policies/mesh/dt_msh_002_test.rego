package dualtrack.rules.dt_msh_002_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_msh_002

facts := fx.and_facts({"namespaces": {
	"shop": {"labels": {"istio-injection": "enabled"}},
	"plain": {"labels": {}},
}})

found(spec) := {[f.pointer, object.get(f, "result", "")] | some f in findings} if {
	findings := dt_msh_002.findings with input as fx.of({"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": fx.meta, "spec": spec}) with data.context as facts
}

to(host, mode) := found({"host": host, "trafficPolicy": {"tls": {"mode": mode}}})

top := {["/spec/trafficPolicy/tls/mode", "finding"]}

test_pass_mutual if {
	to("web", "ISTIO_MUTUAL") == set()
	found({"host": "web", "trafficPolicy": {"loadBalancer": {"simple": "RANDOM"}}}) == set()
	found(null) == set()
}

test_pass_outside if {
	to("pay.example.org", "SIMPLE") == set()
	to("example.org", "SIMPLE") == set()
	to("db.plain.svc.cluster.local", "DISABLE") == set()
}

test_pass_other_group if {
	findings := dt_msh_002.findings with input as fx.of({"apiVersion": "x.example/v1", "kind": "DestinationRule", "spec": {"host": "*", "trafficPolicy": {"tls": {"mode": "DISABLE"}}}}) with data.context as facts
	findings == set()
}

test_fail_hosts if {
	every host in ["web", "web.shop", "web.shop.svc", "web.shop.svc.cluster.local.", "*.shop.svc.cluster.local", "*.local", "*"] {
		to(host, "DISABLE") == top
		to(host, "SIMPLE") == top
	}
}

test_fail_port if found({"host": "web", "trafficPolicy": {"portLevelSettings": [{"port": {"number": 80}}, {"port": {"number": 81}, "tls": {"mode": "DISABLE"}}]}}) == {["/spec/trafficPolicy/portLevelSettings/1/tls/mode", "finding"]}

test_fail_subset if found({"host": "web", "subsets": [{"name": "v1", "trafficPolicy": {"tls": {"mode": "SIMPLE"}}}]}) == {["/spec/subsets/0/trafficPolicy/tls/mode", "finding"]}

test_unknown_namespace if to("web.elsewhere.svc.cluster.local", "DISABLE") == {["/spec/trafficPolicy/tls/mode", "unknown"]}

said(namespace, spec) := findings if {
	doc := fx.of({"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": {"name": "a", "namespace": namespace}, "spec": spec})
	findings := dt_msh_002.findings with input as doc with data.context as facts
}

simple := {"tls": {"mode": "SIMPLE"}}

whole(host) := {{
	"pointer": "/spec/trafficPolicy/tls/mode",
	"message": sprintf("calls to %q leave the mesh's TLS by mode SIMPLE", [host]),
	"result": "finding",
	"patch": [{"op": "replace", "path": "/spec/trafficPolicy/tls/mode", "value": "ISTIO_MUTUAL"}],
}}

test_fail_whole if said("shop", {"host": "web.shop.", "trafficPolicy": simple}) == whole("web.shop")

test_fail_no_host if said("shop", {"trafficPolicy": simple}) == whole("")

# A host that takes in every Service does so from a namespace out of the mesh too.
test_fail_wide if {
	every host in ["*", "*.cluster.local", "*.local", "*.svc", "*.svc.cluster.local"] {
		said("plain", {"host": host, "trafficPolicy": simple}) == whole(host)
	}
}

test_pass_plain_namespace if said("plain", {"host": "web", "trafficPolicy": simple}) == set()

# A host outside may have a part that reads like a namespace of the mesh.
test_pass_alike if to("pay.shop.example.org", "SIMPLE") == set()

test_pass_other_kind if {
	doc := fx.of({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": fx.meta, "spec": {"host": "*", "trafficPolicy": simple}})
	findings := dt_msh_002.findings with input as doc with data.context as facts
	findings == set()
}
