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
