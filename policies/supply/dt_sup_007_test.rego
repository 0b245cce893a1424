package dualtrack.rules.dt_sup_007_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_sup_007

digest := "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

ref := sprintf("registry.example/shop/a:1@%s", [digest])

who := {"identity": "builder", "issuer": "https://issuer.example"}

facts(identities, attest) := fx.and_facts({"params": {"DT-SUP-007": {"identities": identities}}, "attest": attest})

of_pod(image, context) := {f.message | some f in findings} if {
	findings := dt_sup_007.findings with input as fx.container({"image": image}) with data.context as context
}

of_cluster(context) := {object.get(f, "result", "finding") | some f in findings} if {
	findings := dt_sup_007.findings with input as fx.of({"apiVersion": "platform.dualtrack.internal/v1alpha1", "kind": "Cluster", "metadata": {"name": "edge-1"}}) with data.context as context
}

signed(by, days) := {digest: [object.union(by, {"days": days})]}

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
	of_pod(ref, facts([who], signed(who, 0))) == set()
	of_pod(ref, facts([who], signed(who, 89))) == set()
}

# An image without a digest is for DT-SUP-002.
test_pass_unpinned if of_pod("registry.example/shop/a:1", facts([who], {})) == set()

test_fail_unsigned if of_pod(ref, facts([who], {})) == {sprintf(`container "a": image %q has no signature that was found`, [ref])}

test_fail_stranger if {
	of_pod(ref, facts([who], signed({"identity": "eve", "issuer": who.issuer}, 0))) == stranger
	of_pod(ref, facts([who], signed({"identity": "builder", "issuer": "https://eve.example"}, 0))) == stranger
}

old := {sprintf(`container "a": image %q was found to be signed 90 days ago or more`, [ref])}

ahead := {sprintf(`container "a": image %q is said to have been found signed later than now`, [ref])}

test_fail_old_evidence if of_pod(ref, facts([who], signed(who, 90))) == old

test_pass_older_where_it_may_be if {
	every most in [91, "91"] {
		of_pod(ref, fx.and_facts({"params": {"DT-SUP-007": {"identities": [who], "maxAgeDays": most}}, "attest": signed(who, 90)})) == set()
	}
}

# Evidence from the future is none.
test_fail_evidence_from_the_future if of_pod(ref, facts([who], signed(who, -1))) == ahead

entry(by, days) := object.union(by, {"days": days})

eve := {"identity": "eve", "issuer": who.issuer}

# One signature that counts is enough; others do no harm and no good.
test_several if {
	of_pod(ref, facts([who], {digest: [entry(eve, 0), entry(who, 200), entry(who, 3), entry(who, -1)]})) == set()
	of_pod(ref, facts([eve, who], {digest: [entry(who, 1)]})) == set()
	of_pod(ref, facts([who], {digest: [entry(eve, 0), entry(who, 200)]})) == old
	of_pod(ref, facts([who], {digest: [entry(eve, 0), entry(who, -1)]})) == ahead
	of_pod(ref, facts([who], {digest: [entry(who, -1), entry(who, 200)]})) == old
}

stranger := {sprintf(`container "a": image %q is signed by nobody whose signature counts`, [ref])}

flow := "https://forge.example/shop/a/release.yaml@refs/tags/v1"

by_flow(pattern) := facts([{"identity": pattern, "issuer": who.issuer}], signed({"identity": flow, "issuer": who.issuer}, 0))

test_pass_pattern_of_identities if {
	every pattern in [
		flow,
		"https://forge.example/shop/a/release.yaml@refs/tags/*",
		"https://forge.example/shop/*/release.yaml@refs/*/v1",
		"https://forge.example/shop/**",
		"**",
	] {
		of_pod(ref, by_flow(pattern)) == set()
	}
}

# A pattern ends where a look-alike begins, and what a glob reads in its own way is
# taken by its letters.
test_fail_look_alikes if {
	every pattern in [
		"*", "https://forge.example/*", "https://forge.example/shop/*", "https://forge.example/shop/a/release.yaml@refs/tags/", "forge.example/**",
		"https://forge.example/{shop}/**", "https://forge.example/sho[p]/**", "https://forge.example/sho?/**", "", "[", "{*",
	] {
		of_pod(ref, by_flow(pattern)) == stranger
	}
	of_pod(ref, facts([{"identity": "https://forge.example/*", "issuer": who.issuer}], signed({"identity": "https://forge.example.eve.example/shop", "issuer": who.issuer}, 0))) == stranger
	of_pod(ref, facts([{"identity": "**", "issuer": "*"}], signed(who, 0))) == stranger
}

# Its letters, all of them.
test_pass_identity_by_its_letters if {
	every identity in ["{a}*", "a b*", "a[b]*"] {
		of_pod(ref, facts([{"identity": identity, "issuer": ""}], signed({"identity": identity, "issuer": ""}, 0))) == set()
	}
	of_pod(ref, facts([{"identity": "AZaz09:/@._+=~%#-*AZaz09:/@._+=~%#-*", "issuer": ""}], signed({"identity": "AZaz09:/@._+=~%#-xAZaz09:/@._+=~%#-y", "issuer": ""}, 0))) == set()
}

# A key has no issuer, and one who has is no key.
test_keys if {
	of_pod(ref, facts([{"identity": "key-1"}], signed({"identity": "key-1", "issuer": ""}, 0))) == set()
	of_pod(ref, facts([{"identity": "key-1"}], signed({"identity": "key-1", "issuer": who.issuer}, 0))) == stranger
	of_pod(ref, facts([who], signed({"identity": "builder", "issuer": ""}, 0))) == stranger
}

# Who is nobody vouches for nothing.
test_fail_nobody_vouches if {
	every odd in [{}, {"issuer": ""}, {"identity": ""}, {"identity": 5}, "odd", 5] {
		of_pod(ref, facts([odd], signed({"identity": "", "issuer": ""}, 0))) == stranger
	}
}

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
	every odd in [null, "odd", 5, false, [], {}, [null, "odd", 5, []]] {
		of_pod(ref, facts([who], {digest: odd})) == {sprintf(`container "a": image %q has no signature that was found`, [ref])}
	}
	every odd in [{}, {"identity": who.identity}, {"issuer": who.issuer}] {
		of_pod(ref, facts([who], {digest: [odd]})) == stranger
	}
}

test_pass_defaults if dt_sup_007.meta.params == {"identities": [], "maxAgeDays": 90}
