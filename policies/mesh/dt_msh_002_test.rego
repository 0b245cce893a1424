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
