package dualtrack.rules.dt_sil_003

import data.dualtrack.object as obj

meta := {
	"id": "DT-SIL-003",
	"title": "Silence of everything",
	"severity": "error",
	"profile": "fleet",
	"why": "A silence that names no value of any label mutes alerts that nobody thought of, the alert about a dead site too.",
	"mend": "name what is silent: at least one matcher with a value, such as the site or the alert",
	"refs": ["PCI DSS 10.7"],
	"fixed": true,
}

# Two values that no label has: what takes both says nothing about the label.
odd := ["zq-probe-1", "7~other"]

findings contains {
	"pointer": obj.pointer("/spec/silences", [index, "matchers"]),
	"message": sprintf("silence %q narrows nothing: each of its matchers takes an absent label, or any value", [silence.name]),
} if {
	input.kind == "Silences"
	input.group == "platform.dualtrack.internal"
	some index, silence in obj.items(input.object, ["spec", "silences"])
	every m in silence.matchers {
		vague(m)
	}
}

vague(m) if takes(m, "")

vague(m) if {
	every value in odd {
		takes(m, value)
	}
}

takes(m, value) if {
	m.op == "="
	value == m.value
}

takes(m, value) if {
	m.op == "!="
	value != m.value
}

takes(m, value) if {
	m.op == "=~"
	regex.match(whole(m), value)
}

takes(m, value) if {
	m.op == "!~"
	not regex.match(whole(m), value)
}

whole(m) := sprintf("^(?:%s)$", [m.value])
