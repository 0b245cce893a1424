package dualtrack.pods.dt_rel_001_test

import data.dualtrack.fixture as fx
import data.dualtrack.pods.dt_rel_001

found(resources, facts) := {f.pointer | some f in findings} if {
	findings := dt_rel_001.findings with input as fx.container({"resources": resources}) with data.context as facts
}

at := "/spec/containers/0/resources"

cpu := sprintf("%s/requests/cpu", [at])

memory := sprintf("%s/requests/memory", [at])

limit := sprintf("%s/limits/memory", [at])

test_pass_all if found({"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}}, fx.facts) == set()

# A limit sets the request.
test_pass_limits_alone if found({"limits": {"cpu": 1, "memory": "64Mi"}}, fx.facts) == set()

test_fail_absent if {
	every none in [null, {}, "odd", {"requests": null}, {"limits": {"memory": null}}] {
		found(none, fx.facts) == {cpu, memory, limit}
	}
}

# An empty entry of one resource leaves the others as they are.
test_fail_one_absent if {
	found({"requests": {"memory": "64Mi"}, "limits": {"memory": "64Mi"}}, fx.facts) == {cpu}
	found({"requests": {"cpu": null, "memory": "64Mi"}, "limits": {"memory": "64Mi"}}, fx.facts) == {cpu}
	found({"requests": {"cpu": "1", "memory": null}, "limits": {"cpu": "1"}}, fx.facts) == {memory, limit}
}

test_pass_defaults if dt_rel_001.meta.params == {"cpuLimit": false, "maxRatio": 4}

test_fail_whole if {
	findings := dt_rel_001.findings with input as fx.container({"resources": {"requests": {"cpu": "1", "memory": "1Mi"}}}) with data.context as fx.facts
	findings == {{"pointer": limit, "container": "a", "message": `container "a" has no limits of memory`}}
}

test_fail_no_limit if found({"requests": {"cpu": "100m", "memory": "64Mi"}}, fx.facts) == {limit}

test_fail_cpu_limit if {
	facts := fx.and_facts({"params": {"DT-REL-001": {"cpuLimit": true}}})
	found({"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}}, facts) == {sprintf("%s/limits/cpu", [at])}
}

test_pass_cpu_limit if {
	facts := fx.and_facts({"params": {"DT-REL-001": {"cpuLimit": true}}})
	found({"limits": {"cpu": "1", "memory": "64Mi"}}, facts) == set()
}

ranges(limits) := fx.and_facts({"limits": {"shop": [limits]}})

test_pass_limit_range if found({}, ranges([{"type": "Container", "default": {"memory": "64Mi", "cpu": "1"}}])) == set()

test_fail_limit_range_without_limit if found({}, ranges([{"type": "Container", "defaultRequest": {"memory": "64Mi", "cpu": "1"}}])) == {limit}

test_fail_limit_range_of_pods if found({}, ranges([{"type": "Pod", "max": {"memory": "64Mi", "cpu": "1"}}])) == {cpu, memory, limit}

# What has defaults for pods, which no API server takes, fills in nothing.
test_fail_default_of_pods if found({}, ranges([{"type": "Pod", "default": {"memory": "64Mi", "cpu": "1"}}])) == {cpu, memory, limit}

test_fail_limit_range_of_cpu if found({}, ranges([{"type": "Container", "default": {"cpu": "1"}}])) == {memory, limit}

test_fail_limit_range_elsewhere if found({}, fx.and_facts({"limits": {"other": [[{"type": "Container", "default": {"memory": "64Mi", "cpu": "1"}}]]}})) == {cpu, memory, limit}

test_fail_init if {
	findings := dt_rel_001.findings with input as fx.pod({"initContainers": [{"name": "a"}]}) with data.context as fx.facts
	count(findings) == 3
}

test_pass_debugger if {
	findings := dt_rel_001.findings with input as fx.pod({"ephemeralContainers": [{"name": "a"}]}) with data.context as fx.facts
	findings == set()
}

sized(request, most) := {"requests": {"cpu": "1", "memory": request}, "limits": {"memory": most}}

test_pass_ratio if {
	found(sized("64Mi", "256Mi"), fx.facts) == set()
	found(sized("1Gi", 4294967296), fx.facts) == set()
}

test_fail_ratio if {
	found(sized("64Mi", "257Mi"), fx.facts) == {limit}
	found(sized("1M", "4001k"), fx.facts) == {limit}
	found(sized(1, "1Gi"), fx.facts) == {limit}
}

test_fail_ratio_whole if {
	findings := dt_rel_001.findings with input as fx.container({"resources": sized("64Mi", "257Mi")}) with data.context as fx.facts
	findings == {{
		"pointer": limit,
		"container": "a",
		"message": `container "a" may use more than 4 times the memory that it requests`,
		"mend": "request what the container uses: the node has no room set aside for the rest",
	}}
}

# What is no quantity is for the schema to say.
test_pass_no_quantity if found(sized("much", "1Gi"), fx.facts) == set()

test_fail_ratio_param if found(sized("64Mi", "129Mi"), fx.and_facts({"params": {"DT-REL-001": {"maxRatio": 2}}})) == {limit}
