package dualtrack.rules.dt_git_007

import data.dualtrack.gitops
import data.dualtrack.object as obj
import data.dualtrack.params

meta := {
	"id": "DT-GIT-007",
	"title": "Project without bounds",
	"severity": "error",
	"profile": "fleet",
	"why": "A project is what keeps an application to its sources, places and kinds; one with wildcards, or the default one, keeps nothing.",
	"mend": "name the repositories, destinations and kinds of the project",
	"refs": ["PCI DSS 7.2"],
	"params": {"allow": []},
}

bound if not input.name in params.of(meta).allow

findings contains {
	"pointer": obj.pointer("/spec/sourceRepos", [i]),
	"message": "the project takes every repository; what is denied beside it leaves the rest",
} if {
	input.kind == "AppProject"
	gitops.argo
	bound
	some i, repo in obj.items(gitops.spec, "sourceRepos")
	repo in {"*", "**"}
}

findings contains {
	"pointer": obj.pointer("/spec/destinations", [i, field]),
	"message": sprintf("the project reaches every %s", [words[field]]),
} if {
	input.kind == "AppProject"
	gitops.argo
	bound
	some i, place in obj.items(gitops.spec, "destinations")
	some field in object.keys(words)
	place[field] in {"*", "**"}
}

words := {"name": "cluster", "namespace": "namespace", "server": "cluster"}

findings contains {
	"pointer": obj.pointer("/spec/clusterResourceWhitelist", [i]),
	"message": "the project makes every kind of the cluster's own objects, roles and webhooks too",
} if {
	input.kind == "AppProject"
	gitops.argo
	bound
	some i, entry in obj.items(gitops.spec, "clusterResourceWhitelist")
	entry.group == "*"
	entry.kind == "*"
}

# Of the cluster's own kinds an absent list means none, of the others all.
findings contains {
	"pointer": "/spec/namespaceResourceWhitelist",
	"severity": "warning",
	"message": "without namespaceResourceWhitelist the project makes every kind of a namespace, Roles and RoleBindings too",
	"mend": "name the kinds, or at least those that are denied in namespaceResourceBlacklist",
} if {
	input.kind == "AppProject"
	gitops.argo
	bound
	object.get(gitops.spec, "namespaceResourceWhitelist", null) == null
	count(obj.items(gitops.spec, "namespaceResourceBlacklist")) == 0
}

project := obj.text(object.get(gitops.application.spec, "project", ""))

findings contains {
	"pointer": concat("", [gitops.application.pointer, "/project"]),
	"message": "the application is in project default, which bounds nothing",
	"mend": "make a project for it, and name it",
} if {
	input.kind in {"Application", "ApplicationSet"}
	not "default" in params.of(meta).allow
	project in {"", "default"}
}

findings contains {
	"pointer": concat("", [gitops.application.pointer, "/project"]),
	"message": sprintf("a generator fills in project %q: who writes its input chooses the bounds", [project]),
	"mend": "write the project's name",
} if {
	input.kind == "ApplicationSet"
	gitops.templated(project)
}
