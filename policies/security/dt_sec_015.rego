package dualtrack.pods.dt_sec_015

import data.dualtrack.object as obj
import data.dualtrack.params
import data.dualtrack.pod

meta := {
	"id": "DT-SEC-015",
	"title": "Volume type",
	"severity": "error",
	"profile": "restricted",
	"why": "Other volume types let a pod name a device or a server itself, with the node's rights, past what the cluster's storage classes allow.",
	"mend": "use a PersistentVolumeClaim or a CSI volume",
	"refs": ["PSS restricted"],
	# Further types that may be used.
	"params": {"allow": []},
}

tuned := params.of(meta)

# types are the keys of a volume that may stand. A hostPath is for DT-SEC-003 to say.
types := {
	"configMap",
	"csi",
	"downwardAPI",
	"emptyDir",
	"ephemeral",
	"hostPath",
	"name",
	"persistentVolumeClaim",
	"projected",
	"secret",
}

# Without any type a volume is an emptyDir.
findings contains {
	"pointer": obj.pointer(pod.pointer, ["volumes", index, type]),
	"message": sprintf("volume %q is of type %s, which Pod Security's restricted level does not allow", [obj.text(object.get(volume, "name", "")), type]),
} if {
	some index, volume in pod.spec.volumes
	is_object(volume)
	some type, source in volume
	not type in types
	source != null
	not type in tuned.allow
}
