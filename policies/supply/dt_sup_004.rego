package dualtrack.rules.dt_sup_004

import data.dualtrack.object as obj

meta := {
	"id": "DT-SUP-004",
	"title": "Secret in clear",
	"severity": "error",
	"profile": "baseline",
	"why": "Whoever may read the repository, now or later, has what stands in it; base64 hides nothing.",
	"mend": "encrypt the values with SOPS, or let an ExternalSecret or a SealedSecret make the Secret",
	"refs": ["CIS 5.4", "PCI DSS 8.6", "PCI DSS 3.6"],
	"fixed": true,
}

findings contains {
	"pointer": obj.pointer("", [field, key]),
	"message": sprintf("the value of %q stands in clear", [key]),
} if {
	input.kind == "Secret"
	input.group == ""
	some field in ["data", "stringData"]
	some key, value in object.get(input.object, field, {})
	not value in {null, ""}
	not encrypted(value)
}

# An encrypted value without the metadata that decrypts it is lost.
findings contains {
	"pointer": "/sops",
	"message": "values look encrypted by SOPS, but its metadata is missing",
	"mend": "keep the sops block that SOPS wrote",
} if {
	input.kind == "Secret"
	input.group == ""
	some field in ["data", "stringData"]
	some _, value in object.get(input.object, field, {})
	encrypted(value)
	object.get(input.object, ["sops", "mac"], null) == null
}

findings contains {
	"pointer": obj.pointer("/metadata/annotations", [annotation]),
	"message": "the annotation holds the Secret's values in clear",
	"mend": "remove the annotation",
	"patch": [{"op": "remove", "path": obj.pointer("/metadata/annotations", [annotation])}],
} if {
	input.kind == "Secret"
	input.group == ""
	annotation := "kubectl.kubernetes.io/last-applied-configuration"
	text := obj.text(object.get(input.object, ["metadata", "annotations", annotation], ""))
	regex.match(`"(data|stringData)"\s*:\s*\{\s*"`, text)
}

encrypted(value) if {
	is_string(value)
	regex.match(`^ENC\[AES256_GCM,data:[^\]]+\]$`, value)
}
