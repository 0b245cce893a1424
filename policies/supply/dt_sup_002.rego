package dualtrack.rules.dt_sup_002

import data.dualtrack.image
import data.dualtrack.stage

meta := {
	"id": "DT-SUP-002",
	"title": "Image not pinned",
	"severity": "error",
	"profile": "baseline",
	"why": "Only a digest says which bytes run: whoever may write to the registry may move a tag.",
	"mend": "write the digest that the registry answers into components/baseline.yaml",
	"refs": ["CIS 5.5", "NSA Supply chain"],
}

# No digest at all: nobody asked a registry yet. Where nothing really runs no bytes
# do, in production neither; where some of the nodes are real it weighs by the stage.
findings contains {
	"pointer": used.pointer,
	"container": used.container,
	"severity": unpinned,
	"message": sprintf("%s: image %q is not pinned by a digest", [used.what, used.ref]),
} if {
	some used in image.used
	not used.ref in {null, ""}
	not contains(used.ref, "@")
}

findings contains {
	"pointer": used.pointer,
	"container": used.container,
	"message": sprintf("%s: the digest of image %q is not sha256: and 64 hexadecimal digits", [used.what, used.ref]),
	"mend": "write the digest as the registry gave it",
} if {
	some used in image.used
	is_string(used.ref)
	contains(used.ref, "@")
	not regex.match(`^sha256:[0-9a-f]{64}$`, used.parsed.digest)
}

unpinned := "error" if data.context.cluster.realNodes

unpinned := stage.severity if {
	not data.context.cluster.realNodes
	data.context.cluster.someReal
}

unpinned := "warning" if {
	not data.context.cluster.realNodes
	not data.context.cluster.someReal
}
