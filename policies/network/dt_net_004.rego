package dualtrack.rules.dt_net_004

import data.dualtrack.object as obj
import data.dualtrack.params

meta := {
	"id": "DT-NET-004",
	"title": "Service that is open to the outside",
	"severity": "warning",
	"profile": "fleet",
	"why": "Each way into the cluster beside its gateway is one that no policy of the gateway guards; external addresses and names take traffic that was meant for others.",
	"mend": "make it a ClusterIP behind the gateway",
	"refs": ["NSA Network separation", "PCI DSS 1.3", "CVE-2020-8554"],
	"params": {"allowNS": ["ingress"]},
}

excused if input.namespace in params.of(meta).allowNS

spec := obj.member(input.object, "spec") if input.group == ""

findings contains {
	"pointer": "/spec/type",
	"message": "a LoadBalancer without loadBalancerSourceRanges is open to every address",
	"mend": "set loadBalancerSourceRanges, or the annotation of an internal load balancer",
} if {
	input.kind == "Service"
	spec.type == "LoadBalancer"
	not excused
	not private
	not ranged
}

# Annotations of an internal load balancer, with their values.
internals := {
	"cloud.google.com/load-balancer-type": {"Internal"},
	"networking.gke.io/load-balancer-type": {"Internal"},
	"service.beta.kubernetes.io/aws-load-balancer-internal": {"true"},
	"service.beta.kubernetes.io/aws-load-balancer-scheme": {"internal"},
	"service.beta.kubernetes.io/azure-load-balancer-internal": {"true"},
	"service.beta.kubernetes.io/openstack-internal-load-balancer": {"true"},
}

private if {
	some key, values in internals
	input.object.metadata.annotations[key] in values
}

ranged if {
	ranges := obj.items(spec, "loadBalancerSourceRanges")
	count(ranges) > 0
	every range in ranges {
		not endswith(obj.text(range), "/0")
	}
}

findings contains {
	"pointer": "/spec/type",
	"message": "a NodePort is open on every node, past the gateway",
} if {
	input.kind == "Service"
	spec.type == "NodePort"
	not excused
}

findings contains {
	"pointer": obj.pointer("/spec/externalIPs", [i]),
	"message": sprintf("the cluster takes all traffic to %v for this Service, whoever the address belongs to", [ip]),
	"mend": "remove externalIPs; a LoadBalancer is given addresses of its own",
	"patch": [{"op": "remove", "path": "/spec/externalIPs"}],
} if {
	input.kind == "Service"
	some i, ip in obj.items(spec, "externalIPs")
}

findings contains {
	"pointer": "/spec/externalName",
	"message": sprintf("%q leads back into the cluster or to a node's metadata, past the policies of namespaces", [name]),
	"mend": "name a host outside the cluster, or a Service directly",
} if {
	input.kind == "Service"
	spec.type == "ExternalName"
	name := obj.text(spec.externalName)
	inside(lower(trim_suffix(name, ".")))
}

inside(name) if name in {"localhost", "metadata", "metadata.google.internal", "instance-data", "kubernetes"}

inside(name) if endswith(name, ".svc")

inside(name) if endswith(name, ".cluster.local")

# Loopback, link-local with the metadata address, and private addresses.
inside(name) if regex.match(`^(127\.|169\.254\.|10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.)[0-9.]+$`, name)
