package dualtrack.params_test

import data.dualtrack.fixture
import data.dualtrack.params

meta := {"id": "DT-TST-001", "params": {"min": 2, "allow": ["a"]}}

test_pass_defaults if {
	params.of(meta) == {"min": 2, "allow": ["a"]} with data.context as fixture.facts
}

test_pass_fleet if {
	set := {"params": {"DT-TST-001": {"min": 3}}}
	params.of(meta) == {"min": 3, "allow": ["a"]} with data.context as fixture.and_facts(set)
}
