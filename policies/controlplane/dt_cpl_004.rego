package dualtrack.programs.dt_cpl_004

import data.dualtrack.object as obj
import data.dualtrack.program

meta := {
	"id": "DT-CPL-004",
	"title": "etcd open or fragile",
	"severity": "error",
	"profile": "baseline",
	"why": "Who may talk to etcd owns the cluster, past every rule of the API server; an even number of members survives no more losses than one less.",
	"mend": "ask every client and peer for a certificate of etcd's own CA, over TLS",
	"refs": ["CIS 2"],
}

members := program.named("etcd")

# Where kubeadm and the cluster's settings start etcd, certificates are asked for
# unless a flag says otherwise.
findings contains {
	"pointer": place(member, name),
	"container": member.container,
	"message": sprintf("etcd does not ask for certificates: %s is not on", [name]),
	"mend": sprintf("set %s to true", [name]),
} if {
	some member in members
	some name in ["client-cert-auth", "peer-client-cert-auth"]
	unguarded(member, name)
}

unguarded(member, name) if program.off(program.flag(member, name))

unguarded(member, name) if {
	member.from == "pod"
	not program.flag(member, name)
}

place(member, name) := flag.pointer if {
	flag := program.flag(member, name)
} else := member.pointer

findings contains {
	"pointer": flag.pointer,
	"container": member.container,
	"message": sprintf("etcd makes certificates for itself that nobody can check: %s", [name]),
	"mend": "give it certificates of its own CA",
	"patch": program.without(member, flag),
} if {
	some member in members
	some name in ["auto-tls", "peer-auto-tls"]
	flag := program.flag(member, name)
	program.on(flag)
}

urls := ["advertise-client-urls", "initial-advertise-peer-urls", "listen-client-urls", "listen-peer-urls"]

findings contains {
	"pointer": flag.pointer,
	"container": member.container,
	"message": sprintf("etcd is reached without TLS: %s has an http URL", [name]),
	"mend": "use https",
} if {
	some member in members
	some name in urls
	flag := program.flag(member, name)
	some url in split(flag.value, ",")
	startswith(trim_prefix(url, " "), "http://")
}

findings contains {
	"pointer": flag.pointer,
	"container": member.container,
	"message": sprintf("etcd has %d members: an even number survives no more losses than one less", [count(named)]),
	"mend": "run 1, 3 or 5 members",
} if {
	some member in members
	flag := program.flag(member, "initial-cluster")
	named := {name | some pair in split(flag.value, ","); name := split(pair, "=")[0]}
	even(count(named))
}

findings contains {
	"pointer": "/spec/etcd/members",
	"message": sprintf("etcd has %d members: an even number survives no more losses than one less", [number]),
	"mend": "run 1, 3 or 5 members",
} if {
	input.kind == "Cluster"
	number := object.get(input.object, ["spec", "etcd", "members"], 1)
	even(number)
}

even(n) if n in {2, 4, 6, 8, 10}

# One CA for both lets every client of the API server into etcd.
findings contains {
	"pointer": flag.pointer,
	"container": member.container,
	"message": "etcd trusts the cluster's own CA, and with it every certificate of a user or node",
	"mend": "give etcd a CA of its own",
} if {
	some member in members
	flag := program.flag(member, "trusted-ca-file")
	flag.value == "/etc/kubernetes/pki/ca.crt"
}

findings contains {
	"pointer": etcd.pointer,
	"container": server.container,
	"message": "the API server's clients and etcd have one CA",
	"mend": "give etcd a CA of its own",
} if {
	some server in program.named("kube-apiserver")
	etcd := program.flag(server, "etcd-cafile")
	etcd.value == program.flag(server, "client-ca-file").value
}

findings contains {
	"pointer": member.pointer,
	"container": member.container,
	"severity": "warning",
	"message": sprintf("etcd's own default holds for %s", [name]),
	"mend": sprintf("set %s: what is right depends on the disk and on what the cluster holds", [name]),
} if {
	some member in members
	member.from != "cluster"
	some name in ["quota-backend-bytes", "snapshot-count"]
	not program.flag(member, name)
}

external contains {"file": file, "etcd": obj.member(obj.member(file.object, "etcd"), "external")} if {
	some file in program.file_of("ClusterConfiguration")
}

findings contains {
	"pointer": program.at(entry.file, ["etcd", "external", "endpoints", index]),
	"message": "the API server reaches etcd without TLS",
	"mend": "use https",
} if {
	some entry in external
	some index, url in obj.items(entry.etcd, "endpoints")
	startswith(obj.text(url), "http://")
}

findings contains {
	"pointer": program.at(entry.file, ["etcd", "external", "endpoints"]),
	"message": sprintf("etcd has %d members: an even number survives no more losses than one less", [number]),
	"mend": "run 1, 3 or 5 members",
} if {
	some entry in external
	number := count(obj.items(entry.etcd, "endpoints"))
	even(number)
}

findings contains {
	"pointer": program.at(entry.file, ["etcd", "external", "caFile"]),
	"message": "etcd has the cluster's own CA",
	"mend": "give etcd a CA of its own",
} if {
	some entry in external
	entry.etcd.caFile == "/etc/kubernetes/pki/ca.crt"
}
