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

test_pass_param_default if dt_net_005.meta.params == {"hosts": []}

wrong := {
	"defaultBackend": {"service": {"name": "web"}},
	"rules": [{}, {"host": "a.example.org", "http": {"paths": ["odd", {"backend": {}}, {"path": "/b"}]}}],
}

moved := fx.and_facts({"routes": {"a.example.org": ["shop", "other"], "a.example.org/b": ["pay"]}})

test_fail_messages if {
	findings := dt_net_005.findings with input as ingress(wrong) with data.context as moved
	{[f.pointer, f.message] | some f in findings} == {
		["/spec/defaultBackend", "the default backend takes the requests to every host"],
		["/spec/rules/0", "the rule names no host, so it takes the requests to every one"],
		["/spec/rules/1/host", "no entry of tls covers host \"a.example.org\""],
		["/spec/rules/1/http/paths/1/path", "a.example.org is routed in namespace \"other\" too"],
		["/spec/rules/1/http/paths/2/path", "a.example.org/b is routed in namespace \"pay\" too"],
	}
}

served := [{"protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "All"}}}, "odd"]

listening(version, kind, listeners) := fx.of({"apiVersion": version, "kind": kind, "metadata": fx.meta, "spec": {"listeners": listeners}})

test_fail_messages_of_gateway if {
	findings := dt_net_005.findings with input as listening("gateway.networking.k8s.io/v1", "Gateway", served) with data.context as redirect("_")
	{[f.pointer, f.message, object.get(f, "result", "finding")] | some f in findings} == {
		["/spec/listeners/0/protocol", "the listener serves HTTP, and no route of the bundle answers it with a redirect alone", "finding"],
		["/spec/listeners/0/hostname", "the listener names no host, so it takes the requests to every one", "finding"],
		["/spec/listeners/0/allowedRoutes/namespaces/from", "routes of every namespace may attach, with any host of the listener", "finding"],
	}
}

test_pass_other_kinds if {
	every place in [["networking.k8s.io/v1", "Odd"], ["x.example/v1", "Ingress"]] {
		said(fx.of({"apiVersion": place[0], "kind": place[1], "metadata": fx.meta, "spec": wrong}), moved) == set()
	}
	every place in [["gateway.networking.k8s.io/v1", "Odd"], ["x.example/v1", "Gateway"]] {
		found(listening(place[0], place[1], served)) == set()
	}
}

# What is no entry is no certificate of all.
test_fail_odd_tls if found(ingress({"rules": [rule("a.example.org")], "tls": ["odd"]})) == {"/spec/rules/0/host"}

test_fail_other_host if {
	every name in ["b.example.org", "a*.example.org", "*example.org", "*.org", "*.", "*", "", 5] {
		of("c.example.org", [name]) == {"/spec/rules/0/host"}
	}
}

test_fail_single_label if of("localhost", ["*"]) == {"/spec/rules/0/host"}

test_fail_redirect_of_other_gateway if said(gateway(http), fx.and_facts({"redirects": {"shop": [{"gateway": "b", "section": ""}]}})) == {"/spec/listeners/0/protocol"}

test_fail_no_hostname if {
	every protocol in ["HTTP", "HTTPS", "TLS"] {
		said(gateway({"protocol": protocol}), redirect("")) == {"/spec/listeners/0/hostname"}
		every hostname in ["", "*", null] {
			said(gateway({"protocol": protocol, "hostname": hostname}), redirect("")) == {"/spec/listeners/0/hostname"}
		}
	}
}

test_pass_odd_default_backend if found(ingress({"defaultBackend": null})) == set()
