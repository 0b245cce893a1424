package dualtrack.rules.dt_git_004_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_git_004

found(doc) := said(doc, fx.facts)

said(doc, facts) := {[f.pointer, f.severity] | some f in findings} if {
	findings := dt_git_004.findings with input as doc with data.context as facts
}

warning(pointer) := {[pointer, "warning"]}

signed := {"verify": {"provider": "cosign", "secretRef": {"name": "keys"}}}

test_pass_verified if {
	found(fx.flux("GitRepository", {"url": "https://a.example/a", "verify": {"mode": "HEAD", "secretRef": {"name": "keys"}}})) == set()
	found(fx.flux("OCIRepository", {"url": "oci://a.example/a", "verify": {"provider": "cosign", "matchOIDCIdentity": [{"issuer": "a", "subject": "b"}]}})) == set()
	found(fx.flux("HelmChart", signed)) == set()
	found(fx.flux("HelmRelease", {"chart": {"spec": object.union({"chart": "a"}, signed)}})) == set()
	found(fx.flux("HelmRelease", {"chartRef": {"kind": "OCIRepository", "name": "a"}})) == set()
}

test_fail_unverified if {
	every kind in ["GitRepository", "HelmChart", "OCIRepository"] {
		found(fx.flux(kind, {})) == warning("/spec/verify")
	}
	found(fx.flux("HelmRelease", {"chart": {"spec": {"chart": "a"}}})) == warning("/spec/chart/spec/verify")
}

test_fail_anybody if {
	found(fx.flux("OCIRepository", {"verify": {"provider": "cosign"}})) == warning("/spec/verify")
	found(fx.flux("GitRepository", {"verify": {"mode": "HEAD", "secretRef": {}}})) == warning("/spec/verify")
}

test_fail_production if said(fx.flux("GitRepository", {}), fx.and_facts({"cluster": {"production": true}})) == {["/spec/verify", "error"]}

test_fail_insecure if {
	found(fx.flux("OCIRepository", object.union(signed, {"insecure": true}))) == warning("/spec/insecure")
	every kind in ["Bucket", "HelmRepository", "ImageRepository"] {
		found(fx.flux(kind, {"insecure": true})) == warning("/spec/insecure")
	}
}

test_pass_secure if found(fx.flux("HelmRepository", {"url": "https://a.example/a", "insecure": false, "passCredentials": false})) == set()

test_fail_http if found(fx.flux("HelmRepository", {"url": "HTTP://a.example/a"})) == warning("/spec/url")

test_fail_credentials if found(fx.flux("HelmRepository", {"url": "https://a.example/a", "passCredentials": true})) == warning("/spec/passCredentials")

test_pass_project if found(fx.argo("AppProject", {"signatureKeys": [{"keyID": "4AEE18F83AFDEB23"}]})) == set()

test_fail_project if found(fx.argo("AppProject", {})) == warning("/spec/signatureKeys")

test_fail_application if found(fx.argo("Application", {"source": {"repoURL": "http://a.example/a"}})) == warning("/spec/source/repoURL")

test_pass_other_group if {
	found(fx.of({"apiVersion": "x.example/v1", "kind": "GitRepository", "spec": {}})) == set()
	found(fx.of({"apiVersion": "x.example/v1", "kind": "AppProject", "spec": {}})) == set()
	found(fx.argo("Application", {"source": {"repoURL": "https://a.example/a"}})) == set()
}

# whole is every finding with all that it says.
whole(doc, facts) := findings if {
	findings := dt_git_004.findings with input as doc with data.context as facts
}

careless := {
	"url": "http://a.example/a",
	"insecure": true,
	"passCredentials": true,
	"chart": {"spec": {"chart": "a"}},
	"source": {"repoURL": "http://a.example/a"},
}

told(pointer, message) := {"pointer": pointer, "message": message, "severity": "warning"}

unsigned(kind) := told("/spec/verify", sprintf("the %s takes what it finds, signed or not", [kind]))

unsigned_chart := told("/spec/chart/spec/verify", "the release takes whatever chart it finds, signed or not")

plain(pointer) := object.union(told(pointer, "the source is read over plain HTTP"), {"mend": "write https://"})

insecure := object.union(told("/spec/insecure", "insecure takes what it is given without TLS"), {
	"mend": "remove insecure",
	"patch": [{"op": "remove", "path": "/spec/insecure"}],
})

passes := object.union(told("/spec/passCredentials", "the credentials go to whatever host the index names"), {
	"mend": "remove passCredentials",
	"patch": [{"op": "remove", "path": "/spec/passCredentials"}],
})

unbound := object.union(told("/spec/signatureKeys", "the project's applications take commits of anybody"), {"mend": "name the keys of those who may sign"})

test_fail_careless if {
	every kind, findings in {
		"Alert": set(),
		"Bucket": {insecure},
		"GitRepository": {plain("/spec/url"), unsigned("GitRepository")},
		"HelmChart": {unsigned("HelmChart")},
		"HelmRelease": {unsigned_chart},
		"HelmRepository": {insecure, passes, plain("/spec/url")},
		"ImageRepository": {insecure},
		"Kustomization": set(),
		"OCIRepository": {insecure, unsigned("OCIRepository")},
	} {
		whole(fx.flux(kind, careless), fx.facts) == findings
		whole(fx.of({"apiVersion": "x.example/v1", "kind": kind, "spec": careless}), fx.facts) == set()
		whole(fx.of({"apiVersion": "x.toolkit.fluxcd.io.example/v1", "kind": kind, "spec": careless}), fx.facts) == set()
	}
}

test_fail_careless_argo if {
	every kind, findings in {
		"AppProject": {unbound},
		"Application": {plain("/spec/source/repoURL")},
		"ApplicationSet": set(),
	} {
		whole(fx.argo(kind, careless), fx.facts) == findings
		whole(fx.of({"apiVersion": "x.example/v1", "kind": kind, "spec": careless}), fx.facts) == set()
	}
	whole(fx.argo("ApplicationSet", {"template": {"spec": careless}}), fx.facts) == {plain("/spec/template/spec/source/repoURL")}
}

anybody := told("/spec/verify", "verify says neither whose key nor whose identity, so a signature by anybody will do")

test_fail_signed_by_anybody if {
	every kind in ["GitRepository", "HelmChart", "OCIRepository"] {
		every verify in [{}, {"provider": "cosign"}] {
			whole(fx.flux(kind, {"verify": verify}), fx.facts) == {anybody}
			whole(fx.of({"apiVersion": "x.example/v1", "kind": kind, "spec": {"verify": verify}}), fx.facts) == set()
		}
	}
	whole(fx.flux("Kustomization", {"verify": {"provider": "cosign"}}), fx.facts) == set()
}

# Only what a URL begins with is its scheme.
test_pass_scheme if {
	url := "https://a.example/?from=http://b.example"
	whole(fx.flux("HelmRepository", {"url": url}), fx.facts) == set()
	whole(fx.argo("Application", {"source": {"repoURL": url}}), fx.facts) == set()
}

# What no API takes is not judged.
test_pass_odd if {
	whole(fx.flux("HelmRelease", {"chart": {"spec": "odd"}}), fx.facts) == set()
	whole(fx.flux("OCIRepository", {"verify": "odd"}), fx.facts) == set()
}
