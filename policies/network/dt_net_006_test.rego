package dualtrack.rules.dt_net_006_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_net_006

cilium(spec) := fx.of({"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": fx.meta, "spec": spec})

clusterwide(spec) := fx.of({"apiVersion": "cilium.io/v2", "kind": "CiliumClusterwideNetworkPolicy", "metadata": {"name": "a"}, "spec": spec})

found(doc) := said(doc, fx.facts)

said(doc, facts) := {[f.pointer, object.get(f, "severity", "error")] | some f in findings} if {
	findings := dt_net_006.findings with input as doc with data.context as facts
}

# alone is a clusterwide policy that has only itself beside it.
alone(spec) := said(clusterwide(spec), fx.and_facts({"clusterNetpols": [{"name": "a", "spec": spec}, {"name": "b", "spec": {"endpointSelector": {"matchLabels": {"a": "b"}}}}, {"name": "c", "spec": 5}]}))

web := {"fromEndpoints": [{"matchLabels": {"app": "web"}}]}

dns := {"toEndpoints": [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": "kube-system", "k8s-app": "kube-dns"}}], "toPorts": [{"ports": [{"port": "53"}]}]}

test_pass_rules if found(cilium({"endpointSelector": {}, "ingress": [web]})) == set()

test_pass_denies if found(cilium({"endpointSelector": {}, "ingress": [], "ingressDeny": [web]})) == set()

test_pass_other_group if found(fx.of({"apiVersion": "x.example/v1", "kind": "CiliumNetworkPolicy", "spec": {"ingress": []}})) == set()

test_fail_empty_lists if found(cilium({"endpointSelector": {}, "ingress": [], "egress": []})) == {["/spec/ingress", "warning"], ["/spec/egress", "warning"]}

allows := cilium({"endpointSelector": {}, "egress": [dns], "enableDefaultDeny": {"egress": false}})

production := fx.and_facts({"cluster": {"production": true}})

test_pass_trial if found(allows) == set()

test_fail_trial_in_production if said(allows, production) == {["/spec/enableDefaultDeny/egress", "warning"]}

test_pass_carved_out if {
	alone({"endpointSelector": {}, "egress": [dns]}) == set()
	alone({"endpointSelector": {}, "egress": [{"toEntities": ["cluster"]}]}) == set()
	alone({"endpointSelector": {}, "egress": [{"toPorts": [{"ports": [{"port": "53"}]}]}]}) == set()
	alone({"endpointSelector": {}, "ingress": [web, {"fromEntities": ["health", "host"]}]}) == set()
}

# With expressions kube-system is left out.
test_pass_some_endpoints if alone({"endpointSelector": {"matchExpressions": [{"key": "k8s:io.kubernetes.pod.namespace", "operator": "NotIn", "values": ["kube-system"]}]}, "ingress": [web]}) == set()

test_pass_denies_nothing if alone({"endpointSelector": {}, "ingress": [web], "enableDefaultDeny": {"ingress": false}}) == set()

test_fail_no_names if alone({"endpointSelector": {}, "egress": [{"toEndpoints": [{"matchLabels": {"app": "web"}}]}]}) == {["/spec/egress", "error"]}

test_fail_names_on_other_port if alone({"endpointSelector": {}, "egress": [object.union(dns, {"toPorts": [{"ports": [{"port": "80"}]}]})]}) == {["/spec/egress", "error"]}

test_fail_no_health if alone({"endpointSelector": {}, "ingress": [web]}) == {["/spec/ingress", "error"]}

test_unknown_partial if {
	findings := dt_net_006.findings with input as clusterwide({"endpointSelector": {}, "ingress": [web]}) with data.context as fx.and_facts({"partial": true})
	fx.results(findings) == {"unknown"}
}

settings(values) := fx.of({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cilium-config", "namespace": "cilium"}, "data": values})

test_pass_settings if {
	found(settings({"enable-policy": "always", "policy-audit-mode": "false"})) == set()
	found(fx.of({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"enable-policy": "never"}})) == set()
}

test_fail_settings if found(settings({"enable-policy": "never", "policy-audit-mode": "True"})) == {["/data/enable-policy", "error"], ["/data/policy-audit-mode", "error"]}

agent(args) := fx.of({
	"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": fx.meta,
	"spec": {"template": {"spec": {"containers": [{"name": "agent", "args": args}]}}},
})

test_pass_arguments if found(agent(["--enable-policy=default", "--policy-audit-mode=false", 5])) == set()

test_fail_arguments if found(agent(["--enable-policy=never", "--policy-audit-mode"])) == {
	["/spec/template/spec/containers/0/args/0", "error"],
	["/spec/template/spec/containers/0/args/1", "error"],
}

without(o, field) := {key: value | some key, value in o; key != field}

# whole is a finding with all that it says but its mend.
whole(doc, facts) := {without(f, "mend") | some f in findings} if {
	findings := dt_net_006.findings with input as doc with data.context as facts
}

odd(version, kind, spec) := fx.of({"apiVersion": version, "kind": kind, "metadata": {"name": "a"}, "spec": spec})

wrong := {
	"endpointSelector": {},
	"ingress": [web],
	"egress": [{"toEntities": ["world"]}],
}

off := {"ingress": [], "enableDefaultDeny": {"egress": false}}

test_fail_findings if {
	every kind in ["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"] {
		whole(odd("cilium.io/v2", kind, off), production) == {
			{"pointer": "/spec/ingress", "severity": "warning", "message": "an empty ingress list denies nothing: the policy leaves that direction as it is"},
			{"pointer": "/spec/enableDefaultDeny/egress", "severity": "warning", "message": "the policy allows egress and denies nothing else"},
		}
	}
}

test_fail_everywhere if {
	every result, partial in {"unknown": true, "finding": false} {
		whole(clusterwide(wrong), fx.and_facts({"partial": partial})) == {
			{"pointer": "/spec/egress", "message": "egress of every endpoint is denied by default, and no clusterwide policy lets them ask the name servers", "result": result},
			{"pointer": "/spec/ingress", "message": "ingress of every endpoint is denied by default, and no clusterwide policy lets the node's health checks in", "result": result},
		}
	}
}

test_pass_other_kinds if {
	every spec in [wrong, off] {
		every place in [["cilium.io/v2", "Odd"], ["x.example/v1", "CiliumNetworkPolicy"], ["x.example/v1", "CiliumClusterwideNetworkPolicy"]] {
			said(odd(place[0], place[1], spec), production) == set()
		}
	}
	found(cilium(wrong)) == set()
}

# What selects no endpoint, as a policy of nodes does, is none of every endpoint.
test_pass_no_endpoints if {
	found(clusterwide(without(wrong, "endpointSelector"))) == set()
	found(clusterwide(object.union(wrong, {"endpointSelector": "odd"}))) == set()
}

# beside is a clusterwide policy with another one beside it.
beside(spec, other) := {f[0] | some f in said(clusterwide(spec), fx.and_facts({"clusterNetpols": [{"name": "b", "spec": other}]}))}

test_fail_policy_of_others if {
	allowed := {"egress": [dns], "ingress": [{"fromEntities": ["health"]}]}
	every endpoints in [{"matchLabels": {"a": "b"}}, "odd", null] {
		beside(wrong, object.union(allowed, {"endpointSelector": endpoints})) == {"/spec/egress", "/spec/ingress"}
	}
	beside(wrong, allowed) == {"/spec/egress", "/spec/ingress"}
	beside(wrong, object.union(allowed, {"endpointSelector": {}})) == set()
}

# asked and let_in are what stays wrong with egress beside a rule, and with ingress beside entities.
asked(rule) := beside(without(wrong, "ingress"), {"endpointSelector": {}, "egress": [rule]})

let_in(entities) := beside(without(wrong, "egress"), {"endpointSelector": {}, "ingress": [{"fromEntities": entities}]})

test_pass_names if {
	every entity in ["all", "cluster"] {
		asked({"toEntities": ["world", entity]}) == set()
	}
	every port in ["0", "53", "dns"] {
		asked({"toPorts": [{"ports": [{"port": port}]}]}) == set()
	}
}

test_fail_names if {
	every rule in [
		{"toEntities": ["world", "host"]}, "odd", {"toPorts": [{"ports": [{}]}, {"ports": [{"port": "5353"}]}]},
		{"toEndpoints": [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": "shop"}}]},
	] {
		asked(rule) == {"/spec/egress"}
	}
}

test_pass_nodes if {
	every entity in ["all", "cluster", "health", "host"] {
		let_in(["world", entity]) == set()
	}
}

test_fail_nodes if let_in(["world", "kube-apiserver"]) == {"/spec/ingress"}

values := {"enable-policy": "never", "policy-audit-mode": "true"}

test_fail_settings_findings if {
	findings := dt_net_006.findings with input as settings(values) with data.context as fx.facts
	findings == {
		{
			"pointer": "/data/enable-policy",
			"message": "with enable-policy never the agent enforces no policy",
			"mend": "set enable-policy to \"default\"",
			"patch": [{"op": "replace", "path": "/data/enable-policy", "value": "default"}],
		},
		{
			"pointer": "/data/policy-audit-mode",
			"message": "in audit mode the agent lets through what policies deny",
			"mend": "set policy-audit-mode to \"false\"",
			"patch": [{"op": "replace", "path": "/data/policy-audit-mode", "value": "false"}],
		},
	}
}

test_pass_settings_of_other_kind if found(object.union(settings(values), {"kind": "Secret"})) == set()

switched(kind) := fx.of({
	"apiVersion": "apps/v1", "kind": kind, "metadata": fx.meta,
	"spec": {"template": {"spec": {"containers": [{"name": "agent", "command": ["cilium-agent", "--policy-audit-mode=true"], "args": ["--enable-policy=never"]}]}}},
})

test_pass_arguments_of_other_kind if found(switched("Deployment")) == set()

test_fail_arguments_findings if {
	findings := dt_net_006.findings with input as switched("DaemonSet") with data.context as fx.facts
	findings == {
		{
			"pointer": "/spec/template/spec/containers/0/command/1",
			"container": "agent",
			"message": "in audit mode the agent lets through what policies deny",
			"mend": "set --policy-audit-mode=false",
		},
		{
			"pointer": "/spec/template/spec/containers/0/args/0",
			"container": "agent",
			"message": "with enable-policy never the agent enforces no policy",
			"mend": "set --enable-policy=default",
		},
	}
}
