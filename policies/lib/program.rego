# The programs of a control plane and of its nodes that an object configures, by
# name, each with its flags in their order; and the configuration files that
# stand in it. A program comes from the cluster's own settings ("cluster"), from
# a document of kubeadm ("kubeadm") or from a container ("pod"), where the
# program's own defaults hold for what is not set.
package dualtrack.program

import data.dualtrack.object as obj
import data.dualtrack.pod

# Where settings and documents of kubeadm keep the flags of programs.
settings := {
	"etcd": ["spec", "etcd", "extraArgs"],
	"kube-apiserver": ["spec", "kubernetes", "extraArgs", "apiServer"],
	"kube-controller-manager": ["spec", "kubernetes", "extraArgs", "controllerManager"],
	"kube-scheduler": ["spec", "kubernetes", "extraArgs", "scheduler"],
}

kubeadm := {
	"ClusterConfiguration": {
		"etcd": ["etcd", "local", "extraArgs"],
		"kube-apiserver": ["apiServer", "extraArgs"],
		"kube-controller-manager": ["controllerManager", "extraArgs"],
		"kube-scheduler": ["scheduler", "extraArgs"],
	},
	"InitConfiguration": {"kubelet": ["nodeRegistration", "kubeletExtraArgs"]},
	"JoinConfiguration": {"kubelet": ["nodeRegistration", "kubeletExtraArgs"]},
}

groups := {
	"ClusterConfiguration": "kubeadm.k8s.io",
	"EncryptionConfiguration": "apiserver.config.k8s.io",
	"InitConfiguration": "kubeadm.k8s.io",
	"JoinConfiguration": "kubeadm.k8s.io",
	"KubeletConfiguration": "kubelet.config.k8s.io",
	"Policy": "audit.k8s.io",
}

names := {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet"}

# files are the configuration files, by kind: the object, and the texts in it.
files[kind] contains {"object": input.object, "pointer": "", "nested": false} if {
	kind := input.kind
	groups[kind] == input.group
}

files[kind] contains {"object": nested.object, "pointer": nested.pointer, "nested": true} if {
	some nested in input.nested
	kind := nested.object.kind
	startswith(obj.text(nested.object.apiVersion), concat("", [groups[kind], "/"]))
}

# at is the pointer of a path in a file; in a text there is none but the text's.
at(file, _) := file.pointer if file.nested

at(file, path) := obj.pointer("", path) if not file.nested

all[name] contains {
	"from": "cluster",
	"container": "",
	"pointer": obj.pointer("", path),
	"nested": false,
	"flags": map_flags(obj.member(input.object, path), obj.pointer("", path)),
} if {
	input.kind == "Cluster"
	input.group == "platform.dualtrack.internal"
	some name, path in settings
}

all[name] contains {
	"from": "kubeadm",
	"container": "",
	"pointer": at(file, path),
	"nested": file.nested,
	"flags": [object.union(flag, {"pointer": place(file, flag)}) | some flag in kubeadm_flags(file.object, path)],
} if {
	some kind, programs in kubeadm
	some file in files[kind]
	some name, path in programs
	not elsewhere(file, name)
}

all[name] contains {"from": "pod", "container": c.name, "pointer": c.pointer, "nested": false, "flags": flags} if {
	some c in pod.containers
	some word in words(c)
	name := base(word.text)
	name in names
	flags := pod_flags(c)
}

# any says that the object may configure a program, or what all its requests
# pass: rules about programs are asked about nothing else.
any if input.kind in {"Cluster", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"}

any if groups[input.kind]

any if count(input.nested) > 0

any if {
	pod.path
	text := concat(" ", [word.text | some c in pod.containers; some word in words(c)])
	regex.match(`(^|[^a-z])(etcd|kube-apiserver|kube-controller-manager|kube-scheduler|kubelet)($|[^a-z])`, text)
}

named(name) := object.get(all, name, set())

file_of(kind) := object.get(files, kind, set())

elsewhere(file, "etcd") if is_object(object.get(file.object, ["etcd", "external"], null))

place(file, _) := file.pointer if file.nested

place(file, flag) := flag.pointer if not file.nested

base(path) := parts[count(parts) - 1] if parts := split(path, "/")

kubeadm_flags(config, path) := array.concat(
	map_flags(obj.member(config, path), obj.pointer("", path)),
	[{"name": obj.text(flag.name), "value": scalar(object.get(flag, "value", "")), "glued": true, "pointer": obj.pointer("", array.concat(path, [index]))} |
		some index, flag in obj.items(config, path)
	],
)

map_flags(flags, base_pointer) := [{"name": name, "value": scalar(value), "glued": true, "pointer": obj.pointer(base_pointer, [name])} |
	some name, value in flags
]

scalar(v) := v if is_string(v)

scalar(v) := sprintf("%v", [v]) if type_name(v) in {"boolean", "number"}

scalar(v) := "" if not type_name(v) in {"boolean", "number", "string"}

words(c) := [{"text": obj.text(word), "pointer": obj.pointer(c.pointer, [field, index])} |
	some field in ["command", "args"]
	some index, word in c.value[field]
]

# pod_flags reads --flag=value and --flag value.
pod_flags(c) := [flag |
	list := words(c)
	some index, word in list
	startswith(word.text, "--")
	flag := read(word, after(list, index))
]

after(list, index) := list[index + 1].text

after(list, index) := "--" if index + 1 == count(list)

read(word, _) := {"name": trim_prefix(substring(word.text, 0, at_sign), "--"), "value": substring(word.text, at_sign + 1, -1), "glued": true, "pointer": word.pointer} if {
	contains(word.text, "=")
	at_sign := indexof(word.text, "=")
}

read(word, next) := {"name": trim_prefix(word.text, "--"), "value": next, "glued": false, "pointer": word.pointer} if {
	not contains(word.text, "=")
	not startswith(next, "--")
}

read(word, next) := {"name": trim_prefix(word.text, "--"), "value": "true", "glued": true, "pointer": word.pointer} if {
	not contains(word.text, "=")
	startswith(next, "--")
}

# flag is the last one of a name: it wins.
flag(program, name) := list[count(list) - 1] if {
	list := [f | some f in program.flags; f.name == name]
}

# on says what a switch is set to: alone it is on, whatever word follows.
on(f) if not f.glued

on(f) if lower(f.value) in {"1", "t", "true"}

off(f) if not on(f)

# number is the value of a flag that counts.
number(f) := to_number(f.value) if regex.match(`^-?[0-9]{1,18}$`, f.value)

# without is the patch that takes a flag away, where it is an entry of its own.
without(program, f) := [{"op": "remove", "path": f.pointer}] if {
	program.from != "pod"
	not program.nested
} else := null
