package dualtrack.cilium_test

import data.dualtrack.cilium

doc := {"object": {
	"spec": {"ingress": ["odd", {"fromEntities": ["all"]}]},
	"specs": ["odd", {"ingress": [{}], "egress": 5}],
}}

test_pass_specs if {
	found := cilium.specs with input as doc
	found == [{"pointer": "/spec", "spec": doc.object.spec}, {"pointer": "/specs/1", "spec": doc.object.specs[1]}]
}

test_pass_odd_specs if {
	every object in [{}, {"spec": null}, {"spec": "odd", "specs": "odd"}] {
		cilium.specs == [] with input as {"object": object}
	}
}

test_pass_rules if {
	ingress := cilium.rules("ingress") with input as doc
	ingress == [
		{"pointer": "/spec/ingress/1", "rule": {"fromEntities": ["all"]}, "spec": doc.object.spec},
		{"pointer": "/specs/1/ingress/0", "rule": {}, "spec": doc.object.specs[1]},
	]
	egress := cilium.rules("egress") with input as doc
	egress == []
}

# A selector loses the sources of its labels, and what is no term.
test_pass_selector if {
	s := cilium.selector({
		"matchLabels": {"k8s:app": "web", "any:tier": "a", "team": "b"},
		"matchExpressions": ["odd", ["key"], {"key": "k8s:zone", "operator": "Exists"}],
	})
	s == {"matchLabels": {"app": "web", "tier": "a", "team": "b"}, "matchExpressions": [{"key": "zone", "operator": "Exists"}]}
	cilium.keys(s) == {"app", "tier", "team", "zone"}
}

test_pass_odd_selector if cilium.selector("odd") == {"matchLabels": {}, "matchExpressions": []}

judged(key) if cilium.judgeable({"matchLabels": {}, "matchExpressions": [{"key": key, "operator": "Exists"}]})

test_pass_judgeable if {
	every key in ["app", "example.org/io.cilium.x", "x.reserved:y", "my-cidr:x"] {
		judged(key)
		cilium.judgeable({"matchLabels": {key: "a"}, "matchExpressions": []})
	}
}

test_fail_judgeable if {
	every key in ["io.cilium.k8s.policy.cluster", "reserved:host", "cidr:10.0.0.0/8", "container:x", "unspec:x", "cni:x", "fqdn:x"] {
		not judged(key)
		not cilium.judgeable({"matchLabels": {"app": "web", key: "a"}, "matchExpressions": []})
	}
}
