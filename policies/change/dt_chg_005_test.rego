package dualtrack.change.dt_chg_005_test

import data.dualtrack.change.dt_chg_005
import data.dualtrack.fixture

graded(effects) := {[f.pointer, object.get(f, "severity", dt_chg_005.meta.severity), object.get(f, "result", "finding")] | some f in found} if {
	found := dt_chg_005.findings with data.context as fixture.facts with input as fixture.change("changed", effects)
}

effect(name, level, facts) := {"effect": name, "level": level, "why": "because", "pointer": "/spec", "facts": facts}

moved(direction, minors, repository, tagged) := {[x[1], x[2]] | some x in graded([effect("image", "info", {"direction": direction, "minors": minors, "repository": repository, "tagged": tagged})])}

test_pass_up if moved("up", 3, "shop/web", true) == set()

test_pass_one_minor if moved("up", 1, "library/postgres", true) == set()

test_pass_patch if moved("up", 0, "postgres", true) == set()

test_pass_digest_of_a_tag if moved("digest", 0, "shop/web", true) == set()

test_pass_name_that_ends_alike if moved("up", 3, "shop/notpostgres", true) == set()

test_fail_down if moved("down", 0, "shop/web", true) == {["warning", "finding"]}

test_fail_scheme if moved("tag", 0, "shop/web", true) == {["warning", "finding"]}

test_fail_registry if moved("registry", 0, "shop/web", true) == {["warning", "finding"]}

test_fail_minors if moved("up", 2, "library/postgres", true) == {["error", "finding"]}

test_fail_major if moved("up", -1, "postgres", true) == {["error", "finding"]}

test_fail_digest_without_tag if moved("digest", 0, "shop/web", false) == {["warning", "unknown"]}

test_pass_defaults if dt_chg_005.meta.params == {"strictRepos": ["postgres", "mysql", "etcd", "kafka", "cilium", "cilium-operator"]}

test_pass_name_that_goes_on if moved("up", 3, "library/postgres/tools", true) == set()

test_fail_unpinned if moved("unpinned", 0, "shop/web", true) == {["warning", "finding"]}

# Minors and tags count for their own directions only.
test_fail_directions if {
	moved("down", 3, "library/postgres", true) == {["warning", "finding"]}
	moved("tag", 0, "shop/web", false) == {["warning", "finding"]}
}

test_pass_other_effects if {
	every direction in ["digest", "down", "up"] {
		graded([effect("restarts", "info", {"direction": direction, "minors": 3, "repository": "library/postgres", "tagged": false})]) == set()
	}
}
