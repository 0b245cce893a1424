# Globs and, between slashes, regular expressions, as Argo CD takes them for names of
# namespaces. Only forms that mean the same to every reader are read: of any other it
# is not known what it takes, which is never a match.
package dualtrack.glob

import data.dualtrack.object as obj

# Letters, *, ?, [abc], [!abc] and {a,b*}.
glob_form := `^([A-Za-z0-9.*?-]|\[!?[A-Za-z0-9]+\]|\{[A-Za-z0-9.*?-]+(,[A-Za-z0-9.*?-]+)*\})*$`

# Letters, ., classes and alternatives of letters, each with *, + or ? behind it.
regex_form := `^/\^?(([A-Za-z0-9.-]|\[\^?(a-z|A-Z|0-9|[A-Za-z0-9])+-?\]|\([A-Za-z0-9-]+(\|[A-Za-z0-9-]+)*\))[*+?]?)+\$?/$`

# fits says that a pattern takes a text. A regular expression takes what it finds
# anywhere in it.
fits(pattern, text) if {
	regex.match(glob_form, obj.text(pattern))
	glob.match(obj.text(pattern), null, text)
}

fits(pattern, text) if {
	regex.match(regex_form, obj.text(pattern))
	regex.match(trim_suffix(trim_prefix(pattern, "/"), "/"), text)
}

# unclear says that it is not known what a pattern takes.
unclear(pattern) if {
	is_string(pattern)
	not regex.match(glob_form, pattern)
	not regex.match(regex_form, pattern)
}
