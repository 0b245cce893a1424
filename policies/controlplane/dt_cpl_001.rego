package dualtrack.programs.dt_cpl_001

import data.dualtrack.pod
import data.dualtrack.program

meta := {
	"id": "DT-CPL-001",
	"title": "API server lets everybody in",
	"severity": "error",
	"profile": "baseline",
	"why": "Without Node and RBAC authorization every account may do everything, and a token file holds passwords that never expire.",
	"mend": "set authorization-mode to Node,RBAC and remove token-auth-file",
	"refs": ["CIS 1.2", "NSA Authentication"],
}

servers := program.named("kube-apiserver")

findings contains {"pointer": mode.pointer, "container": server.container, "message": sprintf("authorization-mode %q %s", [mode.value, wrong])} if {
	some server in servers
	mode := program.flag(server, "authorization-mode")
	modes := {m | some m in split(mode.value, ",")}
	some wrong in faults(modes)
}

faults(modes) := array.concat(
	["allows everything: AlwaysAllow" | "AlwaysAllow" in modes],
	[sprintf("lacks %s", [m]) | some m in ["Node", "RBAC"]; not m in modes],
)

findings contains {"pointer": server.pointer, "container": server.container, "message": "no authorization-mode is set, and the program's own default allows everything"} if {
	some server in servers
	server.from == "pod"
	not program.flag(server, "authorization-mode")
	not program.flag(server, "authorization-config")
}

findings contains {"pointer": config.pointer, "container": server.container, "message": "what the authorization-config file allows is not known here", "result": "unknown"} if {
	some server in servers
	config := program.flag(server, "authorization-config")
}

findings contains {"pointer": file.pointer, "container": server.container, "message": "token-auth-file lets in whoever knows a token of a file; such tokens never expire"} if {
	some server in servers
	file := program.flag(server, "token-auth-file")
	file.value != ""
}

# Many want it off, and kubeadm's probes and joins need it on.
findings contains {
	"pointer": anonymous.pointer,
	"container": server.container,
	"severity": "warning",
	"message": "anonymous-auth=false breaks the probes of kubeadm's static pods and the joining of nodes",
	"mend": "leave it on and keep RBAC from granting system:anonymous anything",
} if {
	some server in servers
	anonymous := program.flag(server, "anonymous-auth")
	anonymous.value == "false"
	anonymous.glued
}

findings contains {"pointer": word.pointer, "container": c.name, "message": "the API server's flags stand inside a shell command, which is not read here", "result": "unknown"} if {
	some c in pod.containers
	some word in program.words(c)
	regex.match(`(^|[\s/;&])kube-apiserver\s`, word.text)
}
