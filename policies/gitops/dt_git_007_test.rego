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

# whole is every finding with all that it says.
whole(doc, facts) := findings if {
	findings := dt_git_007.findings with input as doc with data.context as facts
}

test_pass_params if dt_git_007.meta.params == {"allow": []}

wild := {
	"sourceRepos": ["*", "**"],
	"destinations": [{"name": "*", "namespace": "**", "server": "**"}],
	"clusterResourceWhitelist": [{"group": "*", "kind": "*"}, {"group": "apps", "kind": "*"}],
	"project": "shop",
}

told(pointer, message) := {"pointer": pointer, "message": message}

test_fail_wild if whole(fx.argo("AppProject", wild), fx.facts) == {
	told("/spec/sourceRepos/0", "the project takes every repository; what is denied beside it leaves the rest"),
	told("/spec/sourceRepos/1", "the project takes every repository; what is denied beside it leaves the rest"),
	told("/spec/destinations/0/name", "the project reaches every cluster"),
	told("/spec/destinations/0/namespace", "the project reaches every namespace"),
	told("/spec/destinations/0/server", "the project reaches every cluster"),
	told("/spec/clusterResourceWhitelist/0", "the project makes every kind of the cluster's own objects, roles and webhooks too"),
	{
		"pointer": "/spec/namespaceResourceWhitelist",
		"severity": "warning",
		"message": "without namespaceResourceWhitelist the project makes every kind of a namespace, Roles and RoleBindings too",
		"mend": "name the kinds, or at least those that are denied in namespaceResourceBlacklist",
	},
}

test_pass_wild if {
	whole(fx.argo("AppProject", wild), fx.and_facts({"params": {"DT-GIT-007": {"allow": ["a"]}}})) == set()
	whole(fx.argo("Application", wild), fx.facts) == set()
	whole(fx.of({"apiVersion": "x.example/v1", "kind": "AppProject", "metadata": fx.meta, "spec": wild}), fx.facts) == set()
}

filled(pointer) := {
	"pointer": pointer,
	"message": `a generator fills in project "{{ .team }}": who writes its input chooses the bounds`,
	"mend": "write the project's name",
}

in_default(pointer) := {
	"pointer": pointer,
	"message": "the application is in project default, which bounds nothing",
	"mend": "make a project for it, and name it",
}

test_fail_projects if {
	every name, findings in {
		"shop": set(),
		"default": {in_default("/spec/template/spec/project")},
		"{{ .team }}": {filled("/spec/template/spec/project")},
	} {
		spec := {"template": {"spec": {"project": name}}}
		whole(fx.argo("ApplicationSet", spec), fx.facts) == findings
		whole(fx.of({"apiVersion": "x.example/v1", "kind": "ApplicationSet", "metadata": fx.meta, "spec": spec}), fx.facts) == set()
	}
	whole(fx.argo("Application", {}), fx.facts) == {in_default("/spec/project")}
}

test_pass_not_filled if whole(fx.argo("Application", {"project": "{{ .team }}"}), fx.facts) == set()

test_pass_default_allowed if whole(fx.argo("Application", {}), fx.and_facts({"params": {"DT-GIT-007": {"allow": ["default"]}}})) == set()
