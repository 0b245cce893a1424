package dualtrack.pods.dt_sec_004

import data.dualtrack.object as obj
import data.dualtrack.params
import data.dualtrack.pod

meta := {
	"id": "DT-SEC-004",
	"title": "hostPort",
	"severity": "error",
	"profile": "baseline",
	"why": "A port of the node goes past Services and network policies, and two pods that want the same one never share a node.",
	"mend": "remove hostPort; reach the pods through a Service, or through one of type NodePort",
	"refs": ["PSS baseline", "CIS 5.2"],
	# The first and the last port that may be used; none without.
	"params": {"range": []},
}

tuned := params.of(meta)

findings contains {
	"pointer": at,
	"container": c.name,
	"message": sprintf("%s takes port %v of the node", [pod.describe(c), port.hostPort]),
	"patch": [{"op": "remove", "path": at}],
} if {
	some c in pod.containers
	some index, port in c.value.ports
	not port.hostPort in {null, 0}
	not defaulted(port)
	not allowed(port.hostPort)
	at := obj.pointer(c.pointer, ["ports", index, "hostPort"])
}

# In the node's network the API server fills in the container's own port;
# DT-SEC-002 says that the pod is there.
defaulted(port) if {
	object.get(pod.spec, "hostNetwork", false) == true
	port.hostPort == port.containerPort
}

allowed(port) if {
	[from, to] := tuned.range
	is_number(port)
	port >= from
	port <= to
}
