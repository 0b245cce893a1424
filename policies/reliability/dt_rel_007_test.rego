package dualtrack.rules.dt_rel_007_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_rel_007

hpa(spec) := fx.of({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": fx.meta, "spec": object.union(target, spec)})

target := {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}

use(type, source) := {"metrics": [{"type": type, type_field[type]: object.union({"target": {"type": "Utilization"}}, source)}]}

type_field := {"Resource": "resource", "ContainerResource": "containerResource", "Pods": "pods"}

running(resources) := fx.and_facts({
	"workloads": {"shop": [{"group": "apps", "kind": "Deployment", "name": "web", "labels": {}, "replicas": 1, "containers": [{"name": "c", "resources": resources}]}]},
	"scalers": {"shop": {"Deployment/web": [{"kind": "HorizontalPodAutoscaler", "name": "a", "min": 1, "max": 3}]}},
})

requesting := running({"requests": {"cpu": "1", "memory": "1Gi"}})

found(spec, facts) := {[f.pointer, object.get(f, "result", "finding")] | some f in findings} if {
	findings := dt_rel_007.findings with input as hpa(spec) with data.context as facts
}

cpu := use("Resource", {"name": "cpu"})

test_pass_requested if found(cpu, requesting) == set()

test_pass_limit_sets_request if found(cpu, running({"limits": {"cpu": "1"}})) == set()

test_pass_limit_range if found(cpu, object.union(running({}), {"limits": {"shop": [[{"type": "Container", "defaultRequest": {"cpu": "1"}}]]}})) == set()

test_fail_other_limit_range if found(cpu, object.union(running({}), {"limits": {"shop": [[{"type": "Pod", "max": {"cpu": "1"}}]]}})) == {["/spec/metrics/0", "finding"]}

test_fail_no_request if found(cpu, running(null)) == {["/spec/metrics/0", "finding"]}

# Without metrics the use of CPU is what counts.
test_fail_default_metric if found({}, running({})) == {["/spec", "finding"]}

test_pass_container_metric if found(use("ContainerResource", {"name": "cpu", "container": "other"}), running({})) == set()

test_fail_container_metric if found(use("ContainerResource", {"name": "cpu", "container": "c"}), running({})) == {["/spec/metrics/0", "finding"]}

test_pass_average if found(use("Resource", {"name": "cpu", "target": {"type": "AverageValue"}}), running({})) == set()

test_pass_other_metric if found(use("Pods", {}), running({})) == set()

test_pass_odd_metric if found({"metrics": ["odd"]}, running({})) == set()

test_fail_no_target if found(cpu, fx.facts) == {["/spec/scaleTargetRef", "finding"]}

test_unknown_partial if found(cpu, fx.and_facts({"partial": true})) == {["/spec/scaleTargetRef", "unknown"]}

test_unknown_custom_target if found(object.union(cpu, {"scaleTargetRef": {"kind": "Kafka", "name": "k"}}), fx.facts) == {["/spec/scaleTargetRef", "unknown"]}

test_fail_two_scalers if {
	second := {"scalers": {"shop": {"Deployment/web": [
		{"kind": "HorizontalPodAutoscaler", "name": "a", "min": 1, "max": 3},
		{"kind": "HorizontalPodAutoscaler", "name": "b", "min": 1, "max": 3},
	]}}}
	found(cpu, object.union(requesting, second)) == {["/spec/scaleTargetRef", "finding"]}
}

of_workload(spec, facts) := {f.pointer | some f in findings} if {
	o := {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}, "spec": spec}
	findings := dt_rel_007.findings with input as fx.of(o) with data.context as facts
}

test_fail_replicas if of_workload({"replicas": 3}, requesting) == {"/spec/replicas"}

test_fail_zero_replicas if of_workload({"replicas": 0}, requesting) == {"/spec/replicas"}

test_pass_no_replicas if of_workload({"replicas": null}, requesting) == set()

test_pass_not_scaled if of_workload({"replicas": 3}, fx.facts) == set()

test_pass_keda_default_kind if {
	o := {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "a", "namespace": "shop"}, "spec": {"scaleTargetRef": {"name": "web"}}}
	facts := object.union(requesting, {"scalers": {"shop": {"Deployment/web": [{"kind": "ScaledObject", "name": "a", "min": 0, "max": 3}]}}})
	count(dt_rel_007.findings) == 0 with input as fx.of(o) with data.context as facts
}
