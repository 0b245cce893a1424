package dualtrack.rules.dt_sup_007_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_sup_007

digest := "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

ref := sprintf("registry.example/shop/a:1@%s", [digest])

who := {"identity": "builder", "issuer": "https://issuer.example"}

facts(identities, attest) := fx.and_facts({"now": 100 * 86400, "params": {"DT-SUP-007": {"identities": identities}}, "attest": attest})

of_pod(image, context) := {f.message | some f in findings} if {
	findings := dt_sup_007.findings with input as fx.container({"image": image}) with data.context as context
}

of_cluster(context) := {object.get(f, "result", "finding") | some f in findings} if {
	findings := dt_sup_007.findings with input as fx.of({"apiVersion": "platform.dualtrack.internal/v1alpha1", "kind": "Cluster", "metadata": {"name": "edge-1"}}) with data.context as context
}

signed(by, at) := {digest: object.union(by, {"at": at})}

test_pass_nothing_asked if {
	of_cluster(fx.facts) == set()
	of_pod(ref, fx.facts) == set()
}

test_unknown_once if {
	of_cluster(facts([who], null)) == {"unknown"}
	of_pod(ref, facts([who], null)) == set()
}

test_pass_signed if {
	of_cluster(facts([who], {})) == set()
	of_pod(ref, facts([who], signed(who, 10 * 86400))) == set()
}

# An image without a digest is for DT-SUP-002.
test_pass_unpinned if of_pod("registry.example/shop/a:1", facts([who], {})) == set()

test_fail_unsigned if of_pod(ref, facts([who], {})) == {sprintf(`container "a": image %q has no signature that was found`, [ref])}

test_fail_stranger if {
	stranger := sprintf(`container "a": image %q is signed by nobody whose signature counts`, [ref])
	of_pod(ref, facts([who], signed({"identity": "eve", "issuer": who.issuer}, 0))) == {stranger}
	of_pod(ref, facts([who], signed({"identity": "builder", "issuer": "https://eve.example"}, 0))) == {stranger}
}

test_fail_old if of_pod(ref, facts([who], signed(who, (10 * 86400) - 1))) == {sprintf(`container "a": image %q was found to be signed more than 90 days ago`, [ref])}

all_of(doc, context) := findings if {
	findings := dt_sup_007.findings with input as doc with data.context as context
}

cluster := fx.of({"apiVersion": "platform.dualtrack.internal/v1alpha1", "kind": "Cluster", "metadata": {"name": "edge-1"}})

test_fail_whole if all_of(fx.container({"image": ref}), facts([who], {})) == {{
	"pointer": "/spec/containers/0/image",
	"container": "a",
	"message": sprintf(`container "a": image %q has no signature that was found`, [ref]),
}}

test_unknown_whole if {
	every context in [facts([who], null), {k: v | some k, v in facts([who], null); k != "attest"}] {
		all_of(cluster, context) == {{"pointer": "", "message": "no evidence about signatures was handed over", "result": "unknown"}}
	}
}

# It is said of the fleet's own clusters alone.
test_pass_other_objects if {
	every doc in [object.union(cluster, {"kind": "Fleet"}), object.union(cluster, {"group": "x.example"})] {
		all_of(doc, facts([who], null)) == set()
	}
}

test_pass_nobody_trusted if of_pod(ref, facts([], {})) == set()

# Evidence that says nothing is none, and what is no evidence proves nothing.
test_fail_odd_evidence if {
	of_pod(ref, facts([who], {digest: null})) == {sprintf(`container "a": image %q has no signature that was found`, [ref])}
	every odd in ["odd", 5, false, [], {}] {
		of_pod(ref, facts([who], {digest: odd})) == {sprintf(`container "a": image %q is signed by nobody whose signature counts`, [ref])}
	}
}

test_pass_defaults if dt_sup_007.meta.params == {"identities": [], "maxAgeDays": 90}
