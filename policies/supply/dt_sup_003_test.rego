package dualtrack.rules.dt_sup_003_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_sup_003

allowing(ref, registries) := count(findings) == 0 if {
	findings := dt_sup_003.findings with input as fx.container({"image": ref}) with data.context as fx.and_facts({"registries": registries})
}

test_pass_registry if allowing("good.io/web:1", ["good.io"])

test_pass_path if allowing("good.io/org/web:1", ["good.io/org"])

test_pass_slash if allowing("good.io/org/web:1", ["good.io/org/"])

test_pass_whole_name if allowing("good.io/org/web:1", ["good.io/org/web"])

test_pass_port if allowing("good.io:5000/web", ["good.io:5000"])

test_pass_localhost if allowing("localhost/web", ["localhost"])

test_pass_short_name if allowing("nginx:1", ["docker.io/library"])

test_pass_docker_org if allowing("org/web", ["org"])

test_pass_docker_alias if allowing("index.docker.io/org/web", ["docker.io/org"])

test_pass_docker_library if allowing("docker.io/nginx", ["docker.io"])

test_pass_second if allowing("b.io/web", ["a.io", "b.io"])

test_pass_no_image if allowing("", [])

test_fail_look_alike_host if not allowing("good.io.evil.com/web", ["good.io"])

test_fail_look_alike_org if not allowing("docker.io/orgevil/web", ["docker.io/org"])

test_fail_look_alike_short if not allowing("orgevil/web", ["org"])

test_fail_other_port if not allowing("good.io:5001/web", ["good.io:5000"])

test_fail_no_port if not allowing("good.io/web", ["good.io:5000"])

test_fail_library if not allowing("nginx", ["docker.io/org"])

# An empty list allows nothing.
test_fail_empty if not allowing("good.io/web", [])

test_unknown_missing if {
	found := dt_sup_003.findings with input as fx.container({"image": "web"}) with data.context as fx.and_facts({"registries": null})
	fx.results(found) == {"unknown"}
}

artifact(url) := fx.of({"apiVersion": "source.toolkit.fluxcd.io/v1beta2", "kind": "OCIRepository", "spec": {"url": url}})

test_fail_artifact if {
	found := dt_sup_003.findings with input as artifact("oci://evil.io/app") with data.context as fx.facts
	fx.pointers(found) == {"/spec/url"}
}

test_pass_artifact if count(dt_sup_003.findings) == 0 with input as artifact("oci://registry.example/shop/app") with data.context as fx.facts

test_pass_no_artifact if count(dt_sup_003.findings) == 0 with input as artifact(null) with data.context as fx.facts

places(doc, registries) := {[f.pointer, f.container, f.message] | some f in findings} if {
	findings := dt_sup_003.findings with input as doc with data.context as fx.and_facts({"registries": registries})
}

test_fail_places if {
	at := "/spec/containers/0/image"
	places(fx.container({"image": "evil.io/a"}), []) == {[at, "a", `container "a": "evil.io/a" is from no allowed registry`]}
	places(fx.container({"image": "evil.io/a"}), null) == {[at, "a", `container "a": the fleet does not say which registries it allows`]}
	places(artifact("oci://evil.io/app"), []) == {["/spec/url", "", `spec.url: "evil.io/app" is from no allowed registry`]}
}

test_pass_null if places(fx.container({"image": null}), null) == set()

test_pass_no_registry_known if {
	found := dt_sup_003.findings with input as fx.container({"image": "web"}) with data.context as {k: v | some k, v in fx.facts; k != "registries"}
	fx.results(found) == {"unknown"}
}

chart(url) := fx.of({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "HelmRepository", "spec": {"url": url}})

test_fail_chart if places(chart("oci://evil.io/charts"), []) == {["/spec/url", "", `spec.url: "evil.io/charts" is from no allowed registry`]}

test_pass_chart_by_http if places(chart("https://evil.io/oci://charts"), []) == set()

test_pass_other_kind if places(fx.of({"apiVersion": "x.example/v1", "kind": "Thing", "spec": {"url": "oci://evil.io/app"}}), []) == set()
