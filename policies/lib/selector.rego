# Label selectors as the API reads them: matchLabels and matchExpressions must
# all hold, and an empty selector holds for everything.
package dualtrack.selector

import data.dualtrack.object as obj

matches(selector, labels) if {
	is_object(selector)
	is_object(labels)
	every key, value in obj.member(selector, "matchLabels") {
		labels[key] == value
	}
	every term in obj.items(selector, "matchExpressions") {
		holds(term, labels)
	}
}

holds(term, labels) if {
	term.operator == "In"
	labels[term.key] in obj.items(term, "values")
}

holds(term, labels) if {
	term.operator == "NotIn"
	not object.get(labels, term.key, null) in obj.items(term, "values")
}

holds(term, labels) if {
	term.operator == "Exists"
	labels[term.key]
}

holds(term, labels) if {
	term.operator == "DoesNotExist"
	object.get(labels, term.key, null) == null
}

# empty says that a selector names no label at all.
empty(selector) if {
	count(obj.member(selector, "matchLabels")) == 0
	count(obj.items(selector, "matchExpressions")) == 0
}
