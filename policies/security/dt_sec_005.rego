package dualtrack.pods.dt_sec_005

import data.dualtrack.capability
import data.dualtrack.pod

meta := {
	"id": "DT-SEC-005",
	"title": "Added capability",
	"severity": "error",
	"profile": "baseline",
	"why": "Capabilities outside the baseline set, NET_RAW among them, let a container forge traffic or change the node.",
	"mend": "remove it from add",
	"refs": ["PSS baseline", "CIS 5.2"],
}

allowed := {
	"AUDIT_WRITE",
	"CHOWN",
	"DAC_OVERRIDE",
	"FOWNER",
	"FSETID",
	"KILL",
	"MKNOD",
	"NET_BIND_SERVICE",
	"SETFCAP",
	"SETGID",
	"SETPCAP",
	"SETUID",
	"SYS_CHROOT",
}

findings contains object.union(
	{
		"pointer": added.pointer,
		"container": added.container.name,
	},
	say(added),
) if {
	some added in capability.added
	not added.name in allowed
}

say(added) := {
	"message": sprintf("%s adds capability %q", [pod.describe(added.container), added.name]),
	"patch": [{"op": "remove", "path": added.pointer}],
} if {
	not misspelt(added.name)
}

# Pod Security compares exactly, so it refuses an allowed one that is misspelt.
say(added) := {
	"message": sprintf("%s adds capability %q, which is not how the API spells %s", [pod.describe(added.container), added.name, capability.plain(added.name)]),
	"mend": sprintf("write %s", [capability.plain(added.name)]),
	"patch": [{"op": "replace", "path": added.pointer, "value": capability.plain(added.name)}],
} if {
	misspelt(added.name)
}

misspelt(name) if capability.plain(name) in allowed
