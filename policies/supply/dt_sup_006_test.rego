package dualtrack.rules.dt_sup_006_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_sup_006

judged(doc, facts) := {[f.pointer, f.severity] | some f in findings} if {
	findings := dt_sup_006.findings with input as doc with data.context as facts
}

found(doc) := judged(doc, fx.facts)

flux(kind, spec) := fx.of({"apiVersion": groups[kind], "kind": kind, "metadata": fx.meta, "spec": spec})

groups := {
	"HelmRelease": "helm.toolkit.fluxcd.io/v2beta1",
	"HelmChart": "source.toolkit.fluxcd.io/v1beta2",
	"OCIRepository": "source.toolkit.fluxcd.io/v1beta2",
	"Application": "argoproj.io/v1alpha1",
	"ApplicationSet": "argoproj.io/v1alpha1",
	"Kustomization": "kustomize.config.k8s.io/v1beta1",
}

release(chart) := flux("HelmRelease", {"chart": {"spec": object.union({"chart": "a"}, chart)}})

at := "/spec/chart/spec/version"

bad := {[at, "warning"]}

test_pass_exact if {
	every version in ["1.2.3", "v1.2.3", "=1.2.3", "1.2.3-rc.1+build.5"] {
		found(release({"version": version})) == set()
	}
}

test_pass_patches if {
	every version in ["~1.2.3", "~1.2", "1.2.x", "1.2.*", "1.2"] {
		found(release({"version": version})) == set()
	}
}

test_fail_patches if {
	facts := fx.and_facts({"params": {"DT-SUP-006": {"allowPatchRange": false}}})
	every version in ["~1.2.3", "1.2.x", "1.2"] {
		judged(release({"version": version}), facts) == bad
	}
}

test_fail_ranges if {
	every version in ["*", "1", "1.x", "^1.2.3", ">=1.2.3", "1.2.3 - 2.0.0", ">1.2.3 <2.0.0", "1.2.3 || 2.0.0", ">=1.2.3-0", 1] {
		found(release({"version": version})) == bad
	}
}

test_fail_absent if {
	findings := dt_sup_006.findings with input as release({}) with data.context as fx.facts
	{f.message | some f in findings} == {"no version of the chart is named, so the newest is taken"}
}

test_fail_production if judged(release({"version": "*"}), fx.and_facts({"cluster": {"production": true}})) == {[at, "error"]}

test_pass_git_chart if found(release({"sourceRef": {"kind": "GitRepository"}})) == set()

test_pass_chart_ref if found(flux("HelmRelease", {"chartRef": {"kind": "OCIRepository", "name": "a"}})) == set()

test_fail_helm_chart if found(flux("HelmChart", {"version": "*", "sourceRef": {"kind": "HelmRepository"}})) == {["/spec/version", "warning"]}

test_pass_helm_chart if found(flux("HelmChart", {"sourceRef": {"kind": "Bucket"}})) == set()

digest := "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

test_pass_digest if found(flux("OCIRepository", {"ref": {"digest": digest}})) == set()

test_fail_oci if {
	every ref in [null, {}, {"tag": "1.2.3"}, {"semver": "1.x"}, {"digest": "sha256:abc"}] {
		found(flux("OCIRepository", {"ref": ref})) == {["/spec/ref", "warning"]}
	}
}

argo(source) := flux("Application", {"source": object.union({"repoURL": "https://a.example"}, source)})

test_pass_argo if {
	found(argo({"chart": "a", "targetRevision": "1.2.3"})) == set()
	found(argo({"path": "a", "targetRevision": "main"})) == set()
}

test_fail_argo if {
	found(argo({"chart": "a", "targetRevision": "1.*"})) == {["/spec/source/targetRevision", "warning"]}
	found(argo({"chart": "a"})) == {["/spec/source/targetRevision", "warning"]}
}

test_fail_argo_sources if {
	sources := {"sources": [{"chart": "a", "targetRevision": "1.2.3"}, {"chart": "b", "targetRevision": "*"}, "odd"]}
	found(flux("Application", sources)) == {["/spec/sources/1/targetRevision", "warning"]}
	found(flux("ApplicationSet", {"template": {"spec": sources}})) == {["/spec/template/spec/sources/1/targetRevision", "warning"]}
}

kustomization(resources) := fx.of({"apiVersion": groups.Kustomization, "kind": "Kustomization", "resources": resources})

test_pass_bases if {
	every base in ["../base", "a.yaml", "https://github.com/a/b//c?ref=v1.2.3", "github.com/a/b?ref=0123456789abcdef0123456789abcdef01234567", "https://a.example/b.git?timeout=9&ref=release/1.2.3", 5] {
		found(kustomization([base])) == set()
	}
}

test_fail_bases if {
	every base in ["https://github.com/a/b//c", "github.com/a/b", "git@github.com:a/b", "ssh://git@a.example/b", "https://github.com/a/b?ref=main", "git::https://a.example/b", "https://a.example/b.yaml"] {
		found(kustomization([base])) == {["/resources/0", "warning"]}
	}
}

test_fail_http if {
	findings := dt_sup_006.findings with input as kustomization(["http://me:hunter2@a.example/b?ref=v1"]) with data.context as fx.facts
	{f.message | some f in findings} == {`the remote base "http://a.example/b?ref=v1" comes over plain HTTP, where anyone on the way may change it`}
}

test_fail_nested if {
	nested := [{"pointer": "/data/kustomization.yaml", "object": {"apiVersion": groups.Kustomization, "kind": "Kustomization", "components": ["github.com/a/b"]}}]
	found(object.union(fx.of({"apiVersion": "v1", "kind": "ConfigMap"}), {"nested": nested})) == {["/data/kustomization.yaml", "warning"]}
}

all_of(doc) := findings if {
	findings := dt_sup_006.findings with input as doc with data.context as fx.facts
}

http := "http://me:hunter2@a.example/b"

test_fail_whole if {
	all_of(release({"version": "*"})) == {{"pointer": at, "severity": "warning", "message": `version "*" of the chart is a range`}}
	all_of(release({})) == {{"pointer": at, "severity": "warning", "message": "no version of the chart is named, so the newest is taken"}}
	all_of(flux("OCIRepository", {})) == {{
		"pointer": "/spec/ref",
		"severity": "warning",
		"message": "the artifact is not named by its digest, so whoever may write to the registry may change it",
		"mend": "write ref.digest",
	}}
	all_of(kustomization([http])) == {
		{
			"pointer": "/resources/0",
			"severity": "warning",
			"message": `the remote base "http://a.example/b" is not pinned to a tag or commit`,
			"mend": "add ?ref= and a tag or commit, or keep a copy in the repository",
		},
		{
			"pointer": "/resources/0",
			"severity": "warning",
			"message": `the remote base "http://a.example/b" comes over plain HTTP, where anyone on the way may change it`,
			"mend": "use https or ssh",
		},
	}
}

test_pass_exact_helm_chart if found(flux("HelmChart", {"version": "1.2.3", "sourceRef": {"kind": "HelmRepository"}})) == set()

# The same fields of other kinds, and of the same kinds in other groups, say nothing.
test_pass_other_kinds if {
	chart := {"chart": {"spec": {"chart": "a", "version": "*"}}, "version": "*", "source": {"chart": "a", "targetRevision": "*"}}
	every version in ["helm.toolkit.fluxcd.io/v2", "source.toolkit.fluxcd.io/v1", "argoproj.io/v1alpha1", "x.example/v1"] {
		found(fx.of({"apiVersion": version, "kind": "Thing", "spec": chart})) == set()
	}
	every kind in ["HelmRelease", "HelmChart", "OCIRepository", "Application", "ApplicationSet"] {
		found(fx.of({"apiVersion": "x.example/v1", "kind": kind, "spec": chart})) == set()
	}
	bases := {"resources": ["github.com/a/b"]}
	found(fx.of(object.union({"apiVersion": "x.example/v1", "kind": "Kustomization"}, bases))) == set()
	found(fx.of(object.union({"apiVersion": groups.Kustomization, "kind": "Thing"}, bases))) == set()
}

test_fail_each_field_of_bases if {
	every kind in ["Component", "Kustomization"] {
		every field in ["bases", "components", "resources"] {
			found(fx.of({"apiVersion": groups.Kustomization, "kind": kind, field: ["github.com/a/b"]})) == {[sprintf("/%s/0", [field]), "warning"]}
		}
	}
}

nested(o) := object.union(fx.of({"apiVersion": "v1", "kind": "ConfigMap"}), {"nested": [{"pointer": "/data/a", "object": o}]})

test_fail_each_nested_field if {
	every field in ["bases", "components", "resources"] {
		found(nested({"apiVersion": groups.Kustomization, field: ["../a", "github.com/a/b"]})) == {["/data/a", "warning"]}
	}
}

test_pass_nested if {
	found(nested({"apiVersion": groups.Kustomization, "resources": ["../a", 5]})) == set()
	found(nested({"apiVersion": "x.example/v1", "resources": ["github.com/a/b"]})) == set()
	found(nested({"apiVersion": "x.kustomize.config.k8s.io/v1", "resources": ["github.com/a/b"]})) == set()
}
