package dualtrack.rules.dt_git_004

import data.dualtrack.gitops
import data.dualtrack.object as obj
import data.dualtrack.stage

meta := {
	"id": "DT-GIT-004",
	"title": "Source that nobody verifies",
	"severity": "warning",
	"profile": "fleet",
	"why": "Without a signature that is checked, whoever writes to the source or stands on the way decides what the cluster runs.",
	"mend": "set verify with the keys or the identity of who signs",
	"refs": ["PCI DSS 6.3"],
}

findings contains {
	"pointer": "/spec/verify",
	"message": sprintf("the %s takes what it finds, signed or not", [input.kind]),
	"severity": stage.severity,
} if {
	input.kind in {"GitRepository", "HelmChart", "OCIRepository"}
	gitops.flux
	object.get(gitops.spec, "verify", null) == null
}

findings contains {
	"pointer": "/spec/chart/spec/verify",
	"message": "the release takes whatever chart it finds, signed or not",
	"severity": stage.severity,
} if {
	input.kind == "HelmRelease"
	gitops.flux
	chart := gitops.spec.chart.spec
	is_object(chart)
	object.get(chart, "verify", null) == null
}

verify := gitops.spec.verify

# A signature by anybody is none.
findings contains {
	"pointer": "/spec/verify",
	"message": "verify says neither whose key nor whose identity, so a signature by anybody will do",
	"severity": stage.severity,
} if {
	input.kind in {"GitRepository", "HelmChart", "OCIRepository"}
	gitops.flux
	is_object(verify)
	object.get(verify, ["secretRef", "name"], "") == ""
	count(obj.items(verify, "matchOIDCIdentity")) == 0
}

findings contains {
	"pointer": "/spec/insecure",
	"message": "insecure takes what it is given without TLS",
	"mend": "remove insecure",
	"severity": stage.severity,
	"patch": [{"op": "remove", "path": "/spec/insecure"}],
} if {
	input.kind in {"Bucket", "HelmRepository", "ImageRepository", "OCIRepository"}
	gitops.flux
	object.get(gitops.spec, "insecure", false) == true
}

findings contains {
	"pointer": "/spec/url",
	"message": "the source is read over plain HTTP",
	"mend": "write https://",
	"severity": stage.severity,
} if {
	input.kind in {"GitRepository", "HelmRepository"}
	gitops.flux
	startswith(lower(obj.text(gitops.spec.url)), "http://")
}

findings contains {
	"pointer": "/spec/passCredentials",
	"message": "the credentials go to whatever host the index names",
	"mend": "remove passCredentials",
	"severity": stage.severity,
	"patch": [{"op": "remove", "path": "/spec/passCredentials"}],
} if {
	input.kind == "HelmRepository"
	gitops.flux
	object.get(gitops.spec, "passCredentials", false) == true
}

findings contains {
	"pointer": concat("", [at.pointer, "/repoURL"]),
	"message": "the source is read over plain HTTP",
	"mend": "write https://",
	"severity": stage.severity,
} if {
	input.kind in {"Application", "ApplicationSet"}
	some at in gitops.sources
	startswith(lower(obj.text(at.source.repoURL)), "http://")
}

findings contains {
	"pointer": "/spec/signatureKeys",
	"message": "the project's applications take commits of anybody",
	"mend": "name the keys of those who may sign",
	"severity": stage.severity,
} if {
	input.kind == "AppProject"
	gitops.argo
	count(obj.items(gitops.spec, "signatureKeys")) == 0
}
