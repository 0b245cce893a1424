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

judged(spec, facts) := findings if {
	findings := dt_rel_002.findings with input as workload(spec) with data.context as facts
}

test_pass_defaults if dt_rel_002.meta.params == {"needLiveness": false}

# Of several Services the first by name is told; those at other ports, and of
# other pods, are not.
test_fail_not_ready_whole if {
	services := [
		{"name": "web", "selector": {"app": "web"}, "ports": [8080]},
		{"name": "zone", "selector": {"app": "web"}, "ports": [8080]},
		{"name": "api", "selector": {"app": "web"}, "ports": [9090]},
		{"name": "aaa", "selector": {"app": "web", "x": "z"}, "ports": [8080, 9091]},
	]
	judged(c({}), fx.and_facts({"services": {"shop": services}})) == {
		{"pointer": sprintf("%s/readinessProbe", [at]), "container": "a", "message": `Service "web" sends requests to container "a", which has no readiness probe`},
		{"pointer": "/spec/template/spec/containers", "message": `Service "api" sends requests to these pods, and no container has a readiness probe`},
	}
}

test_pass_other_service if found(c({}), fx.and_facts({"services": {"shop": [{"name": "x", "selector": {"app": "other"}, "ports": [8080]}]}})) == set()

test_pass_debugger if {
	spec := {"containers": [{"name": "a", "readinessProbe": {"exec": {}}}], "ephemeralContainers": [{"name": "d", "restartPolicy": "Always", "ports": [{"containerPort": 8080}]}]}
	found(spec, behind(8080)) == set()
}

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

test_pass_both_absent if found(c({"readinessProbe": null, "livenessProbe": null}), fx.facts) == set()

test_fail_identical_whole if judged(c(object.union(ready, {"livenessProbe": ready.readinessProbe})), fx.facts) == {{
	"pointer": sprintf("%s/livenessProbe", [at]),
	"container": "a",
	"message": `the liveness probe of container "a" is its readiness probe: what is busy is restarted`,
	"mend": "let liveness ask less, or fail later",
}}

test_pass_later if found(c(object.union(ready, {"livenessProbe": {"httpGet": {"port": 8080}, "failureThreshold": 9}})), fx.facts) == set()

test_fail_no_liveness if found(c(ready), fx.and_facts({"params": {"DT-REL-002": {"needLiveness": true}}})) == {[sprintf("%s/livenessProbe", [at]), "warning"]}

needing := fx.and_facts({"params": {"DT-REL-002": {"needLiveness": true}}})

test_pass_live if found(c(live), needing) == set()

test_fail_no_liveness_whole if judged(c(ready), needing) == {{
	"pointer": sprintf("%s/livenessProbe", [at]),
	"container": "a",
	"message": `container "a" has no liveness probe`,
	"mend": "add a livenessProbe that fails only when a restart would help",
}}

asking(how, port) := c({"startupProbe": {how: {"port": port}}})

test_pass_ports if {
	every port in [8080, "http", "8080", null] {
		found(asking("httpGet", port), fx.facts) == set()
	}
}

test_fail_ports if {
	found(asking("httpGet", "https"), fx.facts) == {[sprintf("%s/startupProbe/httpGet/port", [at]), "error"]}
	found(asking("tcpSocket", 8081), fx.facts) == {[sprintf("%s/startupProbe/tcpSocket/port", [at]), "warning"]}
	found(asking("tcpSocket", "8081"), fx.facts) == {[sprintf("%s/startupProbe/tcpSocket/port", [at]), "warning"]}
}

test_fail_each_probe if {
	every kind in ["livenessProbe", "readinessProbe", "startupProbe"] {
		judged(c({kind: {"httpGet": {"port": "https"}}}), fx.facts) == {{
			"pointer": sprintf("%s/%s/httpGet/port", [at, kind]),
			"container": "a",
			"severity": "error",
			"message": sprintf(`the %s of container "a" asks at port https, which the container does not declare`, [kind]),
			"mend": "name a port of the container's own list",
		}}
	}
}

test_fail_one_declared if found({"containers": [{"name": "a", "ports": [{"containerPort": 8080}], "startupProbe": {"tcpSocket": {"port": 8081}}}]}, fx.facts) == {[sprintf("%s/startupProbe/tcpSocket/port", [at]), "warning"]}

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

test_fail_java_whole if judged(c(object.union(live, {"image": "java:21"})), fx.facts) == {{
	"pointer": sprintf("%s/livenessProbe", [at]),
	"container": "a",
	"severity": "info",
	"message": `container "a" looks like a Java program, which starts slowly, and has a liveness probe without a startup probe`,
	"mend": "add a startupProbe: until it succeeds nothing is restarted",
}}

test_fail_each_variable if {
	every name in ["JAVA_OPTS", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"] {
		found(c(object.union(live, {"env": [{"name": name, "value": "-Xmx1g"}]})), fx.facts) == jvm
	}
}

test_pass_other_variable if found(c(object.union(live, {"env": [{"name": "JAVA", "value": "no"}]})), fx.facts) == set()

test_pass_java if {
	found(c(object.union(live, {"image": "java:21", "startupProbe": {"exec": {}}})), fx.facts) == set()
	found(c({"image": "java:21"}), fx.facts) == set()
	found(c(object.union(live, {"image": "registry.example/javascript:1"})), fx.facts) == set()
}
