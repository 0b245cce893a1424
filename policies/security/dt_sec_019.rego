package dualtrack.rules.dt_sec_019

import data.dualtrack.object as obj
import data.dualtrack.params
import data.dualtrack.pod

meta := {
	"id": "DT-SEC-019",
	"title": "Path that owns the node",
	"severity": "error",
	"profile": "baseline",
	"why": "Who reaches the runtime's socket, the kubelet's folder or the keys of the control plane starts what he likes on the node.",
	"mend": "use a tool that needs no runtime socket, and mount the narrowest folder",
	"refs": ["NSA Pod security"],
	# What must not be reached, by itself, from a folder above it or below it.
	"params": {"paths": [
		"/etc/kubernetes",
		"/run/containerd/containerd.sock",
		"/run/crio/crio.sock",
		"/run/docker.sock",
		"/run/k3s/containerd/containerd.sock",
		"/var/lib/containerd",
		"/var/lib/docker",
		"/var/lib/etcd",
		"/var/lib/kubelet",
	]},
}

tuned := params.of(meta)

# paths are the paths of nodes that the object names.
paths contains {"pointer": obj.pointer(pod.pointer, ["volumes", index, "hostPath", "path"]), "path": path} if {
	some index, volume in pod.spec.volumes
	path := volume.hostPath.path
	is_string(path)
}

paths contains {"pointer": obj.pointer("/spec", [field, "path"]), "path": path} if {
	input.kind == "PersistentVolume"
	some field in ["hostPath", "local"]
	path := input.object.spec[field].path
	is_string(path)
}

findings contains {
	"pointer": found.pointer,
	"message": sprintf("path %q of the node reaches %s", [found.path, min(reached)]),
} if {
	some found in paths
	path := plain(found.path)
	reached := [forbidden | some forbidden in tuned.paths; reaches(path, forbidden)]
}

# The API server refuses such a path; where it leads is not worked out here.
findings contains {
	"pointer": found.pointer,
	"message": sprintf("path %q of the node goes back through \"..\"", [found.path]),
	"mend": "write the path itself",
} if {
	some found in paths
	".." in split(found.path, "/")
}

# plain is a path without doubled slashes, dots and a slash at its end. /var/run
# is /run on every node.
plain(path) := regex.replace(concat("/", array.concat([""], [part | some part in split(path, "/"); not part in {"", "."}])), `^/var(/run(/|$))`, "$1")

reaches(path, forbidden) if path == forbidden

reaches(path, forbidden) if startswith(path, concat("", [forbidden, "/"]))

reaches(path, forbidden) if startswith(forbidden, concat("", [path, "/"]))

# Above /var/run/docker.sock stands /var as well as /run.
reaches("/var", forbidden) if startswith(forbidden, "/run/")
