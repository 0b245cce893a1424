package dualtrack.rules.dt_cpl_001

import data.dualtrack.object as obj
import data.dualtrack.pod

meta := {
	"id": "DT-CPL-001",
	"title": "API server lets everybody in",
	"severity": "error",
	"profile": "baseline",
	"why": "Without Node and RBAC authorization every account may do everything, and a token file holds passwords that never expire.",
	"mend": "set authorization-mode to Node,RBAC and remove token-auth-file",
	"refs": ["CIS 1.2", "NSA Authentication"],
}

# servers are the API servers that the object configures: the flags in their
# order, and whether the program's own defaults hold where a flag is absent.
servers contains {
	"pointer": "/spec/kubernetes/extraArgs/apiServer",
	"container": "",
	"bare": false,
	"flags": map_flags(obj.member(input.object, ["spec", "kubernetes", "extraArgs", "apiServer"]), "/spec/kubernetes/extraArgs/apiServer"),
} if {
	input.kind == "Cluster"
	input.group == "platform.dualtrack.internal"
}

servers contains kubeadm(input.object, "") if {
	input.kind == "ClusterConfiguration"
	input.group == "kubeadm.k8s.io"
}

servers contains object.union(server, {"pointer": nested.pointer, "flags": [object.union(f, {"pointer": nested.pointer}) | some f in server.flags]}) if {
	some nested in input.nested
	startswith(obj.text(nested.object.apiVersion), "kubeadm.k8s.io/")
	nested.object.kind == "ClusterConfiguration"
	server := kubeadm(nested.object, nested.pointer)
}

servers contains {"pointer": c.pointer, "container": c.name, "bare": true, "flags": pod_flags(c)} if {
	some c in pod.containers
	some word in words(c)
	regex.match(`(^|/)kube-apiserver$`, word.text)
}

kubeadm(config, base) := {
	"pointer": pointer,
	"container": "",
	"bare": false,
	"flags": array.concat(
		map_flags(obj.member(config, ["apiServer", "extraArgs"]), pointer),
		[{"name": obj.text(flag.name), "value": obj.text(object.get(flag, "value", "")), "glued": true, "pointer": obj.pointer(pointer, [index])} |
			some index, flag in obj.items(config, ["apiServer", "extraArgs"])
			is_object(flag)
		],
	),
} if {
	pointer := concat("", [base, "/apiServer/extraArgs"])
}

map_flags(flags, base) := [{"name": name, "value": obj.text(value), "glued": true, "pointer": obj.pointer(base, [name])} |
	some name, value in flags
]

words(c) := [{"text": obj.text(word), "pointer": obj.pointer(c.pointer, [field, index])} |
	some field in ["command", "args"]
	some index, word in obj.items(c.value, field)
]

# pod_flags reads --flag=value and --flag value.
pod_flags(c) := [flag |
	all := words(c)
	some index, word in all
	startswith(word.text, "--")
	flag := read(word, after(all, index))
]

after(all, index) := all[index + 1].text

after(all, index) := "--" if index + 1 == count(all)

read(word, _) := {"name": trim_prefix(substring(word.text, 0, at), "--"), "value": substring(word.text, at + 1, -1), "glued": true, "pointer": word.pointer} if {
	at := indexof(word.text, "=")
	at > 0
}

read(word, next) := {"name": trim_prefix(word.text, "--"), "value": next, "glued": false, "pointer": word.pointer} if {
	indexof(word.text, "=") < 1
	not startswith(next, "--")
}

read(word, next) := {"name": trim_prefix(word.text, "--"), "value": "true", "glued": true, "pointer": word.pointer} if {
	indexof(word.text, "=") < 1
	startswith(next, "--")
}

# flag is the last one of a name: it wins.
flag(server, name) := all[count(all) - 1] if {
	all := [f | some f in server.flags; f.name == name]
	count(all) > 0
}

findings contains {"pointer": mode.pointer, "container": server.container, "message": sprintf("authorization-mode %q %s", [mode.value, wrong])} if {
	some server in servers
	mode := flag(server, "authorization-mode")
	modes := {m | some m in split(mode.value, ",")}
	some wrong in faults(modes)
}

faults(modes) := array.concat(
	["allows everything: AlwaysAllow" | "AlwaysAllow" in modes],
	[sprintf("lacks %s", [m]) | some m in ["Node", "RBAC"]; not m in modes],
)

findings contains {"pointer": server.pointer, "container": server.container, "message": "no authorization-mode is set, and the program's own default allows everything"} if {
	some server in servers
	server.bare
	not flag(server, "authorization-mode")
	not flag(server, "authorization-config")
}

findings contains {"pointer": config.pointer, "container": server.container, "message": "what the authorization-config file allows is not known here", "result": "unknown"} if {
	some server in servers
	config := flag(server, "authorization-config")
}

findings contains {"pointer": file.pointer, "container": server.container, "message": "token-auth-file lets in whoever knows a token of a file; such tokens never expire"} if {
	some server in servers
	file := flag(server, "token-auth-file")
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
	anonymous := flag(server, "anonymous-auth")
	anonymous.value == "false"
	anonymous.glued
}

findings contains {"pointer": word.pointer, "container": c.name, "message": "the API server's flags stand inside a shell command, which is not read here", "result": "unknown"} if {
	some c in pod.containers
	some word in words(c)
	regex.match(`(^|[\s/;&])kube-apiserver\s`, word.text)
}
