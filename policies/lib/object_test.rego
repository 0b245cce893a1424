package dualtrack.object_test

import data.dualtrack.object as obj

test_pass_escape if obj.pointer("", ["a~b/c", 1]) == "/a~0b~1c/1"

test_pass_set_at if {
	obj.set_at({}, "/x", ["a", "b", "c"], 1) == [{"op": "add", "path": "/x/a", "value": {"b": {"c": 1}}}]
	obj.set_at({"a": {"b": {}}}, "/x", ["a", "b", "c"], 1) == [{"op": "add", "path": "/x/a/b/c", "value": 1}]
	not obj.nest(["a", "b", "c"], 1)
}

test_pass_member if {
	obj.member({"a": {"b": 1}}, "a") == {"b": 1}
	obj.member({"a": 1}, "a") == {}
	obj.member(5, "a") == {}
	obj.items({"a": 1}, "a") == []
	obj.items(5, "a") == []
}

test_pass_text if {
	obj.text("a") == "a"
	obj.text(5) == ""
}
