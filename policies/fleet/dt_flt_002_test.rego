package dualtrack.fleet.dt_flt_002_test

import data.dualtrack.fixture as fx
import data.dualtrack.fleet.dt_flt_002

judged(fleet, tuned) := {object.union({"severity": dt_flt_002.meta.severity, "result": "finding"}, f) | some f in found} if {
	found := dt_flt_002.findings with data.context as fx.and_facts({"params": {"DT-FLT-002": tuned}}) with input as fx.fleet(fleet)
}

graded(fleet) := {[f.pointer, f.severity, f.result] | some f in judged(fleet, {})}

said(fleet, tuned) := {[f.message, f.severity, f.result] | some f in judged(fleet, tuned)}

clusters(waves) := [{"name": sprintf("c%d", [i]), "wave": w, "production": false, "controlPlane": []} | some i, w in waves]

live(waves) := [object.union(c, {"production": true}) | some c in clusters(waves)]

test_pass_first_wave if graded({"changed": clusters([0])}) == set()

test_pass_every_wave if graded({"changed": live([0, 1, 2])}) == set()

test_pass_hub if graded({"changed": live([-1])}) == set()

test_fail_later_wave_is_unknown if graded({"changed": clusters([-1, 2, 1])}) == {["/spec/waves/1", "warning", "unknown"]}

# A wave that is left out is to have it already.
test_fail_skipped_wave_is_unknown if graded({"changed": clusters([0, 2])}) == {["/spec/waves/2", "warning", "unknown"]}

test_fail_whole if {
	found := dt_flt_002.findings with data.context as fx.facts with input as fx.fleet({"changed": live([1])})
	found == {{
		"pointer": "/spec/waves/1",
		"message": "wave west gets it, and whether wave canary has held it for 30m0s is not known",
		"result": "unknown",
	}}
}

test_pass_params if dt_flt_002.meta.params == {"soakHours": 0, "maxAgeHours": 24, "simulated": false, "required": false}

nothing := "wave west gets it, and whether wave canary has held it for 30m0s is not known"

# Where evidence is required, its lack denies production.
test_fail_no_evidence_where_it_is_required if {
	said({"changed": live([1])}, {"required": true}) == {[nothing, "error", "finding"]}
	said({"changed": clusters([1])}, {"required": true}) == {[nothing, "warning", "unknown"]}
	said({"changed": array.concat(clusters([1]), live([-1]))}, {"required": true}) == {[nothing, "warning", "unknown"]}
	said({"changed": array.concat(clusters([1]), live([1]))}, {"required": true}) == {[nothing, "error", "finding"]}
}

# seen is a change of wave west, and what was seen of canary's one site.
seen(changed, site) := {
	"changed": changed,
	"waves": waves,
	"bundles": {"a": "sha256:1"},
	"health": {"a": object.union({"bundle": "sha256:1", "healthy": true, "pods": "observed", "held": 1800, "words": "30m0s", "hours": 0}, site)},
}

waves := [{"name": "canary", "soak": "30m0s", "seconds": 1800, "clusters": ["a"]}, {"name": "west", "soak": "15m0s", "seconds": 900, "clusters": ["c0"]}]

test_pass_wave_before_has_held if {
	every site in [{}, {"held": 1801}, {"hours": 23}] {
		said(seen(live([1]), site), {}) == set()
	}
	said(seen(live([1]), {"pods": "simulated"}), {"simulated": true}) == set()
	said(seen(live([1]), {"hours": 25}), {"maxAgeHours": 26}) == set()
	said(seen(live([1]), {"hours": 25}), {"maxAgeHours": "26"}) == set()
	said(seen(live([1]), {"held": 7200}), {"soakHours": 2}) == set()
}

test_pass_nobody_in_the_wave_before if said(object.union(seen(live([2]), {}), {"waves": fx.quiet.waves}), {"required": true}) == set()

short(words) := sprintf("wave west gets it, and a of wave canary has held it for %s", [words])

is(what) := sprintf("wave west gets it, and a of wave canary %s", [what])

# against is evidence that the wave before does not hold it.
against := [
	{"site": {"bundle": "sha256:2"}, "says": is("runs another bundle")},
	{"site": {"bundle": "sha256:2", "healthy": false, "held": 0}, "says": is("runs another bundle")},
	{"site": {"healthy": false}, "says": is("is not healthy")},
	{"site": {"healthy": false, "held": 0, "pods": "simulated"}, "says": is("is not healthy")},
	{"site": {"held": 1799, "words": "29m59s"}, "says": short("29m59s of 30m0s")},
	{"site": {"held": 1799, "words": "29m59s", "pods": "simulated"}, "says": short("29m59s of 30m0s")},
]

test_fail_evidence_against if {
	every case in against {
		said(seen(clusters([1]), case.site), {}) == {[case.says, "warning", "finding"]}
		said(seen(live([1]), case.site), {}) == {[case.says, "error", "finding"]}
	}
}

test_fail_longer_soak_than_the_waves if {
	said(seen(clusters([1]), {"held": 7199, "words": "1h59m59s"}), {"soakHours": 2}) == {[short("1h59m59s of 2 hours"), "warning", "finding"]}
	said(seen(clusters([1]), {"held": 7199, "words": "1h59m59s"}), {"soakHours": "2"}) == {[short("1h59m59s of 2 hours"), "warning", "finding"]}
	said({"changed": clusters([1])}, {"soakHours": 2}) == {["wave west gets it, and whether wave canary has held it for 2 hours is not known", "warning", "unknown"]}
}

# gaps are what leaves it open whether the wave before holds it.
gaps := [
	{"fleet": {"health": {}}, "says": is("is not in the evidence")},
	{"fleet": {"health": {"b": {}}, "bundles": {}}, "says": is("is not in the evidence")},
	{"fleet": {"bundles": {}}, "says": is("did not render as a whole")},
	{"site": {"hours": -1, "bundle": "sha256:2"}, "says": is("is said to have been looked at later than now")},
	{"site": {"hours": 24, "bundle": "sha256:2"}, "says": is("was looked at 24 hours ago or more")},
	{"site": {"pods": "simulated"}, "says": is("is healthy on a simulator's word")},
]

with_gap(changed, gap) := object.union(
	{k: v | some k, v in seen(changed, object.get(gap, "site", {})); not object.get(gap, ["fleet", k], false)},
	object.get(gap, "fleet", {}),
)

test_fail_evidence_with_gaps if {
	every gap in gaps {
		said(with_gap(clusters([1]), gap), {}) == {[gap.says, "warning", "unknown"]}
		said(with_gap(live([1]), gap), {}) == {[gap.says, "error", "finding"]}
	}
}

# Each cluster is told of, and nothing but evidence is evidence.
test_fail_whole_wave if {
	two := array.concat([object.union(waves[0], {"clusters": ["a", "b"]})], [waves[1]])
	{f | some f in dt_flt_002.findings with data.context as fx.facts with input as fx.fleet(object.union(seen(clusters([1]), {"healthy": false}), {"waves": two}))} == {
		{"pointer": "/spec/waves/1", "message": is("is not healthy")},
		{"pointer": "/spec/waves/1", "message": "wave west gets it, and b of wave canary is not in the evidence", "result": "unknown"},
	}
}

test_pass_odd_evidence if {
	every odd in ["odd", 5, false, []] {
		said({"changed": live([1]), "waves": waves, "health": odd}, {}) == set()
	}
}
