# Numbers that may be written as text.
package dualtrack.number

of(v) := v if is_number(v)

of(v) := to_number(v) if {
	is_string(v)
	regex.match(`^[0-9]{1,15}$`, v)
}
