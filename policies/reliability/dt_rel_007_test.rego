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

keda(spec) := fx.of({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": fx.meta, "spec": object.union(target, spec)})

of_doc(doc, facts) := {[f.pointer, object.get(f, "result", "finding")] | some f in findings} if {
	findings := dt_rel_007.findings with input as doc with data.context as facts
}

twice := object.union(running({}), {"scalers": {"shop": {"Deployment/web": [
	{"kind": "ScaledObject", "name": "a", "min": 1, "max": 3},
	{"kind": "ScaledObject", "name": "b", "min": 1, "max": 3},
]}}})

test_fail_keda if {
	of_doc(keda({}), fx.facts) == {["/spec/scaleTargetRef", "finding"]}
	of_doc(keda({}), twice) == {["/spec/scaleTargetRef", "finding"]}
	of_doc(keda(cpu), fx.and_facts({"workloads": running({}).workloads})) == {["/spec/metrics/0", "finding"]}
}

test_pass_keda_measures_no_cpu if of_doc(keda({}), fx.and_facts({"workloads": running({}).workloads})) == set()

test_pass_other_kind if {
	every other in [{"kind": "Other"}, {"group": "x.example"}] {
		of_doc(object.union(hpa(cpu), other), fx.facts) == set()
		of_doc(object.union(hpa({}), other), running({})) == set()
		of_doc(object.union(keda({}), other), twice) == set()
	}
}

test_fail_each_builtin if {
	every kind in ["Deployment", "ReplicaSet", "ReplicationController", "StatefulSet"] {
		found(object.union(cpu, {"scaleTargetRef": {"kind": kind, "name": "elsewhere"}}), fx.facts) == {["/spec/scaleTargetRef", "finding"]}
	}
}

test_fail_no_name if {
	findings := dt_rel_007.findings with input as fx.of({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": fx.meta, "spec": {}}) with data.context as fx.facts
	{f.message | some f in findings} == {"the bundle holds no Deployment  to scale"}
}

test_pass_default_metric if found({}, requesting) == set()

test_fail_other_resource if found(cpu, running({"requests": {"memory": "1Gi"}})) == {["/spec/metrics/0", "finding"]}

limited(limit) := found(cpu, object.union(running({}), {"limits": {"shop": [[limit]]}}))

test_pass_default_limit if limited({"type": "Container", "default": {"cpu": "1"}}) == set()

test_fail_limit_of_pods if limited({"type": "Pod", "default": {"cpu": "1"}}) == {["/spec/metrics/0", "finding"]}

test_fail_limit_of_memory if limited({"type": "Container", "default": {"memory": "1Gi"}}) == {["/spec/metrics/0", "finding"]}

test_pass_replicas_unsaid if of_workload({}, requesting) == set()
