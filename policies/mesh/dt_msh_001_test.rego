package dualtrack.rules.dt_msh_001_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_msh_001

peer(spec) := fx.of({"apiVersion": "security.istio.io/v1", "kind": "PeerAuthentication", "metadata": fx.meta, "spec": spec})

found(doc) := said(doc, fx.facts)

said(doc, facts) := {[f.pointer, object.get(f, "severity", "error")] | some f in findings} if {
	findings := dt_msh_001.findings with input as doc with data.context as facts
}

web := {"matchLabels": {"app": "web"}}

test_pass_strict if {
	found(peer({"mtls": {"mode": "STRICT"}})) == set()
	found(peer({"selector": web, "mtls": {"mode": "STRICT"}, "portLevelMtls": {"8080": {"mode": "STRICT"}}})) == set()
}

# UNSET inherits.
test_pass_unset if {
	found(peer({"selector": web, "mtls": {"mode": "UNSET"}, "portLevelMtls": {"8080": {"mode": "UNSET"}}})) == set()
	found(peer({})) == set()
	found(peer(null)) == set()
}

test_pass_allowed_port if said(peer({"selector": web, "portLevelMtls": {"9090": {"mode": "DISABLE"}}}), fx.and_facts({"params": {"DT-MSH-001": {"allowPorts": [9090]}}})) == set()

test_pass_other_group if found(fx.of({"apiVersion": "x.example/v1", "kind": "PeerAuthentication", "spec": {"mtls": {"mode": "DISABLE"}}})) == set()

test_fail_modes if {
	every mode in ["DISABLE", "PERMISSIVE"] {
		found(peer({"mtls": {"mode": mode}})) == {["/spec/mtls/mode", "error"]}
		found(peer({"selector": web, "mtls": {"mode": mode}})) == {["/spec/mtls/mode", "error"]}
	}
}

test_fail_port if found(peer({"selector": web, "mtls": {"mode": "STRICT"}, "portLevelMtls": {"8080": {"mode": "PERMISSIVE"}}})) == {["/spec/portLevelMtls/8080/mode", "error"]}

test_fail_ignored_port if {
	found(peer({"portLevelMtls": {"8080": {"mode": "DISABLE"}}})) == {["/spec/portLevelMtls", "warning"]}
	found(peer({"selector": {"matchLabels": {}}, "portLevelMtls": {"8080": {"mode": "STRICT"}}})) == {["/spec/portLevelMtls", "warning"]}
}

namespace(labels, peers) := said(fx.of({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": labels}}), fx.and_facts({"peerAuth": peers}))

injected := {"istio-injection": "enabled"}

of(mode) := [{"name": "p", "selector": null, "mode": mode}]

test_pass_namespace if {
	namespace({}, {}) == set()
	namespace({"istio-injection": "disabled"}, {}) == set()
	namespace(injected, {"shop": of("STRICT")}) == set()
	namespace(injected, {"istio-system": of("STRICT")}) == set()
	namespace(injected, {"shop": of("UNSET"), "istio-system": of("STRICT")}) == set()
}

nobody := {["/metadata/name", "error"]}

test_fail_namespace if {
	namespace(injected, {}) == nobody
	namespace({"istio.io/rev": "1-20"}, {}) == nobody
	namespace({"istio.io/dataplane-mode": "ambient"}, {"other": of("STRICT")}) == nobody
}

test_fail_namespace_undecided if {
	namespace(injected, {"shop": of("UNSET"), "istio-system": of(null)}) == nobody
	namespace(injected, {"shop": [{"name": "p", "selector": web, "mode": "STRICT"}]}) == nobody
}

test_unknown_partial if {
	findings := dt_msh_001.findings with input as fx.of({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": injected}}) with data.context as fx.and_facts({"partial": true})
	fx.results(findings) == {"unknown"}
}

findings(doc, facts) := all if {
	all := dt_msh_001.findings with input as doc with data.context as facts
}

test_pass_params if dt_msh_001.meta.params == {"allowPorts": [], "rootNS": "istio-system"}

test_fail_mode_whole if findings(peer({"selector": web, "mtls": {"mode": "DISABLE"}}), fx.facts) == {{
	"pointer": "/spec/mtls/mode",
	"message": "mode DISABLE takes plain text from everybody",
	"patch": [{"op": "replace", "path": "/spec/mtls/mode", "value": "STRICT"}],
}}

# A port beside those that are allowed is judged.
test_fail_port_whole if {
	doc := peer({"selector": web, "portLevelMtls": {"8080": {"mode": "PERMISSIVE"}, "9090": {"mode": "DISABLE"}}})
	findings(doc, fx.and_facts({"params": {"DT-MSH-001": {"allowPorts": [9090]}}})) == {{
		"pointer": "/spec/portLevelMtls/8080/mode",
		"message": "mode PERMISSIVE takes plain text on port 8080",
		"mend": "set STRICT, or name the port in the parameter allowPorts",
		"patch": [{"op": "replace", "path": "/spec/portLevelMtls/8080/mode", "value": "STRICT"}],
	}}
}

test_fail_namespace_whole if {
	doc := fx.of({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": injected}})
	findings(doc, fx.facts) == {{
		"pointer": "/metadata/name",
		"message": `no PeerAuthentication of namespace "shop" or "istio-system" says which TLS its pods take, so they take plain text`,
		"result": "finding",
	}}
}

test_pass_no_namespace if {
	every like in [{"apiVersion": "v1", "kind": "Service"}, {"apiVersion": "x.example/v1", "kind": "Namespace"}] {
		found(fx.of(object.union(like, {"metadata": {"name": "shop", "labels": injected}}))) == set()
	}
}

test_pass_other_kind if found(fx.of({"apiVersion": "security.istio.io/v1", "kind": "RequestAuthentication", "spec": {"mtls": {"mode": "DISABLE"}, "portLevelMtls": {"80": {"mode": "DISABLE"}}}})) == set()
