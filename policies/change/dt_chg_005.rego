package dualtrack.change.dt_chg_005

import data.dualtrack.params

meta := {
	"id": "DT-CHG-005",
	"title": "Image that goes back",
	"severity": "warning",
	"profile": "fleet",
	"why": "An older version may not read what the newer one stored, and what was mended in between is broken again.",
	"mend": "go forward to a version that mends what is wrong; where it must go back, let an exception on the base say why",
	"refs": ["PCI DSS 6.5"],
	"params": {"strictRepos": ["postgres", "mysql", "etcd", "kafka", "cilium", "cilium-operator"]},
}

# The repository of a strict one ends in a path that the parameter names.
strict(q) if {
	some name in params.of(meta).strictRepos
	endswith_path(q.facts.repository, name)
}

endswith_path(repository, name) if repository == name

endswith_path(repository, name) if endswith(repository, sprintf("/%s", [name]))

findings contains {"pointer": q.pointer, "message": q.why} if {
	some q in input.change.effects
	q.effect == "image"
	q.facts.direction in {"down", "tag", "unpinned", "registry"}
}

findings contains {
	"pointer": q.pointer,
	"message": sprintf("%s: such a program takes one minor at a time", [q.why]),
	"severity": "error",
	"mend": "take the minors between, one after the other",
} if {
	some q in input.change.effects
	q.effect == "image"
	q.facts.direction == "up"
	not q.facts.minors in {0, 1}
	strict(q)
}

# Which of two digests is the newer is not written in them.
findings contains {
	"pointer": q.pointer,
	"message": sprintf("%s, which names no version: whether it goes back can't be told", [q.why]),
	"mend": "write the tag beside the digest",
	"result": "unknown",
} if {
	some q in input.change.effects
	q.effect == "image"
	q.facts.direction == "digest"
	not q.facts.tagged
}
