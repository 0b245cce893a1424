package dualtrack.rules.dt_net_005_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_net_005

ingress(spec) := fx.of({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": fx.meta, "spec": spec})

gateway(listener) := fx.of({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": fx.meta, "spec": {"gatewayClassName": "x", "listeners": [listener]}})

found(doc) := said(doc, fx.facts)

said(doc, facts) := {f.pointer | some f in findings} if {
	findings := dt_net_005.findings with input as doc with data.context as facts
}

rule(host) := {"host": host, "http": {"paths": [{"path": "/a", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}}]}}

# of is one rule with the hosts of its tls.
of(host, hosts) := found(ingress({"rules": [rule(host)], "tls": [{"hosts": hosts, "secretName": "cert"}]}))

test_pass_covered if {
	of("a.example.org", ["b.example.org", "a.example.org"]) == set()
	of("a.example.org", ["*.example.org"]) == set()
	of("*.example.org", ["*.example.org"]) == set()
}

test_pass_default_certificate if found(ingress({"rules": [rule("a.example.org")], "tls": [{"secretName": "cert"}]})) == set()

test_pass_param if said(ingress({"rules": [rule("a.example.org")]}), fx.and_facts({"params": {"DT-NET-005": {"hosts": ["a.example.org"]}}})) == set()

test_pass_other_group if found(fx.of({"apiVersion": "extensions/v1beta1", "kind": "Ingress", "spec": {"rules": [rule("")]}})) == set()

test_pass_odd if found(ingress({"rules": ["odd"], "tls": ["odd"]})) == set()

test_fail_no_tls if found(ingress({"rules": [rule("a.example.org")]})) == {"/spec/rules/0/host"}

# A wildcard covers one label.
test_fail_wildcard if {
	of("a.b.example.org", ["*.example.org"]) == {"/spec/rules/0/host"}
	of("example.org", ["*.example.org"]) == {"/spec/rules/0/host"}
	of("*.example.org", ["a.example.org"]) == {"/spec/rules/0/host"}
}

test_fail_no_host if {
	found(ingress({"rules": [{"http": {"paths": []}}]})) == {"/spec/rules/0"}
	of("*", ["a.example.org"]) == {"/spec/rules/0"}
}

test_fail_default_backend if found(ingress({"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}})) == {"/spec/defaultBackend"}

tls := {"rules": [rule("a.example.org")], "tls": [{"hosts": ["a.example.org"]}]}

test_fail_two_namespaces if said(ingress(tls), fx.and_facts({"routes": {"a.example.org/a": ["other", "shop"]}})) == {"/spec/rules/0/http/paths/0/path"}

test_pass_own_namespace if said(ingress(tls), fx.and_facts({"routes": {"a.example.org/a": ["shop"]}})) == set()

https := {"name": "web", "port": 443, "protocol": "HTTPS", "hostname": "a.example.org", "tls": {"certificateRefs": [{"name": "cert"}]}}

http := {"name": "plain", "port": 80, "protocol": "HTTP", "hostname": "a.example.org"}

test_pass_gateway if {
	found(gateway(https)) == set()
	found(gateway({"name": "db", "port": 5432, "protocol": "TCP"})) == set()
	found(gateway(object.union(https, {"allowedRoutes": {"namespaces": {"from": "Same"}}}))) == set()
}

redirect(section) := fx.and_facts({"redirects": {"shop": [{"gateway": "a", "section": section}]}})

test_pass_redirect if {
	said(gateway(http), redirect("")) == set()
	said(gateway(http), redirect("plain")) == set()
}

# Istio has a Gateway too.
test_pass_gateway_of_istio if found(fx.of({"apiVersion": "networking.istio.io/v1", "kind": "Gateway", "spec": {"listeners": [http]}})) == set()

test_fail_http if {
	found(gateway(http)) == {"/spec/listeners/0/protocol"}
	said(gateway(http), redirect("other")) == {"/spec/listeners/0/protocol"}
}

test_unknown_http_partial if {
	findings := dt_net_005.findings with input as gateway(http) with data.context as fx.and_facts({"partial": true})
	fx.results(findings) == {"unknown"}
}

test_fail_hostname if found(gateway(object.union(https, {"hostname": "*"}))) == {"/spec/listeners/0/hostname"}

test_fail_routes_of_all if found(gateway(object.union(https, {"allowedRoutes": {"namespaces": {"from": "All"}}}))) == {"/spec/listeners/0/allowedRoutes/namespaces/from"}
