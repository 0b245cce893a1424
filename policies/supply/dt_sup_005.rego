package dualtrack.rules.dt_sup_005

import data.dualtrack.object as obj
import data.dualtrack.params
import data.dualtrack.pod
import data.dualtrack.program

meta := {
	"id": "DT-SUP-005",
	"title": "Credential as plain text",
	"severity": "warning",
	"profile": "baseline",
	"why": "Environment, arguments and ConfigMaps are shown by every tool that describes a pod, are no Secret to RBAC, and stand in Git for ever.",
	"mend": "keep it in a Secret and read it with secretKeyRef or from a mounted file; a value that was committed is known: replace it",
	"refs": ["CIS 5.4", "PCI DSS 8.6"],
	# What names call credentials, which of these names do not hold one, and how many
	# different characters a value has at least that may be one. Names are compared in
	# capitals with underscores: authToken is AUTH_TOKEN.
	"params": {
		"nameRe": `(^|_)(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS?)(_|$)`,
		"allowRe": ["_FILE$", "_PATH$", "_NAME$", "_DIR$", "_ID$", "_URL$", "_URI$", "_REF$", "_TTL$", "_TIMEOUT$"],
		"minDistinct": 5,
	},
}

tuned := params.of(meta)

# known are the forms of tokens that say what they are, each with a piece of text
# that is quick to look for. An access key's id is no secret.
known := {
	"PRIVATE KEY-----": `-----BEGIN [A-Z ]*PRIVATE KEY-----`,
	"ghp_": `\bghp_[A-Za-z0-9]{36}`,
	"gho_": `\bgho_[A-Za-z0-9]{36}`,
	"ghs_": `\bghs_[A-Za-z0-9]{36}`,
	"github_pat_": `\bgithub_pat_[A-Za-z0-9_]{22,}`,
	"glpat-": `\bglpat-[A-Za-z0-9_-]{20}`,
	"xox": `\bxox[abprs]-[A-Za-z0-9-]{10,}`,
	"sk_live_": `\bsk_live_[A-Za-z0-9]{16,}`,
	"AIza": `\bAIza[A-Za-z0-9_-]{35}`,
	"npm_": `\bnpm_[A-Za-z0-9]{36}`,
	"eyJ": `\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}`,
	"://": `\b[a-z][a-z0-9+.-]*://[^\s/:@"'$({]*:[^\s/@"'$({]+@`,
}

# of_aws is the form of a secret key of AWS, which the word before it alone gives away.
of_aws := `(?i)aws[^\n]{0,30}['":=\s][A-Za-z0-9/+]{40}\b`

# texts are the literal values of the object: of variables, arguments and keys.
texts contains {"pointer": obj.pointer(c.pointer, ["env", index, "value"]), "container": c.name, "name": name, "value": value, "what": sprintf("variable %q of %s", [name, pod.describe(c)])} if {
	some c in pod.containers
	some index, variable in c.value.env
	value := variable.value
	is_string(value)
	name := obj.text(object.get(variable, "name", ""))
}

texts contains {"pointer": flag.pointer, "container": c.name, "name": flag.name, "value": flag.value, "what": sprintf("argument --%s of %s", [flag.name, pod.describe(c)])} if {
	some c in pod.containers
	some flag in program.pod_flags(c)
}

texts contains {"pointer": word.pointer, "container": c.name, "value": word.text, "what": sprintf("an argument of %s", [pod.describe(c)])} if {
	some c in pod.containers
	some word in program.words(c)
	not startswith(word.text, "--")
}

texts contains {"pointer": obj.pointer("/data", [key]), "container": "", "name": key, "value": value, "what": sprintf("key %q", [key])} if {
	input.kind == "ConfigMap"
	input.group == ""
	some key, value in input.object.data
	is_string(value)
}

# The value comes first: it knows no mistakes of naming.
findings contains {
	"pointer": text.pointer,
	"container": text.container,
	"message": sprintf("%s holds what looks like a credential", [text.what]),
} if {
	some text in texts
	looks(text.value)
}

findings contains {
	"pointer": text.pointer,
	"container": text.container,
	"message": sprintf("%s is named like a credential and holds a literal value", [text.what]),
} if {
	some text in texts
	text.name != ""
	telling(text.name)
	literal(text.value)
	not looks(text.value)
}

looks(value) if {
	some piece, form in known
	contains(value, piece)
	regex.match(form, value)
}

looks(value) if {
	contains(lower(value), "aws")
	regex.match(of_aws, value)
}

telling(name) if {
	plain := upper(regex.replace(regex.replace(name, `([a-z0-9])([A-Z])`, "${1}_${2}"), `[^A-Za-z0-9]+`, "_"))
	regex.match(tuned.nameRe, plain)
	every form in tuned.allowRe {
		not regex.match(form, plain)
	}
}

# No path, URL, number, word of a switch, reference to a variable or template.
literal(value) if {
	not regex.match(`(?i)^\s*(|true|false|yes|no|on|off|none|null|[0-9.]+[a-z]{0,2}|[a-z][a-z0-9+.-]*://.*|[./~].*|.*\$[({].*|.*\{\{.*|[^\n]*\n(.|\n)*)\s*$`, value)
	letters := {letter | some letter in split(value, "")}
	count(letters) >= tuned.minDistinct
}
