package dualtrack.rules.dt_net_004_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_net_004

noted(spec, annotations) := found(fx.of({"apiVersion": "v1", "kind": "Service", "metadata": object.union(fx.meta, {"annotations": annotations}), "spec": spec}))

service(spec) := noted(spec, {})

found(doc) := {f.pointer | some f in findings} if {
	findings := dt_net_004.findings with input as doc with data.context as fx.facts
}

test_pass_cluster_ip if {
	service({"type": "ClusterIP", "ports": [{"port": 80}]}) == set()
	service({"ports": [{"port": 80}], "externalIPs": []}) == set()
}

test_pass_ranges if service({"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/8"]}) == set()

test_pass_internal if {
	noted({"type": "LoadBalancer"}, {"service.beta.kubernetes.io/aws-load-balancer-scheme": "internal"}) == set()
	noted({"type": "LoadBalancer"}, {"networking.gke.io/load-balancer-type": "Internal"}) == set()
}

test_pass_allowed if {
	every type in ["LoadBalancer", "NodePort"] {
		found(object.union(fx.of({"apiVersion": "v1", "kind": "Service", "spec": {"type": type}}), {"namespace": "ingress"})) == set()
	}
}

test_pass_external_name if {
	service({"type": "ExternalName", "externalName": "pay.example.org"}) == set()
	service({"type": "ExternalName", "externalName": 5}) == set()
	service({"type": "ClusterIP", "externalName": "a.b.svc"}) == set()
}

# Knative has a Service too.
test_pass_other_group if found(fx.of({"apiVersion": "serving.knative.dev/v1", "kind": "Service", "spec": {"type": "NodePort"}})) == set()

test_fail_load_balancer if service({"type": "LoadBalancer"}) == {"/spec/type"}

test_fail_open_ranges if service({"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/8", "0.0.0.0/0"]}) == {"/spec/type"}

test_fail_annotation_off if noted({"type": "LoadBalancer"}, {"service.beta.kubernetes.io/aws-load-balancer-internal": "false"}) == {"/spec/type"}

test_fail_node_port if service({"type": "NodePort"}) == {"/spec/type"}

test_fail_external_ips if service({"externalIPs": ["203.0.113.5", "203.0.113.6"]}) == {"/spec/externalIPs/0", "/spec/externalIPs/1"}

test_fail_external_name if {
	every name in ["a.b.svc.cluster.local.", "a.b.svc", "METADATA.google.internal", "169.254.169.254", "10.1.2.3", "localhost"] {
		service({"type": "ExternalName", "externalName": name}) == {"/spec/externalName"}
	}
}
