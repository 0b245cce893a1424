package dualtrack.rules.dt_git_009

import data.dualtrack.gitops
import data.dualtrack.manager
import data.dualtrack.object as obj
import data.dualtrack.params

meta := {
	"id": "DT-GIT-009",
	"title": "Drift that nobody sees",
	"severity": "warning",
	"profile": "fleet",
	"why": "What is changed by hand stays where the reconciler does not look: no detection, no healing, a suspension that was forgotten, or an ignored field as large as the object.",
	"mend": "set driftDetection.mode enabled, selfHeal true, and ignore single fields",
	"refs": ["PCI DSS 11.5"],
	"params": {"maxSuspendDays": 7, "since": "platform.dualtrack.internal/suspended-since"},
}

findings contains {
	"pointer": "/spec/driftDetection/mode",
	"message": "the release does not look for drift",
	"patch": obj.set_at(input.object, "", ["spec", "driftDetection", "mode"], "enabled"),
} if {
	input.kind == "HelmRelease"
	gitops.flux
	object.get(gitops.spec, ["driftDetection", "mode"], "disabled") in {"disabled", ""}
}

automated := gitops.application.spec.syncPolicy.automated

findings contains {
	"pointer": pointer,
	"message": "what is changed by hand stays until Git changes",
	"patch": [{"op": "add", "path": pointer, "value": true}],
} if {
	input.kind in {"Application", "ApplicationSet"}
	is_object(automated)
	object.get(automated, "selfHeal", false) != true
	pointer := concat("", [gitops.application.pointer, "/syncPolicy/automated/selfHeal"])
}

ignored := [{"pointer": obj.pointer(gitops.application.pointer, ["ignoreDifferences", i]), "entry": entry} |
	some i, entry in obj.items(gitops.application.spec, "ignoreDifferences")
]

findings contains {
	"pointer": obj.pointer(at.pointer, [field, i]),
	"message": sprintf("%q is as good as the whole object", [path]),
	"mend": "name the single field",
} if {
	input.kind in {"Application", "ApplicationSet"}
	some at in ignored
	some field in ["jqPathExpressions", "jsonPointers"]
	some i, path in obj.items(at.entry, field)
	trim_suffix(obj.text(path), "/") in {"", ".", ".metadata", ".spec", ".spec[]", "/metadata", "/spec"}
}

findings contains {
	"pointer": obj.pointer(at.pointer, ["managedFieldsManagers", i]),
	"message": sprintf("what %q writes is what a person changed by hand", [name]),
	"mend": "name controllers alone",
} if {
	input.kind in {"Application", "ApplicationSet"}
	some at in ignored
	some i, name in obj.items(at.entry, "managedFieldsManagers")
	manager.human(obj.text(name))
}

days := params.of(meta).maxSuspendDays

since := obj.text(input.object.metadata.annotations[params.of(meta).since])

# dated says that there is such a time: one that there is not cannot be parsed.
dated if {
	[day, hour] := split(since, "T")
	calendar(day)
	regex.match(`^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`, hour)
}

calendar(day) if regex.match(`^(19|20|21)[0-9]{2}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)$`, day)

# The leap years of those centuries; 1900 and 2100 are none.
calendar(day) if regex.match(`^((19|20|21)(0[48]|[2468][048]|[13579][26])|2000)-02-29$`, day)

suspended if {
	gitops.flux
	object.get(gitops.spec, "suspend", false) == true
}

findings contains {
	"pointer": "/spec/suspend",
	"message": sprintf("suspended since %s, which is more than %d days", [since, days]),
	"mend": "resume it, or remove it",
} if {
	input.kind in {"Bucket", "GitRepository", "HelmChart", "HelmRelease", "HelmRepository", "ImageRepository", "ImageUpdateAutomation", "Kustomization", "OCIRepository"}
	suspended
	age > days * 86400
}

age := data.context.now - (time.parse_rfc3339_ns(since) / 1000000000) if dated

findings contains {
	"pointer": "/spec/suspend",
	"message": "suspended, and the object does not say since when",
	"mend": sprintf("annotate it with %s: an RFC 3339 time, or resume it", [params.of(meta).since]),
	"result": "unknown",
} if {
	input.kind in {"Bucket", "GitRepository", "HelmChart", "HelmRelease", "HelmRepository", "ImageRepository", "ImageUpdateAutomation", "Kustomization", "OCIRepository"}
	suspended
	not dated
}
