package dualtrack.rules.dt_dat_004

import data.dualtrack.number
import data.dualtrack.object as obj
import data.dualtrack.params
import data.dualtrack.selector

meta := {
	"id": "DT-DAT-004",
	"title": "Volume that nobody backs up",
	"severity": "warning",
	"profile": "fleet",
	"why": "A volume that no schedule takes, or whose copies are gone before anybody misses the data, is lost at the first mistake.",
	"mend": "have a Velero Schedule, or a SnapshotSchedule, take the namespace and the labels",
	"refs": ["PCI DSS 12"],
	"params": {"ttlDays": 14},
}

labels := obj.member(input.object, ["metadata", "labels"])

# claimed says that the object keeps data in volumes.
claimed if {
	input.kind == "PersistentVolumeClaim"
	input.group == ""
}

claimed if {
	input.kind == "StatefulSet"
	input.group == "apps"
	count(obj.items(input.object, ["spec", "volumeClaimTemplates"])) > 0
}

# subjects are the labels that a schedule may go by: of the object, its claims
# and its pods.
subjects := array.concat([labels, obj.member(input.object, ["spec", "template", "metadata", "labels"])], [obj.member(claim, ["metadata", "labels"]) |
	some claim in obj.items(input.object, ["spec", "volumeClaimTemplates"])
])

findings contains {
	"pointer": "/metadata/name",
	"message": sprintf("no schedule of the bundle backs up the volumes of this %s", [input.kind]),
	"result": outcome,
} if {
	input.kind in {"PersistentVolumeClaim", "StatefulSet"}
	data.context.cluster.production
	claimed
	not backed_up
	not snapped
}

outcome := "unknown" if data.context.partial

outcome := "finding" if not data.context.partial

backed_up if {
	some spec in data.context.backups
	object.get(spec, "paused", false) != true
	template := obj.member(spec, "template")
	takes_namespace(template)
	takes_volumes(template)
	takes_labels(template)
}

takes_namespace(template) if {
	not input.namespace in obj.items(template, "excludedNamespaces")
	included := obj.items(template, "includedNamespaces")
	some entry in array.concat(included, [e | e := "*"; count(included) == 0])
	fits(obj.text(entry))
}

fits(entry) if entry == input.namespace

fits(entry) if {
	prefix := trim_suffix(entry, "*")
	prefix != entry
	startswith(input.namespace, prefix)
}

takes_volumes(template) if {
	not "persistentvolumeclaims" in obj.items(template, "excludedResources")
	included := obj.items(template, "includedResources")
	some entry in array.concat(included, [e | e := "*"; count(included) == 0])
	entry in {"*", "persistentvolumeclaims", "pods", "pvc"}
	data_too(template)
}

# Without snapshots only the claim is kept, not what it holds.
data_too(template) if object.get(template, "snapshotVolumes", true) != false

data_too(template) if object.get(template, "defaultVolumesToFsBackup", false) == true

takes_labels(template) if {
	object.get(template, "labelSelector", null) == null
	count(obj.items(template, "orLabelSelectors")) == 0
}

takes_labels(template) if {
	some s in array.concat([s | s := template.labelSelector], obj.items(template, "orLabelSelectors"))
	some subject in subjects
	selector.matches(s, subject)
}

snapped if {
	some s in data.context.snapshots[input.namespace]
	some subject in subjects
	takes(s, subject)
}

# Without a selector every claim of the namespace is meant.
takes(null, _)

takes(s, subject) if selector.matches(s, subject)

# Velero keeps a backup for 30 days unless it is told.
hours := to_number(part[1]) if {
	some part in regex.find_all_string_submatch_n(`^([0-9]{1,6})h([0-9]+m)?([0-9.]+s)?$`, obj.text(object.get(input.object, ["spec", "template", "ttl"], "720h")), 1)
}

findings contains {
	"pointer": "/spec/template/ttl",
	"message": sprintf("backups are deleted after %d hours, which is less than %d days", [hours, days]),
	"mend": sprintf("set ttl: %dh0m0s", [days * 24]),
} if {
	input.kind == "Schedule"
	input.group == "velero.io"
	days := number.of(params.of(meta).ttlDays)
	hours < days * 24
}

findings contains {
	"pointer": "/spec/paused",
	"message": "the schedule is paused: nothing is backed up by it",
	"mend": "remove paused",
	"patch": [{"op": "remove", "path": "/spec/paused"}],
} if {
	input.kind == "Schedule"
	input.group == "velero.io"
	object.get(input.object, ["spec", "paused"], false) == true
}
