package dualtrack.rules.dt_git_007_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_git_007

found(doc) := said(doc, fx.facts)

said(doc, facts) := {[f.pointer, object.get(f, "severity", "error")] | some f in findings} if {
	findings := dt_git_007.findings with input as doc with data.context as facts
}

good := {
	"sourceRepos": ["https://git.example/shop", "!https://git.example/shop-old"],
	"destinations": [{"server": "https://10.0.0.1", "namespace": "shop-*"}],
	"clusterResourceWhitelist": [{"group": "", "kind": "Namespace"}],
	"namespaceResourceWhitelist": [{"group": "apps", "kind": "Deployment"}],
}

project(more) := found(fx.argo("AppProject", object.union(good, more)))

test_pass_project if {
	project({}) == set()
	project({"clusterResourceWhitelist": null}) == set()
	project({"namespaceResourceWhitelist": []}) == set()
	project({"namespaceResourceWhitelist": null, "namespaceResourceBlacklist": [{"group": "*", "kind": "Role"}]}) == set()
}

test_pass_allowed if said(fx.argo("AppProject", {"sourceRepos": ["*"]}), fx.and_facts({"params": {"DT-GIT-007": {"allow": ["a"]}}})) == set()

test_fail_sources if {
	project({"sourceRepos": ["a", "*"]}) == {["/spec/sourceRepos/1", "error"]}
	project({"sourceRepos": ["*", "!a"]}) == {["/spec/sourceRepos/0", "error"]}
}

test_fail_destinations if project({"destinations": [{"server": "*", "namespace": "*"}, {"name": "*", "namespace": "a"}]}) == {
	["/spec/destinations/0/server", "error"],
	["/spec/destinations/0/namespace", "error"],
	["/spec/destinations/1/name", "error"],
}

test_fail_cluster_kinds if project({"clusterResourceWhitelist": [{"group": "*", "kind": "*"}]}) == {["/spec/clusterResourceWhitelist/0", "error"]}

test_pass_one_group if project({"clusterResourceWhitelist": [{"group": "*", "kind": "Namespace"}]}) == set()

test_fail_all_kinds if project({"namespaceResourceWhitelist": null}) == {["/spec/namespaceResourceWhitelist", "warning"]}

test_pass_application if found(fx.argo("Application", {"project": "shop"})) == set()

test_fail_default if {
	found(fx.argo("Application", {"project": "default"})) == {["/spec/project", "error"]}
	found(fx.argo("Application", {})) == {["/spec/project", "error"]}
	found(fx.argo("ApplicationSet", {"template": {"spec": {}}})) == {["/spec/template/spec/project", "error"]}
}

test_fail_templated if found(fx.argo("ApplicationSet", {"template": {"spec": {"project": "{{ .team }}"}}})) == {["/spec/template/spec/project", "error"]}

test_pass_other_group if {
	found(fx.of({"apiVersion": "app.k8s.io/v1beta1", "kind": "Application", "spec": {}})) == set()
	found(fx.of({"apiVersion": "x.example/v1", "kind": "AppProject", "spec": {"sourceRepos": ["*"]}})) == set()
}
