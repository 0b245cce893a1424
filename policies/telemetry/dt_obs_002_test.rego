package dualtrack.rules.dt_obs_002_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_obs_002

facts := fx.and_facts({
	"endpoints": {
		"shop": [{"name": "web", "labels": {"app": "web"}, "selector": {}, "ports": [{"name": "http", "port": 80}, {"port": 81}]}],
		"pay": [{"name": "till", "labels": {"app": "till"}, "selector": {}, "ports": [{"name": "metrics", "port": 9090}]}],
	},
	"selectable": {"shop": [{"labels": {"app": "web"}, "ports": ["http"]}]},
})

found(doc) := {f.pointer | some f in findings} if {
	findings := dt_obs_002.findings with input as doc with data.context as facts
}

web := {"matchLabels": {"app": "web"}}

till := {"matchLabels": {"app": "till"}}

service(spec) := found(fx.prometheus("ServiceMonitor", object.union({"selector": web, "endpoints": [{"port": "http"}]}, spec)))

pods(spec) := found(fx.prometheus("PodMonitor", object.union({"selector": web, "podMetricsEndpoints": [{"port": "http"}]}, spec)))

metrics := [{"port": "metrics"}]

test_pass_service if {
	service({}) == set()
	service({"endpoints": [{"targetPort": 8080}, "odd"]}) == set()
	service({"selector": till, "endpoints": metrics, "namespaceSelector": {"matchNames": ["pay"]}}) == set()
	service({"selector": till, "endpoints": metrics, "namespaceSelector": {"any": true}}) == set()
}

test_pass_pods if pods({}) == set()

test_fail_nothing if {
	service({"selector": {"matchLabels": {"app": "wbe"}}}) == {"/spec/selector"}
	pods({"selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["x"]}]}}) == {"/spec/selector"}
}

message(doc) := concat(" ", {f.message | some f in findings}) if {
	findings := dt_obs_002.findings with input as doc with data.context as facts
}

test_fail_other_namespace if {
	service({"selector": till, "endpoints": metrics}) == {"/spec/selector"}
	contains(message(fx.prometheus("ServiceMonitor", {"selector": till})), "leaves out pay")
}

test_fail_port if {
	service({"endpoints": [{"port": "http"}, {"port": "metrics"}]}) == {"/spec/endpoints/1/port"}
	pods({"podMetricsEndpoints": [{"port": "x"}]}) == {"/spec/podMetricsEndpoints/0/port"}
}

# A number there is a name that no port has.
test_fail_number if {
	service({"endpoints": [{"port": "80"}]}) == {"/spec/endpoints/0/port"}
	contains(message(fx.prometheus("ServiceMonitor", {"selector": web, "endpoints": [{"port": "80"}]})), "targetPort")
}

test_fail_insecure if service({"endpoints": [{"port": "http", "tlsConfig": {"insecureSkipVerify": true}}]}) == {"/spec/endpoints/0/tlsConfig/insecureSkipVerify"}

test_unknown_partial if {
	findings := dt_obs_002.findings with input as fx.prometheus("ServiceMonitor", {"selector": {"matchLabels": {"app": "x"}}}) with data.context as object.union(facts, {"partial": true})
	fx.results(findings) == {"unknown"}
}

test_pass_other_group if found(fx.of({"apiVersion": "x.example/v1", "kind": "ServiceMonitor", "spec": {"selector": {"matchLabels": {"app": "x"}}}})) == set()
