package dualtrack.rules.dt_rel_008_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_rel_008

judged(doc, facts) := {[f.pointer, object.get(f, "result", "finding")] | some f in findings} if {
	findings := dt_rel_008.findings with input as doc with data.context as facts
}

holding(names) := fx.and_facts({"names": {"shop": {name: true | some name in names}}})

workload(selector, labels) := fx.deployment({"selector": selector, "template": {"metadata": {"labels": labels}, "spec": {}}})

test_pass_selector if judged(workload({"matchLabels": {"a": "b"}}, {"a": "b", "c": "d"}), fx.facts) == set()

test_fail_selector if {
	judged(workload({"matchLabels": {"a": "b"}}, {"a": "c"}), fx.facts) == {["/spec/selector", "finding"]}
	judged(workload({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {}), fx.facts) == {["/spec/selector", "finding"]}
}

selecting(version, kind) := findings if {
	o := fx.of({"apiVersion": version, "kind": kind, "metadata": fx.meta, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "c"}}, "spec": {}}}})
	findings := dt_rel_008.findings with input as o with data.context as fx.facts
}

test_fail_selector_of_each_kind if {
	every kind in ["DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"] {
		selecting("apps/v1", kind) == {{
			"pointer": "/spec/selector",
			"severity": "error",
			"message": "the selector does not match the labels of the pod template: the API server refuses it",
			"mend": "let the template carry the labels that the selector names",
		}}
	}
}

test_pass_selector_of_other_kinds if {
	selecting("apps/v1", "Other") == set()
	selecting("extensions/v1beta1", "Deployment") == set()
}

test_pass_defaults if dt_rel_008.meta.params == {"createdBy": []}

# Without one it is for the schema to say.
test_pass_no_selector if judged(workload(null, {}), fx.facts) == set()

service(spec) := fx.of({"apiVersion": "v1", "kind": "Service", "metadata": fx.meta, "spec": spec})

running(more) := fx.and_facts({"workloads": {"shop": array.concat([{"group": "apps", "kind": "Deployment", "name": "w", "labels": {"app": "web", "x": "y"}}], more)}})

test_pass_service if {
	judged(service({"selector": {"app": "web"}}), running([])) == set()
	judged(service({}), running([])) == set()
	judged(service({"selector": {}}), running([])) == set()
	judged(service({"selector": {}}), fx.facts) == set()
	judged(service({"type": "ExternalName", "selector": {"app": "z"}}), running([])) == set()
}

test_fail_service if {
	judged(service({"selector": {"app": "web", "x": "z"}}), running([])) == {["/spec/selector", "finding"]}
	judged(service({"selector": {"app": "web"}}), fx.facts) == {["/spec/selector", "finding"]}
}

test_fail_service_whole if {
	findings := dt_rel_008.findings with input as service({"selector": {"app": "z"}}) with data.context as running([{"group": "", "kind": "Pod", "name": "p", "labels": {}}, {"group": "batch", "kind": "Job", "name": "j", "labels": {}}])
	findings == {{
		"pointer": "/spec/selector",
		"message": "no workload of the namespace has the labels that the Service selects",
		"mend": "let the selector name labels of a pod template",
		"result": "finding",
	}}
}

test_pass_other_service if {
	judged(fx.of({"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": fx.meta, "spec": {"selector": {"app": "z"}}}), fx.facts) == set()
	judged(fx.of({"apiVersion": "v1", "kind": "Endpoints", "metadata": fx.meta, "spec": {"selector": {"app": "z"}}}), fx.facts) == set()
}

test_unknown_service_of_an_operator if judged(service({"selector": {"app": "z"}}), running([{"group": "kafka.strimzi.io", "kind": "Kafka", "name": "k"}])) == {["/spec/selector", "unknown"]}

test_unknown_service_partial if judged(service({"selector": {"app": "z"}}), fx.and_facts({"partial": true})) == {["/spec/selector", "unknown"]}

test_pass_service_made if judged(service({"selector": {"app": "z"}}), fx.and_facts({"params": {"DT-REL-008": {"createdBy": ["Service/shop/*"]}}})) == set()

spec := {
	"serviceAccountName": "acc",
	"volumes": [
		{"configMap": {"name": "cm"}},
		{"secret": {"secretName": "sec"}},
		{"persistentVolumeClaim": {"claimName": "pvc"}},
		{"projected": {"sources": [{"configMap": {"name": "cm2"}}, {"secret": {"name": "sec2"}}, {"serviceAccountToken": {}}]}},
		{"emptyDir": {}},
		"odd",
	],
	"initContainers": [{"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "cm3"}}}, {"name": "B", "valueFrom": {"secretKeyRef": {"name": "sec3"}}}, {"name": "C", "value": "d"}]}],
	"containers": [{"envFrom": [{"configMapRef": {"name": "cm4"}}, {"secretRef": {"name": "sec4"}}]}],
}

every_name := {
	"ServiceAccount/acc": "/spec/serviceAccountName",
	"ConfigMap/cm": "/spec/volumes/0/configMap/name",
	"Secret/sec": "/spec/volumes/1/secret/secretName",
	"PersistentVolumeClaim/pvc": "/spec/volumes/2/persistentVolumeClaim/claimName",
	"ConfigMap/cm2": "/spec/volumes/3/projected/sources/0/configMap/name",
	"Secret/sec2": "/spec/volumes/3/projected/sources/1/secret/name",
	"ConfigMap/cm3": "/spec/initContainers/0/env/0/valueFrom/configMapKeyRef/name",
	"Secret/sec3": "/spec/initContainers/0/env/1/valueFrom/secretKeyRef/name",
	"ConfigMap/cm4": "/spec/containers/0/envFrom/0/configMapRef/name",
	"Secret/sec4": "/spec/containers/0/envFrom/1/secretRef/name",
}

test_pass_references if judged(fx.pod(spec), holding(object.keys(every_name))) == set()

test_fail_references if judged(fx.pod(spec), fx.facts) == {[pointer, "finding"] | some pointer in every_name}

# Each one is missed by itself.
test_fail_each if {
	every name, pointer in every_name {
		judged(fx.pod(spec), holding(object.keys(every_name) - {name})) == {[pointer, "finding"]}
	}
}

test_fail_reference_whole if {
	findings := dt_rel_008.findings with input as fx.pod({"serviceAccountName": "acc"}) with data.context as fx.facts
	findings == {{
		"pointer": "/spec/serviceAccountName",
		"message": `the bundle holds no ServiceAccount "acc" in this namespace`,
		"result": "finding",
	}}
}

# What is no name, or stands in no pod, refers to nothing.
test_pass_no_reference if {
	every name in ["", "default", null, 5] {
		judged(fx.pod({"serviceAccountName": name}), fx.facts) == set()
	}
	judged(fx.pod({"volumes": [{"configMap": "odd"}, {"configMap": {"name": 5}}]}), fx.facts) == set()
	judged(fx.of({"apiVersion": "x.example/v1", "kind": "Other", "metadata": fx.meta, "spec": {"serviceAccountName": "acc"}}), fx.facts) == set()
}

test_fail_other_namespace if {
	facts := fx.and_facts({"names": {"other": {name: true | some name in object.keys(every_name)}}})
	count(judged(fx.pod(spec), facts)) == count(every_name)
}

test_unknown_partial if judged(fx.pod({"serviceAccountName": "a"}), fx.and_facts({"partial": true})) == {["/spec/serviceAccountName", "unknown"]}

test_pass_optional if {
	optional := {"name": "a", "secretName": "a", "optional": true}
	doc := fx.pod({
		"volumes": [{"configMap": optional}, {"secret": optional}, {"projected": {"sources": [{"configMap": optional}, {"secret": optional}]}}],
		"containers": [{"env": [{"valueFrom": {"secretKeyRef": optional}}], "envFrom": [{"configMapRef": optional}]}],
	})
	judged(doc, fx.facts) == set()
}

test_pass_given if judged(fx.pod({"serviceAccountName": "default", "volumes": [{"configMap": {"name": "kube-root-ca.crt"}}]}), fx.facts) == set()

test_pass_made if {
	facts := fx.and_facts({"params": {"DT-REL-008": {"createdBy": ["Secret/shop/*-tls"]}}})
	judged(fx.pod({"volumes": [{"secret": {"secretName": "web-tls"}}]}), facts) == set()
	judged(fx.pod({"volumes": [{"secret": {"secretName": "web"}}]}), facts) == {["/spec/volumes/0/secret/secretName", "finding"]}
}

ingress(ingress_spec) := fx.of({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": fx.meta, "spec": ingress_spec})

backend := {"service": {"name": "web", "port": {"number": 80}}}

whole := {"defaultBackend": backend, "rules": [{"http": {"paths": [{"backend": backend}, {"backend": {"resource": {}}}]}}, "odd"], "tls": [{"secretName": "web-tls"}, {}]}

test_pass_ingress if judged(ingress(whole), holding(["Service/web", "Secret/web-tls"])) == set()

test_fail_ingress if judged(ingress(whole), fx.facts) == {
	["/spec/defaultBackend/service/name", "finding"],
	["/spec/rules/0/http/paths/0/backend/service/name", "finding"],
	["/spec/tls/0/secretName", "finding"],
}

test_pass_no_ingress if judged(object.union(ingress(whole), {"kind": "Other"}), fx.facts) == set()

route(backends) := fx.of({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": fx.meta, "spec": {"rules": [{"backendRefs": backends}]}})

test_pass_route if {
	judged(route([{"name": "web"}]), holding(["Service/web"])) == set()
	judged(route([{"name": "web", "namespace": "other"}, {"name": "x", "kind": "Bucket"}, {"name": "y", "group": "z"}]), fx.facts) == set()
}

test_fail_route if judged(route([{"name": "web", "namespace": "shop", "kind": "Service", "group": ""}]), fx.facts) == {["/spec/rules/0/backendRefs/0/name", "finding"]}

test_fail_route_of_each_kind if {
	every kind in ["GRPCRoute", "HTTPRoute", "TCPRoute", "TLSRoute"] {
		judged(object.union(route([{"name": "web"}]), {"kind": kind}), fx.facts) == {["/spec/rules/0/backendRefs/0/name", "finding"]}
	}
}

test_pass_other_routes if {
	every other in [{"kind": "Other"}, {"group": "x.example"}] {
		judged(object.union(route([{"name": "web"}]), other), fx.facts) == set()
	}
}
