package dualtrack.pods.dt_sec_014

import data.dualtrack.object as obj
import data.dualtrack.params
import data.dualtrack.pod

meta := {
	"id": "DT-SEC-014",
	"title": "Unsafe sysctl",
	"severity": "error",
	"profile": "baseline",
	"why": "A kernel setting that does not belong to the pod's own namespaces changes the node for every pod on it.",
	"mend": "remove it, or set it on the node",
	"refs": ["PSS baseline"],
	# Further names that may be set.
	"params": {"extra": []},
}

tuned := params.of(meta)

# The settings that Pod Security calls safe, by the first minor that does.
since := {
	"kernel.shm_rmid_forced": 0,
	"net.ipv4.ip_local_port_range": 0,
	"net.ipv4.ip_local_reserved_ports": 27,
	"net.ipv4.ip_unprivileged_port_start": 0,
	"net.ipv4.ping_group_range": 0,
	"net.ipv4.tcp_fin_timeout": 29,
	"net.ipv4.tcp_keepalive_intvl": 29,
	"net.ipv4.tcp_keepalive_probes": 29,
	"net.ipv4.tcp_keepalive_time": 29,
	"net.ipv4.tcp_rmem": 32,
	"net.ipv4.tcp_syncookies": 0,
	"net.ipv4.tcp_wmem": 32,
}

findings contains {
	"pointer": obj.pointer(at, ["name"]),
	"message": sprintf("the pod sets %q, which is not safe at Kubernetes 1.%d", [name, data.context.cluster.minor]),
	"patch": [{"op": "remove", "path": at}],
} if {
	some index, sysctl in pod.context.sysctls
	name := obj.text(object.get(obj.member({"a": sysctl}, "a"), "name", ""))
	not safe(name)
	at := obj.pointer(pod.pointer, ["securityContext", "sysctls", index])
}

safe(name) if since[name] <= data.context.cluster.minor

safe(name) if name in tuned.extra
