package dualtrack.rules.dt_sup_006

import data.dualtrack.object as obj
import data.dualtrack.params

meta := {
	"id": "DT-SUP-006",
	"title": "Chart or base not pinned",
	"severity": "warning",
	"profile": "baseline",
	"why": "A range lets whoever may publish a chart change the cluster without a change in Git; nobody reviews it and nothing says what ran yesterday.",
	"mend": "name one version, and the digest where the source knows one",
	"refs": ["PCI DSS 6.3"],
	# Whether ~1.2.3 and 1.2.x are good enough: they let in patches alone.
	"params": {"allowPatchRange": true},
}

tuned := params.of(meta)

# On clusters that weigh more it is an error.
level := "error" if data.context.cluster.production

level := "warning" if not data.context.cluster.production

exact := `^=?\s*v?[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`

patches := `^(~\s*v?[0-9]+\.[0-9]+(\.[0-9]+[0-9A-Za-z.+-]*)?|v?[0-9]+\.[0-9]+(\.[xX*])?)$`

pinned(version) if regex.match(exact, version)

pinned(version) if {
	tuned.allowPatchRange
	regex.match(patches, version)
}

# charts are the versions of charts that the object asks for; "" is the newest.
charts contains {"pointer": "/spec/chart/spec/version", "version": version_of(chart, "version")} if {
	input.kind == "HelmRelease"
	input.group == "helm.toolkit.fluxcd.io"
	chart := obj.member(input.object, ["spec", "chart", "spec"])
	count(chart) > 0
	versioned(chart)
}

charts contains {"pointer": "/spec/version", "version": version_of(chart, "version")} if {
	input.kind == "HelmChart"
	input.group == "source.toolkit.fluxcd.io"
	chart := obj.member(input.object, "spec")
	versioned(chart)
}

charts contains {"pointer": obj.pointer(source.pointer, ["targetRevision"]), "version": version_of(source.value, "targetRevision")} if {
	input.group == "argoproj.io"
	some source in argo
	obj.text(object.get(source.value, "chart", "")) != ""
}

# A chart from a Git repository or a bucket has the version of its source.
versioned(chart) if not object.get(obj.member(chart, "sourceRef"), "kind", "") in {"Bucket", "GitRepository"}

argo_specs := {
	"Application": ["spec"],
	"ApplicationSet": ["spec", "template", "spec"],
}

argo contains {"pointer": obj.pointer("", array.concat(path, ["source"])), "value": source} if {
	path := argo_specs[input.kind]
	source := obj.member(obj.member(input.object, path), "source")
}

argo contains {"pointer": obj.pointer("", array.concat(path, ["sources", index])), "value": source} if {
	path := argo_specs[input.kind]
	some index, source in obj.items(obj.member(input.object, path), "sources")
	is_object(source)
}

version_of(o, field) := sprintf("%v", [v]) if {
	v := object.get(o, field, null)
	v != null
} else := ""

findings contains {
	"pointer": chart.pointer,
	"severity": level,
	"message": said(chart.version),
} if {
	some chart in charts
	not pinned(chart.version)
}

said("") := "no version of the chart is named, so the newest is taken"

said(version) := sprintf("version %q of the chart is a range", [version]) if version != ""

findings contains {
	"pointer": "/spec/ref",
	"severity": level,
	"message": "the artifact is not named by its digest, so whoever may write to the registry may change it",
	"mend": "write ref.digest",
} if {
	input.kind == "OCIRepository"
	input.group == "source.toolkit.fluxcd.io"
	not regex.match(`^sha256:[0-9a-f]{64}$`, obj.text(object.get(input.object, ["spec", "ref", "digest"], "")))
}

# bases are what kustomizations fetch, in the object or in a text of it.
bases contains {"pointer": obj.pointer("", [field, index]), "url": url} if {
	input.kind in {"Component", "Kustomization"}
	input.group == "kustomize.config.k8s.io"
	some field in ["bases", "components", "resources"]
	some index, url in obj.items(input.object, field)
	remote(url)
}

bases contains {"pointer": nested.pointer, "url": url} if {
	some nested in input.nested
	startswith(obj.text(nested.object.apiVersion), "kustomize.config.k8s.io/")
	some field in ["bases", "components", "resources"]
	some url in obj.items(nested.object, field)
	remote(url)
}

remote(url) if {
	is_string(url)
	regex.match(`^([a-z0-9+]+::)?([a-z+]+://|git@|(github\.com|gitlab\.com|bitbucket\.org)[/:])`, url)
}

findings contains {
	"pointer": base.pointer,
	"severity": level,
	"message": sprintf("the remote base %q is not pinned to a tag or commit", [bare(base.url)]),
	"mend": "add ?ref= and a tag or commit, or keep a copy in the repository",
} if {
	some base in bases
	not regex.match(`[?&](ref|version)=(v?[0-9][^&]*|[^&]+/v?[0-9][^&]*|[0-9a-f]{40})(&|$)`, base.url)
}

findings contains {
	"pointer": base.pointer,
	"severity": level,
	"message": sprintf("the remote base %q comes over plain HTTP, where anyone on the way may change it", [bare(base.url)]),
	"mend": "use https or ssh",
} if {
	some base in bases
	regex.match(`^([a-z0-9+]+::)?http://`, base.url)
}

# bare is a URL without what may be a password.
bare(url) := regex.replace(url, `//[^/@]*@`, "//")
