package dualtrack.rules.dt_git_003_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_git_003

found(doc) := said(doc, fx.facts)

said(doc, facts) := {[f.pointer, f.severity] | some f in findings} if {
	findings := dt_git_003.findings with input as doc with data.context as facts
}

repo(ref) := found(fx.flux("GitRepository", {"url": "https://git.example/a", "ref": ref}))

sha := "0123456789abcdef0123456789abcdef01234567"

test_pass_fixed if {
	repo({"commit": sha}) == set()
	repo({"commit": sha, "branch": "main"}) == set()
	repo({"tag": "v1"}) == set()
	repo({"tag": "v1", "branch": "main"}) == set()
	repo({"semver": "1.2.3"}) == set()
	repo({"name": "refs/tags/v1"}) == set()
}

test_fail_no_ref if {
	repo(null) == {["/spec/ref", "warning"]}
	repo({"branch": ""}) == {["/spec/ref", "warning"]}
}

test_fail_branch if repo({"branch": "main"}) == {["/spec/ref/branch", "warning"]}

# A range beats a tag, a name beats a range, a commit beats all.
test_fail_order if {
	repo({"semver": ">=1.0.0", "tag": "v1"}) == {["/spec/ref/semver", "warning"]}
	repo({"name": "refs/heads/main", "semver": "1.2.3"}) == {["/spec/ref/name", "warning"]}
	repo({"name": "refs/pull/4/head", "commit": sha}) == set()
}

test_fail_production if said(fx.flux("GitRepository", {"ref": {"branch": "main"}}), fx.and_facts({"cluster": {"production": true}})) == {["/spec/ref/branch", "error"]}

test_pass_other_group if found(fx.of({"apiVersion": "x.example/v1", "kind": "GitRepository", "spec": {}})) == set()

application(revision) := found(fx.argo("Application", {"source": {"repoURL": "https://git.example/a", "path": ".", "targetRevision": revision}}))

test_pass_application if {
	every revision in [sha, "v1.2.3", "1.2.3-rc.1", "release-1.2.3", "refs/tags/x"] {
		application(revision) == set()
	}
	found(fx.argo("Application", {"source": {"chart": "a", "targetRevision": "1.*"}})) == set()
}

test_fail_application if {
	every revision in ["", "HEAD", "main", "release-1.2", "1.2.*", "refs/heads/v1.2.3", "0123456"] {
		application(revision) == {["/spec/source/targetRevision", "warning"]}
	}
	found(fx.argo("Application", {"source": {"repoURL": "a"}})) == {["/spec/source/targetRevision", "warning"]}
}

test_fail_sources if found(fx.argo("Application", {"sources": [{"targetRevision": sha}, {"targetRevision": "main"}]})) == {["/spec/sources/1/targetRevision", "warning"]}

set_of(generators, revision) := fx.argo("ApplicationSet", {"generators": generators, "template": {"spec": {"source": {"targetRevision": revision}}}})

test_fail_application_set if found(set_of([], "main")) == {["/spec/template/spec/source/targetRevision", "warning"]}

test_fail_generators if {
	found(set_of([{"list": {}}, {"git": {"revision": "HEAD"}}], sha)) == {["/spec/generators/1/git/revision", "warning"]}
	found(set_of([{"matrix": {"generators": [{"clusters": {}}, {"git": {}}]}}], sha)) == {["/spec/generators/0/matrix/generators/1/git/revision", "warning"]}
}

test_pass_generators if found(set_of([{"git": {"revision": "v1.0.0"}}, {"git": {"revision": "{{ .x }}"}}], sha)) == set()

test_unknown_templated if {
	findings := dt_git_003.findings with input as set_of([], "{{ .revision }}") with data.context as fx.facts
	fx.results(findings) == {"unknown"}
}

# whole is every finding with all that it says.
whole(doc, facts) := findings if {
	findings := dt_git_003.findings with input as doc with data.context as facts
}

moves(pointer, message) := {{"pointer": pointer, "message": message, "severity": "warning"}}

of_ref(ref) := whole(fx.flux("GitRepository", {"ref": ref}), fx.facts)

test_fail_says_ref if {
	of_ref({}) == moves("/spec/ref", "without ref it follows branch master")
	of_ref({"branch": "main", "name": "", "semver": ""}) == moves("/spec/ref/branch", `it follows branch "main"`)
	of_ref({"name": "refs/heads/refs/tags/x"}) == moves("/spec/ref/name", "refs/heads/refs/tags/x moves")
	of_ref({"semver": "1.x"}) == moves("/spec/ref/semver", `"1.x" takes every newer version of its range`)
}

test_pass_order if {
	of_ref({"commit": sha, "semver": "1.x"}) == set()
	of_ref({"name": "refs/tags/v1", "semver": "1.x"}) == set()
	of_ref({"name": "refs/tags/v1", "branch": "main"}) == set()
	of_ref({"semver": "1.2.3", "branch": "main"}) == set()
}

test_pass_other_kinds if {
	whole(fx.flux("OCIRepository", {"ref": {"tag": ""}}), fx.facts) == set()
	spec := {"source": {"targetRevision": "main"}, "generators": [{"git": {"revision": "main"}}]}
	whole(fx.argo("AppProject", spec), fx.facts) == set()
	whole(fx.of({"apiVersion": "x.example/v1", "kind": "ApplicationSet", "metadata": fx.meta, "spec": spec}), fx.facts) == set()
}

of_source(more) := whole(fx.argo("Application", {"source": more}), fx.facts)

at_source(message, result) := {{"pointer": "/spec/source/targetRevision", "message": message, "severity": "warning", "result": result}}

test_fail_says_source if {
	of_source({}) == at_source("without targetRevision it follows the repository's HEAD", "finding")
	of_source({"targetRevision": "main"}) == at_source(`"main" moves`, "finding")
	of_source({"targetRevision": "refs/heads/refs/tags/x"}) == at_source(`"refs/heads/refs/tags/x" moves`, "finding")
	of_source({"targetRevision": "{{ .x }}"}) == at_source(`what "{{ .x }}" becomes is not known`, "unknown")
}

test_pass_version_below if of_source({"targetRevision": "x/refs/heads/v1.2.3"}) == set()

generated(generators) := whole(set_of(generators, sha), fx.facts)

test_fail_says_generator if {
	generated([{"git": {}}]) == moves("/spec/generators/0/git/revision", "the generator reads the repository's HEAD")
	generated([{"git": {"revision": "main"}}]) == moves("/spec/generators/0/git/revision", `the generator reads "main", which moves`)
	generated([{"merge": {"generators": [{"git": {}}]}}]) == moves("/spec/generators/0/merge/generators/0/git/revision", "the generator reads the repository's HEAD")
}

test_pass_no_generator if {
	generated([{"git": null}, {"git": "odd"}, {"matrix": {"generators": [{"git": null}, {"git": "odd"}]}}]) == set()
	whole(fx.argo("Application", {"source": {"targetRevision": sha}, "generators": [{"git": {}}]}), fx.facts) == set()
}
