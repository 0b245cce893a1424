package dualtrack.rules.dt_api_001

meta := {
	"id": "DT-API-001",
	"title": "Removed API",
	"severity": "error",
	"profile": "baseline",
	"why": "The API server refuses what it does not serve any more. Objects inside a ConfigMap or a List meet it only when somebody applies them.",
	"mend": "rewrite the object for an API version that is served",
	"refs": ["NSA Upgrades"],
}

# Objects that stand alone are judged with their schema; here are those that
# stand inside another one.
inner contains {"pointer": nested.pointer, "apiVersion": nested.object.apiVersion, "kind": nested.object.kind} if {
	some nested in input.nested
}

inner contains {"pointer": "/apiVersion", "apiVersion": input.object.apiVersion, "kind": input.kind} if input.listed

target := data.context.cluster.minor

fate(item) := data.context.apis[concat("/", [item.apiVersion, item.kind])]

named contains item if {
	some item in inner
	is_string(item.apiVersion)
	is_string(item.kind)
}

findings contains {
	"pointer": item.pointer,
	"message": sprintf("%s %s is not served from Kubernetes 1.%d on", [item.apiVersion, item.kind, api.removed]),
	"mend": mend(api),
} if {
	some item in named
	api := fate(item)
	api.removed > 0
	api.removed <= target
}

findings contains {
	"pointer": item.pointer,
	"severity": "warning",
	"message": sprintf("%s %s is not served from Kubernetes 1.%d on, the next release", [item.apiVersion, item.kind, api.removed]),
	"mend": mend(api),
} if {
	some item in named
	api := fate(item)
	api.removed == target + 1
}

findings contains {
	"pointer": item.pointer,
	"message": sprintf("without a table of APIs it is not known whether %s %s is still served", [item.apiVersion, item.kind]),
	"result": "unknown",
} if {
	some item in named
	not tabled
}

tabled if is_object(data.context.apis)

mend(api) := sprintf("write it as %s", [api.use]) if api.use != ""

mend(api) := "remove it: nothing replaces it" if api.use == ""
