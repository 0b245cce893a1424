package dualtrack.programs.dt_cpl_002

import data.dualtrack.object as obj
import data.dualtrack.params
import data.dualtrack.program

meta := {
	"id": "DT-CPL-002",
	"title": "Audit log",
	"severity": "warning",
	"profile": "baseline",
	"why": "Without an audit log nobody can say later who read a Secret or gave himself a role; one that logs the bodies of Secrets gives them away.",
	"mend": "log at level Metadata or more, keep enough of it, and never log bodies of Secrets",
	"refs": ["CIS 1.2", "CIS 3.2", "PCI DSS 10.2"],
	# How much of the log is kept at least: days, files, and megabytes of a file.
	"params": {"maxage": 30, "maxbackup": 10, "maxsize": 100},
}

tuned := params.of(meta)

servers := program.named("kube-apiserver")

# Settings of clusters say it in a word of their own.
findings contains {
	"pointer": "/spec/kubernetes/audit/level",
	"message": "the cluster keeps no audit log",
	"mend": "set spec.kubernetes.audit.level to Metadata",
} if {
	input.kind == "Cluster"
	object.get(input.object, ["spec", "kubernetes", "audit", "level"], "Metadata") == "None"
}

findings contains {
	"pointer": obj.pointer("/spec/kubernetes/audit", [field]),
	"message": sprintf("%v is less than %v, so the audit log soon forgets", [value, least]),
	"mend": sprintf("set it to %v or more", [least]),
} if {
	input.kind == "Cluster"
	audit := obj.member(input.object, ["spec", "kubernetes", "audit"])
	audit.level != "None"
	some field, name in {"maxBackups": "maxbackup", "maxSizeMB": "maxsize"}
	value := audit[field]
	least := tuned[name]
	value < least
}

findings contains {
	"pointer": server.pointer,
	"container": server.container,
	"message": "the API server has no audit policy, so it logs nothing",
	"mend": "set audit-policy-file",
} if {
	some server in servers
	server.from != "cluster"
	not program.flag(server, "audit-policy-file")
}

findings contains {
	"pointer": server.pointer,
	"container": server.container,
	"message": "the API server is told no place for its audit log",
	"mend": "set audit-log-path, or audit-webhook-config-file",
} if {
	some server in servers
	server.from != "cluster"
	not program.flag(server, "audit-log-path")
	not program.flag(server, "audit-webhook-config-file")
}

# 0, and no flag at all, keep the log without end.
findings contains {
	"pointer": flag.pointer,
	"container": server.container,
	"message": sprintf("audit-log-%s %v is less than %v, so the audit log soon forgets", [name, value, least]),
	"mend": sprintf("set it to %v or more", [least]),
} if {
	some server in servers
	some name, least in tuned
	flag := program.flag(server, concat("-", ["audit-log", name]))
	value := program.number(flag)
	value != 0
	value < least
}

secrets := {"group": "", "resource": "secrets", "what": "Secrets"}

bindings := {"group": "rbac.authorization.k8s.io", "resource": "rolebindings", "what": "RoleBindings"}

findings contains {
	"pointer": program.at(file, ["rules"]),
	"message": sprintf("requests for %s leave no trace: the policy logs them at level None, or not at all", [asked.what]),
	"mend": "add a rule that logs them at level Metadata, before those that log less",
} if {
	some file in program.file_of("Policy")
	some asked in [secrets, bindings]
	not logged(obj.items(file.object, "rules"), asked)
}

findings contains {
	"pointer": program.at(file, ["rules", index, "level"]),
	"message": "the policy logs the bodies of Secrets",
	"mend": "log Secrets at level Metadata, in a rule before this one",
} if {
	some file in program.file_of("Policy")
	rules := obj.items(file.object, "rules")
	some index, rule in rules
	rule.level in {"Request", "RequestResponse"}
	speaks(rule, secrets)
	count([earlier | some earlier in array.slice(rules, 0, index); whole(earlier); speaks(earlier, secrets)]) == 0
}

# The first rule that fits a request decides.
logged(rules, asked) if {
	deciding := [rule | some rule in rules; whole(rule); speaks(rule, asked)]
	deciding[0].level in {"Metadata", "Request", "RequestResponse"}
}

# whole rules hold for everybody and every verb.
whole(rule) if {
	every field in ["namespaces", "userGroups", "users", "verbs"] {
		count(obj.items(rule, field)) == 0
	}
}

# speaks says that a rule is about a resource.
speaks(rule, asked) if {
	some entry in obj.items(rule, "resources")
	object.get(entry, "group", "") == asked.group
	count(obj.items(entry, "resourceNames")) == 0
	named(obj.items(entry, "resources"), asked.resource)
}

speaks(rule, _) if {
	is_object(rule)
	count(obj.items(rule, "resources")) == 0
	count(obj.items(rule, "nonResourceURLs")) == 0
}

named(resources, _) if count(resources) == 0

named(resources, resource) if {
	some name in resources
	name in {"*", resource}
}
