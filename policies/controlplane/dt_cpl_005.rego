package dualtrack.programs.dt_cpl_005

import data.dualtrack.object as obj
import data.dualtrack.program

meta := {
	"id": "DT-CPL-005",
	"title": "Kubelet open",
	"severity": "error",
	"profile": "baseline",
	"why": "A kubelet that lets in whoever asks runs commands in every pod of its node. Its defaults depend on how it is told: a file is strict, flags alone are not.",
	"mend": "use a KubeletConfiguration with anonymous off, authorization by webhook and no read-only port",
	"refs": ["CIS 4.2"],
}

path := {"anonymous-auth": ["authentication", "anonymous", "enabled"], "authorization-mode": ["authorization", "mode"], "read-only-port": ["readOnlyPort"]}

said := {
	"anonymous-auth": "the kubelet lets in whoever asks: anonymous-auth is on",
	"authorization-mode": "the kubelet lets everybody do everything: authorization-mode is AlwaysAllow",
	"read-only-port": "the kubelet tells everybody about its pods: read-only-port is open",
}

open("anonymous-auth", value) if lower(value) in {"1", "t", "true"}

open("authorization-mode", "AlwaysAllow")

open("read-only-port", value) if value != "0"

findings contains {"pointer": program.at(file, path[name]), "message": said[name]} if {
	some file in program.file_of("KubeletConfiguration")
	some name in object.keys(path)
	value := object.get(file.object, path[name], null)
	value != null
	open(name, program.scalar(value))
}

# Flags beat the file.
findings contains {"pointer": flag.pointer, "container": kubelet.container, "message": said[name], "patch": program.without(kubelet, flag)} if {
	some kubelet in program.named("kubelet")
	some name in object.keys(path)
	flag := program.flag(kubelet, name)
	open(name, flag.value)
}

# Where neither a file nor flags say anything, they are true, AlwaysAllow and 10255.
findings contains {"pointer": kubelet.pointer, "container": kubelet.container, "message": sprintf("%s, by default without a file", [said[name]])} if {
	some kubelet in program.named("kubelet")
	kubelet.from == "pod"
	not program.flag(kubelet, "config")
	some name in object.keys(path)
	not program.flag(kubelet, name)
}

# What a file should say beyond its defaults, and why.
better := {
	"protectKernelDefaults": "kernel settings are changed to what the kubelet wants instead of being checked",
	"rotateCertificates": "the kubelet's certificate ends after a year and is not renewed",
	"seccompDefault": "pods that name no seccomp profile may make every system call",
	"serverTLSBootstrap": "the kubelet's own certificate is signed by nobody, so the API server cannot check whom it talks to",
}

findings contains {
	"pointer": program.at(file, [field]),
	"severity": "warning",
	"message": sprintf("%s is not on: %s", [field, why]),
	"mend": "set it to true",
	"patch": patch(file, field),
} if {
	some file in program.file_of("KubeletConfiguration")
	some field, why in better
	object.get(file.object, field, null) != true
}

findings contains {
	"pointer": program.at(file, ["authentication", "webhook", "enabled"]),
	"severity": "warning",
	"message": "the kubelet takes no tokens, so it knows no ServiceAccount that asks",
	"mend": "set it to true",
} if {
	some file in program.file_of("KubeletConfiguration")
	object.get(file.object, ["authentication", "webhook", "enabled"], true) == false
}

patch(file, field) := obj.set_at(file.object, "", [field], true) if not file.nested

patch(file, _) := null if file.nested
