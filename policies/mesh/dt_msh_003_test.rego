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

judged(doc, facts) := all if {
	all := dt_msh_003.findings with input as doc with data.context as facts
}

of_namespace(labels) := fx.of({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": labels}})

injected := {"istio-injection": "enabled"}

three_pods := {"shop": [{"labels": {"app": "web"}}, {"labels": {"app": "db"}}, {"labels": {"app": "cache"}}]}

for_web := fx.and_facts({"authz": {"shop": [policy("ALLOW", web)]}, "selectable": three_pods})

test_fail_no_policy_whole if judged(of_namespace(injected), fx.and_facts({"selectable": three_pods})) == {{
	"pointer": "/metadata/name",
	"message": `no AuthorizationPolicy allows anybody in namespace "shop", so everybody is allowed`,
	"result": "finding",
}}

some_pods(result) := {{
	"pointer": "/metadata/name",
	"message": `2 kinds of pods of namespace "shop" are in no AuthorizationPolicy that allows, so everybody reaches them`,
	"result": result,
}}

test_fail_some_pods_whole if judged(of_namespace(injected), for_web) == some_pods("finding")

test_unknown_some_pods if judged(of_namespace(injected), object.union(for_web, {"partial": true})) == some_pods("unknown")

test_pass_some_pods_no_mesh if judged(of_namespace({}), for_web) == set()

test_pass_no_namespace if {
	every like in [{"kind": "Other"}, {"group": "x.example"}] {
		judged(object.union(of_namespace(injected), like), for_web) == set()
		judged(object.union(of_namespace(injected), like), fx.facts) == set()
	}
}

test_pass_other_kind if {
	doc := fx.of({"apiVersion": "security.istio.io/v1", "kind": "Other", "metadata": fx.meta, "spec": {"rules": [{}, from({"principals": ["*"]}), {"to": [{"operation": {"paths": ["/a"]}}]}]}})
	judged(doc, served([{"name": "tcp", "port": 1}])) == set()
}

test_pass_odd_rules if found({"rules": ["", [], null, {"to": []}]}) == set()

# Who denies everybody is not too wide.
test_pass_deny_star if found({"action": "DENY", "rules": [from({"principals": ["*"], "namespaces": ["*"]})]}) == set()

of_spec(spec) := fx.of({"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": fx.meta, "spec": spec})

test_fail_rules_whole if judged(of_spec({"rules": [{}, from({"principals": ["*"]})]}), fx.facts) == {
	{"pointer": "/spec/rules/0", "message": "an empty rule allows everybody everything", "mend": "name who may do what; a policy without rules denies all"},
	{"pointer": "/spec/rules/1/from/0/source/principals/0", "message": `principals "*" are everybody who has an identity of the mesh`, "mend": "name the callers' service accounts"},
}

# dropped are the findings about fields of HTTP.
dropped(fields, port, then) := {f |
	some field in fields
	f := {
		"pointer": concat("/", ["/spec/rules/0/to/0/operation", field]),
		"message": sprintf("%s are of HTTP, and port %v of Service \"web\" is not: %s", [field, port, then]),
		"mend": "name the ports of HTTP in operation.ports, or drop the field",
	}
}

never := "the rule never matches there"

test_fail_http_fields if {
	fields := ["hosts", "methods", "notHosts", "notMethods", "notPaths", "paths"]
	operation := {field: ["a"] | some field in fields}
	tcp := served([{"name": "tcp-db", "port": 5432}])
	judged(of_spec(to(operation)), tcp) == dropped(fields, 5432, never)
	judged(of_spec(object.union(to(operation), {"action": "DENY"})), tcp) == dropped(fields, 5432, "the rule matches every call there")
}

get(ports) := of_spec(to({"methods": ["GET"], "ports": ports}))

test_fail_http_port if {
	judged(get(["5432"]), served([{"name": "tcp-db", "port": 5432}])) == dropped(["methods"], 5432, never)
	judged(get(["5000"]), served([{"name": "tcp-db", "port": 5432, "targetPort": 5000}])) == dropped(["methods"], 5432, never)
}

# The rule names a port that no Service has, or that is the Service's and not the pod's.
test_pass_other_port if {
	judged(get(["80"]), served([{"name": "tcp-db", "port": 5432}])) == set()
	judged(get(["5432"]), served([{"name": "tcp-db", "port": 5432, "targetPort": 5000}])) == set()
}

# Only the Services before the selected pods count; one without a selector is before none.
test_pass_other_services if {
	judged(get([]), served([])) == set()
	judged(get([]), fx.and_facts({"selectable": pods, "endpoints": {"shop": [{"name": "web", "selector": {}, "ports": [{"name": "tcp", "port": 1}]}]}})) == set()
}

test_pass_odd_ports if judged(get([]), served(["tcp", null, {"name": "tcp"}])) == set()

test_fail_protocols if {
	every protocol in ["mongo", "mysql", "postgres", "redis", "tcp", "tls", "udp", "https"] {
		judged(get([]), served([{"name": "http", "port": 1, "appProtocol": protocol}])) == dropped(["methods"], 1, never)
		judged(get([]), served([{"name": protocol, "port": 1}])) == dropped(["methods"], 1, never)
		judged(get([]), served([{"name": protocol, "port": 1, "appProtocol": null}])) == dropped(["methods"], 1, never)
	}
}

# The proxy looks what a port without name and appProtocol speaks.
test_pass_protocol_unknown if {
	judged(get([]), served([{"port": 1}])) == set()
	judged(get([]), served([{"name": "tcp", "port": 1, "appProtocol": "http2"}])) == set()
}

# A policy without a selector is of the pods before every Service.
test_fail_no_selector if {f.pointer | some f in judged(of_spec({"rules": [{"to": [{"operation": {"paths": ["/a"]}}]}]}), served([]))} == {"/spec/rules/0/to/0/operation/paths"}
