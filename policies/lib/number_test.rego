package dualtrack.number_test

import data.dualtrack.number

test_pass_numbers if {
	number.of(2) == 2
	number.of(1.5) == 1.5
	number.of("3") == 3
	number.of("999999999999999") == 999999999999999
}

test_fail_no_number if {
	every odd in ["", "x", "-1", "+1", "1.5", "1e3", " 1", "1000000000000000", null, true, [1], {}] {
		not number.of(odd)
	}
}
