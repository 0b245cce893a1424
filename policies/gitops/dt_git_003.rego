package dualtrack.rules.dt_git_003

import data.dualtrack.gitops
import data.dualtrack.object as obj
import data.dualtrack.stage

meta := {
	"id": "DT-GIT-003",
	"title": "Revision that moves",
	"severity": "warning",
	"profile": "fleet",
	"why": "What follows a branch or a range changes without a change of this repository: nobody reviewed it here, and nothing tells what ran.",
	"mend": "name a commit or a tag",
	"refs": ["PCI DSS 6.5"],
}

findings contains {
	"pointer": concat("", ["/spec/ref", moves.at]),
	"message": moves.says,
	"severity": stage.severity,
} if {
	input.kind == "GitRepository"
	gitops.flux
	moves := moving(obj.member(gitops.spec, "ref"))
}

# The first that is set decides: commit, name, semver, tag, branch.
moving(ref) := {"at": "", "says": "without ref it follows branch master"} if {
	every field in ["commit", "name", "semver", "tag", "branch"] {
		not set(ref, field)
	}
}

moving(ref) := {"at": "/name", "says": sprintf("%s moves", [ref.name])} if {
	not set(ref, "commit")
	set(ref, "name")
	not startswith(ref.name, "refs/tags/")
}

moving(ref) := {"at": "/semver", "says": sprintf("%q takes every newer version of its range", [ref.semver])} if {
	not set(ref, "commit")
	not set(ref, "name")
	set(ref, "semver")
	not exact(ref.semver)
}

moving(ref) := {"at": "/branch", "says": sprintf("it follows branch %q", [ref.branch])} if {
	every field in ["commit", "name", "semver", "tag"] {
		not set(ref, field)
	}
	set(ref, "branch")
}

set(ref, field) if obj.text(object.get(ref, field, "")) != ""

exact(version) if regex.match(`^=?\s*v?[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?$`, version)

# Charts' versions are DT-SUP-006's.
findings contains {
	"pointer": concat("", [at.pointer, "/targetRevision"]),
	"message": says(revision),
	"severity": stage.severity,
	"result": result(revision),
} if {
	input.kind in {"Application", "ApplicationSet"}
	some at in gitops.sources
	obj.text(object.get(at.source, "chart", "")) == ""
	revision := obj.text(object.get(at.source, "targetRevision", ""))
	not fixed(revision)
}

says("") := "without targetRevision it follows the repository's HEAD"

says(revision) := sprintf("%q moves", [revision]) if {
	revision != ""
	not gitops.templated(revision)
}

says(revision) := sprintf("what %q becomes is not known", [revision]) if gitops.templated(revision)

result(revision) := "unknown" if gitops.templated(revision)

result(revision) := "finding" if not gitops.templated(revision)

# A full commit, a tag, or a name that is a version.
fixed(revision) if regex.match(`^[0-9a-f]{40}([0-9a-f]{24})?$`, revision)

fixed(revision) if startswith(revision, "refs/tags/")

fixed(revision) if {
	regex.match(`^([A-Za-z0-9._/-]*[-/])?v?[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?$`, revision)
	not startswith(revision, "refs/heads/")
}

# What generates applications moves too.
findings contains {
	"pointer": at.pointer,
	"message": sprintf("the generator reads %s", [said(revision)]),
	"severity": stage.severity,
} if {
	input.kind == "ApplicationSet"
	gitops.argo
	some at in generators
	revision := obj.text(object.get(at.git, "revision", ""))
	not gitops.templated(revision)
	not fixed(revision)
}

said("") := "the repository's HEAD"

said(revision) := sprintf("%q, which moves", [revision]) if revision != ""

generators := array.concat(
	[{"pointer": obj.pointer("/spec/generators", [i, "git", "revision"]), "git": g.git} |
		some i, g in obj.items(gitops.spec, "generators")
		is_object(g.git)
	],
	[{"pointer": obj.pointer("/spec/generators", [i, way, "generators", j, "git", "revision"]), "git": inner.git} |
		some i, g in obj.items(gitops.spec, "generators")
		some way in ["matrix", "merge"]
		some j, inner in obj.items(g, [way, "generators"])
		is_object(inner.git)
	],
)
