package dualtrack.rules.dt_msh_003_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_msh_003

web := {"matchLabels": {"app": "web"}}

policy(action, selector) := {"name": "p", "selector": selector, "action": action, "targeted": false}

pods := {"shop": [{"labels": {"app": "web"}, "ports": []}, {"labels": {"app": "db"}, "ports": []}]}

namespace(authz) := {f.pointer | some f in findings} if {
	doc := fx.of({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"istio-injection": "enabled"}}})
	findings := dt_msh_003.findings with input as doc with data.context as fx.and_facts({"authz": authz, "selectable": pods})
}

test_pass_namespace if {
	namespace({"shop": [policy(null, null)]}) == set()
	namespace({"istio-system": [policy("ALLOW", null)]}) == set()
	namespace({"shop": [policy("ALLOW", web), policy("ALLOW", {"matchLabels": {"app": "db"}})]}) == set()
	namespace({"shop": [object.union(policy("ALLOW", null), {"targeted": true, "selector": web})]}) == set()
}

test_pass_no_mesh if {
	findings := dt_msh_003.findings with input as fx.of({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}) with data.context as fx.facts
	findings == set()
}

test_fail_no_policy if {
	namespace({}) == {"/metadata/name"}
	namespace({"shop": [policy("DENY", null)], "other": [policy("ALLOW", null)]}) == {"/metadata/name"}
}

test_fail_some_pods if namespace({"shop": [policy("ALLOW", web)]}) == {"/metadata/name"}

test_unknown_partial if {
	doc := fx.of({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"istio.io/rev": "a"}}})
	findings := dt_msh_003.findings with input as doc with data.context as fx.and_facts({"partial": true})
	fx.results(findings) == {"unknown"}
}

# served has Services before the pods, with the given ports.
served(ports) := fx.and_facts({
	"selectable": pods,
	"endpoints": {"shop": [
		{"name": "web", "selector": {"app": "web"}, "labels": {}, "ports": ports},
		{"name": "headless", "selector": null, "labels": {}, "ports": [{"name": "tcp", "port": 1}]},
		{"name": "db", "selector": {"app": "db"}, "labels": {}, "ports": [{"name": "mysql", "port": 3306}]},
	]},
})

said(spec, facts) := {f.pointer | some f in findings} if {
	findings := dt_msh_003.findings with input as fx.of({"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": fx.meta, "spec": spec}) with data.context as facts
}

found(spec) := said(spec, fx.facts)

from(source) := {"from": [{"source": source}]}

test_pass_policy if {
	found({}) == set()
	found({"action": "DENY", "rules": [{}]}) == set()
	found({"rules": [from({"principals": ["cluster.local/ns/shop/sa/web"]})]}) == set()
	found({"rules": null}) == set()
}

test_pass_other_group if {
	findings := dt_msh_003.findings with input as fx.of({"apiVersion": "x.example/v1", "kind": "AuthorizationPolicy", "spec": {"rules": [{}]}}) with data.context as fx.facts
	findings == set()
}

test_fail_empty_rule if {
	found({"rules": [from({"namespaces": ["a"]}), {}]}) == {"/spec/rules/1"}
	found({"action": "ALLOW", "rules": [{}]}) == {"/spec/rules/0"}
}

test_fail_star if {
	found({"rules": [from({"principals": ["a", "*"]})]}) == {"/spec/rules/0/from/0/source/principals/1"}
	found({"rules": [from({"namespaces": ["*"]})]}) == {"/spec/rules/0/from/0/source/namespaces/0"}
}

to(operation) := {"selector": web, "rules": [{"to": [{"operation": operation}]}]}

test_pass_http_ports if {
	said(to({"methods": ["GET"]}), served([{"name": "http-api", "port": 80}])) == set()
	said(to({"methods": ["GET"]}), served([{"port": 80, "appProtocol": "http"}])) == set()
	said(to({"methods": ["GET"]}), served([{"name": "api", "port": 80}])) == set()
	said(to({"ports": ["5432"]}), served([{"name": "tcp-db", "port": 5432}])) == set()
	said(to({"methods": ["GET"], "ports": ["80"]}), served([{"name": "tcp-db", "port": 5432}, {"name": "http", "port": 80}])) == set()
	said(to({"methods": ["GET"]}), served([{"name": "tcp-db", "port": 5432}, {"name": "http", "port": 80}])) == set()
}

test_fail_http_on_tcp if {
	said(to({"methods": ["GET"]}), served([{"name": "tcp-db", "port": 5432}])) == {"/spec/rules/0/to/0/operation/methods"}
	said(to({"paths": ["/a"], "ports": ["5000"]}), served([{"name": "tls", "port": 443, "targetPort": 5000}, {"name": "http", "port": 80}])) == {"/spec/rules/0/to/0/operation/paths"}
	said(object.union(to({"paths": ["/a"]}), {"action": "DENY"}), served([{"port": 443, "appProtocol": "tcp"}])) == {"/spec/rules/0/to/0/operation/paths"}
}
