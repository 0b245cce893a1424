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

judged(rules, facts) := findings if {
	findings := dt_obs_001.findings with input as of(rules) with data.context as facts
}

test_pass_defaults if dt_obs_001.meta.params == {"req": ["severity", "runbook_url"]}

# What has no name is no alert.
test_pass_no_alert if {
	every odd in ["odd", {"alert": "", "expr": "up"}, {"alert": 5, "expr": "up"}] {
		found([odd]) == set()
	}
}

test_fail_whole if judged([object.union(good, {"annotations": null, "for": "0s"})], fx.and_facts({"alerts": {"Down": ["shop/a", "other/b"]}})) == {
	{"pointer": "/spec/groups/0/rules/0", "message": `alert "Down" has no runbook_url`},
	{
		"pointer": "/spec/groups/0/rules/0/for",
		"message": `alert "Down" does not wait: it fires at the first sample`,
		"mend": "set for, unless the expression itself looks over a time",
	},
	{
		"pointer": "/spec/groups/0/rules/0/alert",
		"message": `alert "Down" is in other/b too`,
		"mend": "give each alert a name of its own",
	},
}

test_fail_each_empty_wait if {
	every wait in ["", "0", "0s", "0m", "0h"] {
		but({"for": wait}) == info("/for")
	}
}

without(fields) := {field: value | some field, value in good; not field in fields}

test_fail_wait_unsaid if {
	found([without({"for"})]) == info("/for")
	found([without({"expr", "for"})]) == info("/for")
}

test_pass_two_names if found([good, object.union(good, {"alert": "Away"})]) == set()

# No labels are the same as empty ones.
test_fail_name_twice_without_labels if {
	bare := object.union(without({"labels"}), {"annotations": {"severity": "page", "runbook_url": "x"}})
	judged([bare, object.union(bare, {"labels": {}})], fx.facts) == {{
		"pointer": "/spec/groups/0/rules/1/alert",
		"message": `alert "Down" is twice in this object, with the same labels`,
		"mend": "give each alert a name of its own, or a severity that differs",
	}}
	found([object.union(bare, {"labels": {}}), bare]) == {["/spec/groups/0/rules/1/alert", "info"]}
}

# Other kinds and groups that look alike are none of these.
other_kinds := [{"kind": "Other"}, {"group": "x.example"}]

test_pass_other_kinds if {
	bad := object.union(good, {"annotations": null, "for": "0s"})
	facts := fx.and_facts({"alerts": {"Down": ["other/b"]}, "prometheuses": {"x/p": {"rules": null, "namespaces": {}, "namespace": "x"}}})
	every other in other_kinds {
		said(object.union(of([bad, bad]), other), facts) == set()
	}
}

unselected := {"rules": {"matchLabels": {"role": "alerts"}}, "namespaces": {}, "namespace": "x"}

test_pass_partial if said(of([good]), fx.and_facts({"partial": true, "prometheuses": {"x/p": unselected}})) == set()

test_pass_own_labels if {
	doc := fx.of({"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": object.union(fx.meta, {"labels": {"role": "alerts"}})})
	said(doc, fx.and_facts({"prometheuses": {"x/p": unselected}})) == set()
}

test_fail_other_labels_in_its_namespace if by({"rules": {}, "namespaces": {"matchLabels": {"team": "pay"}}, "namespace": "shop"}) == {["/metadata/labels", "warning"]}
