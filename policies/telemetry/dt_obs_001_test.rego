package dualtrack.rules.dt_obs_001_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_obs_001

good := {
	"alert": "Down", "expr": "up == 0", "for": "5m",
	"labels": {"severity": "page"}, "annotations": {"runbook_url": "https://runbooks.example/down"},
}

of(rules) := fx.prometheus("PrometheusRule", {"groups": [{"name": "a", "rules": rules}]})

found(rules) := said(of(rules), fx.facts)

said(doc, facts) := {[f.pointer, object.get(f, "severity", "info")] | some f in findings} if {
	findings := dt_obs_001.findings with input as doc with data.context as facts
}

but(change) := found([object.union(good, change)])

info(pointer) := {[concat("", ["/spec/groups/0/rules/0", pointer]), "info"]}

test_pass_good if {
	found([good]) == set()
	found([{"record": "a:b", "expr": "sum(up)"}]) == set()
	found(null) == set()
	but({"labels": {"severity": "page", "runbook_url": "x"}, "annotations": null}) == set()
}

test_fail_severity if but({"labels": {"severity": ""}}) == info("")

test_fail_runbook if but({"annotations": {"runbook_url": 5}}) == info("")

test_pass_param if said(of([object.union(good, {"annotations": {"runbook_url": ""}})]), fx.and_facts({"params": {"DT-OBS-001": {"req": ["severity"]}}})) == set()

test_fail_no_wait if {
	but({"for": "0s"}) == info("/for")
	but({"for": "0"}) == info("/for")
}

test_pass_looks_back if {
	but({"for": "0s", "expr": "increase(x[5m]) > 0"}) == set()
	but({"for": "0s", "keep_firing_for": "5m"}) == set()
}

test_fail_name_elsewhere if said(of([good]), fx.and_facts({"alerts": {"Down": ["shop/a", "other/b"]}})) == info("/alert")

test_fail_name_twice if found([good, good]) == {["/spec/groups/0/rules/1/alert", "info"]}

test_pass_name_by_severity if found([good, object.union(good, {"labels": {"severity": "ticket"}})]) == set()

by(p) := said(of([good]), fx.and_facts({"namespaces": {"shop": {"labels": {"team": "shop"}}}, "prometheuses": {"x/p": p}}))

test_pass_selected if {
	by({"rules": {}, "namespaces": {}, "namespace": "x"}) == set()
	by({"rules": {}, "namespaces": null, "namespace": "shop"}) == set()
	by({"rules": {}, "namespaces": {"matchLabels": {"team": "shop"}}, "namespace": "x"}) == set()
}

test_fail_not_selected if {
	every p in [
		{"rules": {"matchLabels": {"role": "alerts"}}, "namespaces": {}, "namespace": "x"},
		{"rules": {}, "namespaces": null, "namespace": "x"},
		{"rules": null, "namespaces": {}, "namespace": "x"},
	] {
		by(p) == {["/metadata/labels", "warning"]}
	}
}

test_pass_other_group if said(fx.of({"apiVersion": "x.example/v1", "kind": "PrometheusRule", "spec": {"groups": [{"rules": [{"alert": "a"}]}]}}), fx.facts) == set()
