package dualtrack.pods.dt_rel_002_test

import data.dualtrack.fixture as fx
import data.dualtrack.pods.dt_rel_002

service(port) := {"name": "web", "selector": {"app": "web"}, "ports": [port]}

behind(port) := fx.and_facts({"services": {"shop": [service(port), {"name": "headless", "selector": {}, "ports": [1]}, {"name": "other", "selector": {"app": "other"}, "ports": [8080]}]}})

workload(spec) := fx.deployment({"template": {"metadata": {"labels": {"app": "web", "x": "y"}}, "spec": spec}})

at := "/spec/template/spec/containers/0"

found(spec, facts) := {[f.pointer, object.get(f, "severity", "warning")] | some f in findings} if {
	findings := dt_rel_002.findings with input as workload(spec) with data.context as facts
}

c(more) := {"containers": [object.union({"name": "a", "ports": [{"containerPort": 8080, "name": "http"}, "odd"]}, more)]}

ready := {"readinessProbe": {"httpGet": {"port": 8080}}}

test_pass_ready if found(c(ready), behind(8080)) == set()

test_pass_no_service if found(c({}), fx.facts) == set()

test_fail_not_ready if {
	found(c({}), behind(8080)) == {[sprintf("%s/readinessProbe", [at]), "warning"]}
	found(c({"readinessProbe": null}), behind("http")) == {[sprintf("%s/readinessProbe", [at]), "warning"]}
}

test_fail_undeclared_target if found({"containers": [{"name": "a"}]}, behind(8080)) == {["/spec/template/spec/containers", "warning"]}

test_pass_undeclared_target if found({"containers": [{"name": "a", "readinessProbe": {"exec": {}}}]}, behind(8080)) == set()

# Another container answers at that port.
test_pass_other_container if found({"containers": [{"name": "a", "ports": [{"containerPort": 8080}], "readinessProbe": {"exec": {}}}, {"name": "b"}]}, behind(8080)) == set()

test_fail_sidecar if {
	spec := {"initContainers": [{"name": "s", "restartPolicy": "Always", "ports": [{"containerPort": 8080}]}, {"name": "i", "ports": [{"containerPort": 8080}]}]}
	found(spec, behind(8080)) == {["/spec/template/spec/initContainers/0/readinessProbe", "warning"]}
}

of_kind(doc) := {f.pointer | some f in findings} if {
	findings := dt_rel_002.findings with input as fx.of(doc) with data.context as behind(8080)
}

labelled := {"metadata": {"labels": {"app": "web"}}, "spec": c({})}

test_pass_jobs if {
	of_kind({"apiVersion": "batch/v1", "kind": "Job", "metadata": fx.meta, "spec": {"template": labelled}}) == set()
	of_kind({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": fx.meta, "spec": {"jobTemplate": {"spec": {"template": labelled}}}}) == set()
	of_kind({"apiVersion": "v1", "kind": "Pod", "metadata": object.union(fx.meta, {"labels": {"app": "web"}}), "spec": object.union(c({}), {"restartPolicy": "Never"})}) == set()
}

test_fail_pod if of_kind({"apiVersion": "v1", "kind": "Pod", "metadata": object.union(fx.meta, {"labels": {"app": "web"}}), "spec": c({})}) == {"/spec/containers/0/readinessProbe"}

test_fail_identical if found(c(object.union(ready, {"livenessProbe": ready.readinessProbe})), fx.facts) == {[sprintf("%s/livenessProbe", [at]), "warning"]}

test_pass_later if found(c(object.union(ready, {"livenessProbe": {"httpGet": {"port": 8080}, "failureThreshold": 9}})), fx.facts) == set()

test_fail_no_liveness if found(c(ready), fx.and_facts({"params": {"DT-REL-002": {"needLiveness": true}}})) == {[sprintf("%s/livenessProbe", [at]), "warning"]}

asking(how, port) := c({"startupProbe": {how: {"port": port}}})

test_pass_ports if {
	every port in [8080, "http", "8080"] {
		found(asking("httpGet", port), fx.facts) == set()
	}
}

test_fail_ports if {
	found(asking("httpGet", "https"), fx.facts) == {[sprintf("%s/startupProbe/httpGet/port", [at]), "error"]}
	found(asking("tcpSocket", 8081), fx.facts) == {[sprintf("%s/startupProbe/tcpSocket/port", [at]), "warning"]}
	found(asking("tcpSocket", "8081"), fx.facts) == {[sprintf("%s/startupProbe/tcpSocket/port", [at]), "warning"]}
}

# Containers of a pod share an address: a sidecar may answer in front.
test_pass_port_of_a_sidecar if {
	spec := {"containers": [{"name": "a", "ports": [{"containerPort": 9000}], "startupProbe": {"httpGet": {"port": 8080}}}, {"name": "b", "ports": [{"containerPort": 8080}]}]}
	found(spec, fx.facts) == set()
}

# In the node's network a declared port is a taken one.
test_pass_host_network if found(object.union({"hostNetwork": true}, asking("tcpSocket", 8081)), fx.facts) == set()

# Ports need not be declared; names of ports have to.
test_pass_none_declared if found({"containers": [{"name": "a", "livenessProbe": {"tcpSocket": {"port": 8081}}}]}, fx.facts) == set()

test_fail_name_of_nothing if found({"containers": [{"name": "a", "livenessProbe": {"tcpSocket": {"port": "http"}}}]}, fx.facts) == {[sprintf("%s/livenessProbe/tcpSocket/port", [at]), "error"]}

live := {"livenessProbe": {"exec": {"command": ["true"]}}}

jvm := {[sprintf("%s/livenessProbe", [at]), "info"]}

test_fail_java if {
	found(c(object.union(live, {"image": "registry.example/shop/kafka:3"})), fx.facts) == jvm
	found(c(object.union(live, {"image": "eclipse-temurin:21"})), fx.facts) == jvm
	found(c(object.union(live, {"env": ["odd", {"name": "JAVA_OPTS", "value": "-Xmx1g"}]})), fx.facts) == jvm
}

test_pass_java if {
	found(c(object.union(live, {"image": "java:21", "startupProbe": {"exec": {}}})), fx.facts) == set()
	found(c({"image": "java:21"}), fx.facts) == set()
	found(c(object.union(live, {"image": "registry.example/javascript:1"})), fx.facts) == set()
}
