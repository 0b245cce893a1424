package dualtrack.pods.dt_sec_018

import data.dualtrack.object as obj
import data.dualtrack.params
import data.dualtrack.pod

meta := {
	"id": "DT-SEC-018",
	"title": "API token mounted",
	"severity": "warning",
	"profile": "fleet",
	"why": "Whoever breaks into the container has the token, and with it all that its ServiceAccount may do.",
	"mend": "set automountServiceAccountToken to false; a program that needs the API mounts a projected token with its audience, or its account is listed in this rule's allowSA",
	"refs": ["CIS 5.1", "NSA Authentication", "PCI DSS 7.2"],
	# Accounts whose programs use the API: "namespace/name", with * for a part of a name.
	"params": {"allowSA": []},
}

tuned := params.of(meta)

account := name if {
	name := object.get(pod.spec, "serviceAccountName", "")
	is_string(name)
	name != ""
} else := "default"

# The pod's own word counts, then the account's; without any it is mounted.
of_pod := object.get(pod.spec, "automountServiceAccountToken", null)

entry := object.get(data.context.serviceAccounts, [input.namespace, account], null)

mounted if of_pod == true

mounted if {
	of_pod == null
	entry.automount == true
}

mounted if {
	of_pod == null
	entry.automount == null
}

# Every namespace has an account "default", which nobody has to declare.
mounted if {
	of_pod == null
	entry == null
	account == "default"
	not data.context.partial
}

allowed if {
	some pattern in tuned.allowSA
	glob.match(pattern, ["/"], concat("/", [input.namespace, account]))
}

findings contains object.union(
	{
		"pointer": concat("", [pod.pointer, "/automountServiceAccountToken"]),
		"message": sprintf("the token of ServiceAccount %q is mounted", [account]),
	},
	useless,
) if {
	mounted
	not allowed
}

findings contains {
	"pointer": concat("", [pod.pointer, "/automountServiceAccountToken"]),
	"message": sprintf("the bundle does not hold ServiceAccount %q, which may say that its token is mounted", [account]),
	"result": "unknown",
} if {
	of_pod == null
	entry == null
	not mounted
	not allowed
}

# The default account is granted nothing, so its token is of no use.
useless := {"patch": obj.set_at(pod.spec, pod.pointer, ["automountServiceAccountToken"], false)} if account == "default"

useless := {} if account != "default"
