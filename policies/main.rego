# The entry points. `findings` judges one object of a bundle (input.object,
# input.nested, input.collectors, input.detections, input.listed); `drift` judges one live object against its
# desired form (input.drift); `change` judges what a change does (input.change,
# input.fleet). What the object's neighbours are stands in
# data.context. Rules are packages below data.dualtrack.rules, data.dualtrack.pods
# (asked only about what makes pods), data.dualtrack.programs (asked only about what
# configures the cluster's own programs), data.dualtrack.drift, data.dualtrack.change
# and data.dualtrack.fleet: each has `meta` and a partial set `findings`, and none reads
# what another one says. Rule bodies begin with the kind, which OPA
# indexes.
package dualtrack.main

import data.dualtrack.pod
import data.dualtrack.program
import data.dualtrack.severity

defaults := {"result": "finding", "patch": null, "container": "", "mend": ""}

findings contains complete(meta, f, level) if {
	some name
	some f in data.dualtrack.rules[name].findings
	meta := data.dualtrack.rules[name].meta
	level := severity.of(meta, f)
	level != "off"
}

findings contains complete(meta, f, level) if {
	pod.path
	some name
	some f in data.dualtrack.pods[name].findings
	meta := data.dualtrack.pods[name].meta
	level := severity.of(meta, f)
	level != "off"
}

findings contains complete(meta, f, level) if {
	program.any
	some name
	some f in data.dualtrack.programs[name].findings
	meta := data.dualtrack.programs[name].meta
	level := severity.of(meta, f)
	level != "off"
}

complete(meta, f, level) := object.union_n([defaults, {"mend": meta.mend}, f, {"rule": meta.id, "severity": level}])

# What no rule about pods can judge is said once and is never a pass.
findings contains object.union(defaults, {
	"rule": "policy",
	"severity": "error",
	"result": "unknown",
	"pointer": problem.pointer,
	"message": sprintf("the rules about pods cannot judge this: %s", [problem.message]),
	"mend": "write what the Kubernetes API expects here",
}) if {
	pod.path
	some problem in pod.malformed
}

drift contains complete(meta, f, level) if {
	some name
	some f in data.dualtrack.drift[name].findings
	meta := data.dualtrack.drift[name].meta
	level := severity.of(meta, f)
	level != "off"
}

# change judges what follows of a change: of one object (input.change), or for the
# fleet (input.fleet).
change contains complete(meta, f, level) if {
	some name
	some f in data.dualtrack.change[name].findings
	meta := data.dualtrack.change[name].meta
	level := severity.of(meta, f)
	level != "off"
}

change contains complete(meta, f, level) if {
	some name
	some f in data.dualtrack.fleet[name].findings
	meta := data.dualtrack.fleet[name].meta
	level := severity.of(meta, f)
	level != "off"
}

# rules is every rule's description, for explaining them.
rules contains data.dualtrack.rules[_].meta

rules contains data.dualtrack.pods[_].meta

rules contains data.dualtrack.programs[_].meta

rules contains data.dualtrack.drift[_].meta

rules contains data.dualtrack.change[_].meta

rules contains data.dualtrack.fleet[_].meta
