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

test_fail_findings if {
	findings := dt_net_004.findings with input as fx.of({"apiVersion": "v1", "kind": "Service", "metadata": fx.meta, "spec": {"type": "ExternalName", "externalName": "Metadata.", "externalIPs": ["203.0.113.5"]}}) with data.context as fx.facts
	findings == {
		{
			"pointer": "/spec/externalIPs/0",
			"message": "the cluster takes all traffic to 203.0.113.5 for this Service, whoever the address belongs to",
			"mend": "remove externalIPs; a LoadBalancer is given addresses of its own",
			"patch": [{"op": "remove", "path": "/spec/externalIPs"}],
		},
		{
			"pointer": "/spec/externalName",
			"message": "\"Metadata.\" leads back into the cluster or to a node's metadata, past the policies of namespaces",
			"mend": "name a host outside the cluster, or a Service directly",
		},
	}
}

test_pass_other_kinds if {
	every place in [["v1", "Odd"], ["x.example/v1", "Service"]] {
		every type in ["LoadBalancer", "NodePort", "ExternalName"] {
			found(fx.of({"apiVersion": place[0], "kind": place[1], "metadata": fx.meta, "spec": {"type": type, "externalName": "localhost", "externalIPs": ["203.0.113.5"]}})) == set()
		}
	}
}

test_pass_each_internal if {
	every key, value in {
		"cloud.google.com/load-balancer-type": "Internal",
		"networking.gke.io/load-balancer-type": "Internal",
		"service.beta.kubernetes.io/aws-load-balancer-internal": "true",
		"service.beta.kubernetes.io/aws-load-balancer-scheme": "internal",
		"service.beta.kubernetes.io/azure-load-balancer-internal": "true",
		"service.beta.kubernetes.io/openstack-internal-load-balancer": "true",
	} {
		noted({"type": "LoadBalancer"}, {key: value}) == set()
		noted({"type": "LoadBalancer"}, {key: "external"}) == {"/spec/type"}
	}
}

# Only a range that ends with /0 holds every address.
test_pass_range_with_zeros if service({"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/08"]}) == set()

test_fail_inside if {
	every name in [
		"localhost", "metadata", "metadata.google.internal", "instance-data", "kubernetes",
		"127.0.0.1", "192.168.0.1", "172.16.0.1", "172.29.0.1", "172.31.0.1",
	] {
		service({"type": "ExternalName", "externalName": name}) == {"/spec/externalName"}
	}
}

test_pass_not_inside if {
	every name in ["a.svc.example.org", "a.cluster.local.example.org", "172.32.0.1", "10.example.org", "metadata.example.org"] {
		service({"type": "ExternalName", "externalName": name}) == set()
	}
	service({"type": "ExternalName"}) == set()
}
