package dualtrack.rules.dt_sec_003

import data.dualtrack.object as obj
import data.dualtrack.pod

meta := {
	"id": "DT-SEC-003",
	"title": "hostPath",
	"severity": "error",
	"profile": "baseline",
	"why": "A pod with a path of its node, read-only or not, reads what other pods and the kubelet keep there and stays bound to that node.",
	"mend": "use a PersistentVolumeClaim, a CSI volume or an emptyDir",
	"refs": ["PSS baseline", "CIS 5.2", "NSA Pod security"],
}

findings contains {
	"pointer": obj.pointer(pod.pointer, ["volumes", index, "hostPath"]),
	"message": sprintf("volume %q is a path of the node", [obj.text(object.get(volume, "name", ""))]),
} if {
	some index, volume in obj.items(pod.spec, "volumes")
	is_object(volume)
	object.get(volume, "hostPath", null) != null
}

findings contains {
	"pointer": obj.pointer("/spec", [field]),
	"severity": "warning",
	"message": sprintf("the volume is a path of a node: %s", [field]),
} if {
	input.kind == "PersistentVolume"
	some field in ["hostPath", "local"]
	object.get(input.object, ["spec", field], null) != null
}

findings contains {
	"pointer": obj.pointer("/spec/volumeClaimTemplates", [index, "spec", "storageClassName"]),
	"severity": "warning",
	"message": sprintf("volumes of class %q are paths of a node", [class]),
} if {
	input.kind == "StatefulSet"
	some index, claim in obj.items(input.object, ["spec", "volumeClaimTemplates"])
	class := obj.member(claim, "spec").storageClassName
	data.context.nodeClasses[class]
}
