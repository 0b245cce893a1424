# Quantities: numbers, or texts with a suffix.
package dualtrack.quantity

# value is a quantity as a number; it is undefined for what is none.
value(q) := q if is_number(q)

value(q) := units.parse(q) if {
	is_string(q)
	regex.match(`^\+?[0-9]{1,18}(\.[0-9]{0,9})?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$`, q)
}
