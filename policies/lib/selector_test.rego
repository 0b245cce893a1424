package dualtrack.selector_test

import data.dualtrack.selector

by(operator, values) := {"matchExpressions": [{"key": "app", "operator": operator, "values": values}]}

test_pass_operators if {
	selector.matches(by("In", ["a"]), {"app": "a"})
	not selector.matches(by("In", ["a"]), {"app": "b"})
	selector.matches(by("NotIn", ["a"]), {"app": "b"})
	selector.matches(by("NotIn", ["a"]), {})
	not selector.matches(by("NotIn", ["a"]), {"app": "a"})
	selector.matches(by("Exists", []), {"app": "a"})
	not selector.matches(by("Exists", []), {})
	selector.matches(by("DoesNotExist", []), {})
	not selector.matches(by("DoesNotExist", []), {"app": "a"})
	not selector.matches(by("Odd", []), {})
	not selector.matches(by("Odd", []), {"app": "a"})
}

test_fail_no_labels if not selector.matches({}, null)

test_pass_absent_is_no_value if selector.matches(by("NotIn", ["_"]), {})
