# The object that is judged, and pointers into it. input.group, kind, namespace
# and name are strings always, "" for what the object does not say.
package dualtrack.object

# key is "group/Kind", "/Kind" in the core group.
key := concat("/", [input.group, input.kind])

# pointer appends reference tokens to an RFC 6901 pointer.
pointer(base, tokens) := concat("/", array.concat([base], [escape(t) | some t in tokens]))

escape(token) := sprintf("%d", [token]) if is_number(token)

escape(token) := replace(replace(token, "~", "~0"), "/", "~1") if is_string(token)

# set_at is the RFC 6902 patch that sets node's member at path, making the
# parents that are missing. base is node's own pointer.
set_at(node, base, path, value) := [{
	"op": "add",
	"path": pointer(base, array.slice(path, 0, depth)),
	"value": nest(array.slice(path, depth, count(path)), value),
}] if {
	depth := 1 + count([i |
		some i in numbers.range(1, count(path) - 1)
		is_object(object.get(node, array.slice(path, 0, i), null))
	])
}

nest(path, value) := value if count(path) == 0

nest(path, value) := {path[0]: value} if count(path) == 1

nest(path, value) := {path[0]: {path[1]: value}} if count(path) == 2

# member is what stands at a path (or a key) if that is an object, else {}.
member(o, path) := m if {
	is_object(o)
	m := object.get(o, path, {})
	is_object(m)
} else := {}

# items is what stands at a path (or a key) if that is an array, else [].
items(o, path) := a if {
	is_object(o)
	a := object.get(o, path, [])
	is_array(a)
} else := []

# text is a string as it is, and "" for anything else.
text(v) := v if is_string(v)

text(v) := "" if not is_string(v)
