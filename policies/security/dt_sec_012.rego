package dualtrack.pods.dt_sec_012

import data.dualtrack.object as obj
import data.dualtrack.params
import data.dualtrack.pod

meta := {
	"id": "DT-SEC-012",
	"title": "SELinux label of its own",
	"severity": "error",
	"profile": "baseline",
	"why": "A type, user or role of one's own can take a container out of what SELinux confines containers to.",
	"mend": "remove it: the runtime chooses the container's type",
	"refs": ["PSS baseline"],
	# Further types that may be set.
	"params": {"types": []},
}

tuned := params.of(meta)

# The types of containers, by the first minor that allows them.
since := {"": 0, "container_engine_t": 31, "container_init_t": 0, "container_kvm_t": 0, "container_t": 0}

findings contains {
	"pointer": at,
	"container": level.container,
	"message": sprintf("%s sets an SELinux type that Pod Security does not allow", [level.what]),
	"patch": [{"op": "remove", "path": at}],
} if {
	some level in pod.contexts
	value := level.value.seLinuxOptions.type
	value != null
	not allowed(value)
	at := obj.pointer(level.pointer, ["seLinuxOptions", "type"])
}

findings contains {
	"pointer": at,
	"container": level.container,
	"message": sprintf("%s sets the SELinux %s", [level.what, field]),
	"patch": [{"op": "remove", "path": at}],
} if {
	some level in pod.contexts
	options := level.value.seLinuxOptions
	some field in ["role", "user"]
	value := options[field]
	not value in {null, ""}
	at := obj.pointer(level.pointer, ["seLinuxOptions", field])
}

allowed(value) if since[value] <= data.context.cluster.minor

allowed(value) if value in tuned.types
