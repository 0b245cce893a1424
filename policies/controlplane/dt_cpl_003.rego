package dualtrack.programs.dt_cpl_003

import data.dualtrack.object as obj
import data.dualtrack.program

meta := {
	"id": "DT-CPL-003",
	"title": "Secrets not encrypted at rest",
	"severity": "error",
	"profile": "baseline",
	"why": "Whoever gets a snapshot of etcd, or a disk of it, has every Secret of the cluster; a key that stands in Git encrypts nothing.",
	"mend": "encrypt Secrets with a provider other than identity, best with a KMS, and keep keys out of Git",
	"refs": ["CIS 1.2", "PCI DSS 3.5", "PCI DSS 3.6"],
}

findings contains {
	"pointer": "/spec/kubernetes/encryptSecrets",
	"message": "the cluster keeps its Secrets in clear",
	"mend": "set spec.kubernetes.encryptSecrets to true",
} if {
	input.kind == "Cluster"
	object.get(input.object, ["spec", "kubernetes", "encryptSecrets"], true) == false
}

findings contains {
	"pointer": server.pointer,
	"container": server.container,
	"message": "the API server has no encryption-provider-config, so it keeps Secrets in clear",
	"mend": "set encryption-provider-config",
} if {
	some server in program.named("kube-apiserver")
	server.from != "cluster"
	not program.flag(server, "encryption-provider-config")
}

# The first provider writes, and the first entry that names a resource holds for it.
findings contains {
	"pointer": program.at(file, ["resources", index, "providers", 0]),
	"message": "Secrets are written in clear: the first provider is identity",
	"mend": "put another provider first; identity after it still reads what was written before",
} if {
	some file in program.file_of("EncryptionConfiguration")
	entries := obj.items(file.object, "resources")
	index := min([i | some i, entry in entries; about_secrets(entry)])
	first := obj.items(entries[index], "providers")[0]
	is_object(first)
	"identity" in object.keys(first)
}

findings contains {
	"pointer": program.at(file, ["resources"]),
	"message": "Secrets are written in clear: no entry names them",
	"mend": "add secrets to the resources of an entry",
} if {
	some file in program.file_of("EncryptionConfiguration")
	every entry in obj.items(file.object, "resources") {
		not about_secrets(entry)
	}
}

about_secrets(entry) if {
	some resource in obj.items(entry, "resources")
	resource in {"*.", "*.*", "secrets"}
}

findings contains {
	"pointer": program.at(file, ["resources", index, "providers", at, provider, "keys", number, "secret"]),
	"message": sprintf("the key of provider %s stands in clear", [provider]),
	"mend": "let the provider of the cluster make the key, or use a KMS; this key is known: replace it",
} if {
	some file in program.file_of("EncryptionConfiguration")
	some index, entry in obj.items(file.object, "resources")
	some at, providers in obj.items(entry, "providers")
	some provider in ["aescbc", "aesgcm", "secretbox"]
	some number, key in obj.items(obj.member(providers, provider), "keys")
	secret := key.secret
	not secret in {null, ""}
	not startswith(obj.text(secret), "ENC[")
}
