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

judged(doc, context) := findings if {
	findings := dt_obs_002.findings with input as doc with data.context as context
}

monitor(kind, namespace, spec) := fx.of({"apiVersion": "monitoring.coreos.com/v1", "kind": kind, "metadata": {"name": "a", "namespace": namespace}, "spec": spec})

nothing(message) := {{"pointer": "/spec/selector", "message": message, "result": "finding"}}

test_fail_nothing_whole if {
	odd := {"selector": {"matchLabels": {"app": "x"}}}
	judged(monitor("ServiceMonitor", "shop", odd), facts) == nothing("it selects no Service of shop")
	judged(monitor("PodMonitor", "shop", odd), facts) == nothing("it selects no pods of shop")
	judged(monitor("ServiceMonitor", "pay", {"selector": web}), facts) == nothing("it selects no Service of pay; namespaceSelector leaves out shop, which has some")
}

# An absent selector, and an empty one, select all.
test_pass_no_selector if {
	every selector in [null, {}] {
		judged(monitor("ServiceMonitor", "shop", {"selector": selector}), facts) == set()
	}
	judged(monitor("ServiceMonitor", "shop", {}), facts) == set()
}

no_port(name) := {{"pointer": "/spec/endpoints/0/port", "message": name, "result": "finding"}}

test_fail_port_whole if {
	judged(monitor("ServiceMonitor", "shop", {"selector": web, "endpoints": [{"port": "x"}]}), facts) == no_port(`none of what it selects has a port of the name "x"`)
	judged(monitor("ServiceMonitor", "shop", {"selector": web, "endpoints": [{"port": "80"}]}), facts) == no_port(`none of what it selects has a port of the name "80": this is a name, a number goes into targetPort`)
}

# Where it looks, what it selects has to have the port.
test_fail_port_in_other_namespaces if {
	every where in [{"any": true}, {"any": true, "matchNames": ["shop"]}, {"matchNames": ["pay"]}, {"any": false, "matchNames": ["pay"]}] {
		service({"selector": till, "namespaceSelector": where}) == {"/spec/endpoints/0/port"}
	}
}

test_fail_insecure_whole if {
	endpoint := {"tlsConfig": {"insecureSkipVerify": true}}
	every kind, list in {"PodMonitor": "podMetricsEndpoints", "ServiceMonitor": "endpoints"} {
		at := sprintf("/spec/%s/0/tlsConfig/insecureSkipVerify", [list])
		judged(monitor(kind, "shop", {"selector": web, list: [endpoint]}), facts) == {{
			"pointer": at,
			"message": "whoever answers is believed, whatever its certificate says",
			"mend": "set tlsConfig.ca and serverName",
			"patch": [{"op": "remove", "path": at}],
		}}
	}
}

test_pass_other_kind if judged(monitor("Probe", "shop", {"endpoints": [{"port": "x", "tlsConfig": {"insecureSkipVerify": true}}]}), facts) == set()
