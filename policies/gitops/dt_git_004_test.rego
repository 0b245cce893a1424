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
