package dualtrack.rules.dt_api_002

import data.dualtrack.object as obj
import data.dualtrack.params

meta := {
	"id": "DT-API-002",
	"title": "API that goes soon",
	"severity": "warning",
	"profile": "baseline",
	"why": "An upgrade that meets an API which is gone stops half way. What the version in use calls deprecated, and what definitions of the bundle do, the schema says; here is what comes after, what stands inside other objects, and what projects beside Kubernetes dropped.",
	"mend": "rewrite the object for an API version that stays",
	"refs": ["NSA Upgrades"],
	"params": {"ahead": 2},
}

target := data.context.cluster.minor

last := target + params.of(meta).ahead

inner contains {"pointer": nested.pointer, "apiVersion": nested.object.apiVersion, "kind": nested.object.kind} if {
	some nested in input.nested
}

inner contains {"pointer": "/apiVersion", "apiVersion": input.object.apiVersion, "kind": input.kind} if input.listed

fate(item) := data.context.apis[concat("/", [obj.text(item.apiVersion), obj.text(item.kind)])]

# Deprecated by now is the schema's to say.
findings contains {
	"pointer": "/apiVersion",
	"message": sprintf("%s %s is not served from Kubernetes 1.%d on, %d releases ahead", [input.object.apiVersion, input.kind, api.removed, api.removed - target]),
	"mend": mend(api),
} if {
	input.listed == false
	api := data.context.apis[sprintf("%v/%s", [input.object.apiVersion, input.kind])]
	api.removed > target
	api.removed <= last
	not deprecated(api)
}

# DT-API-001 says what is gone with the next release.
findings contains {
	"pointer": item.pointer,
	"message": sprintf("%s %s is not served from Kubernetes 1.%d on, %d releases ahead", [item.apiVersion, item.kind, api.removed, api.removed - target]),
	"mend": mend(api),
} if {
	some item in inner
	api := fate(item)
	api.removed > target + 1
	api.removed <= last
}

deprecated(api) if {
	api.deprecated > 0
	api.deprecated <= target
}

mend(api) := sprintf("write it as %s", [api.use]) if api.use != ""

mend(api) := "plan without it: nothing replaces it" if api.use == ""

# Versions that other projects deprecated or dropped, with what they serve.
retired := {
	"cert-manager.io/v1alpha2": "cert-manager.io/v1",
	"cert-manager.io/v1alpha3": "cert-manager.io/v1",
	"cert-manager.io/v1beta1": "cert-manager.io/v1",
	"acme.cert-manager.io/v1alpha2": "acme.cert-manager.io/v1",
	"gateway.networking.k8s.io/v1alpha1": "gateway.networking.k8s.io/v1",
	"helm.toolkit.fluxcd.io/v2beta1": "helm.toolkit.fluxcd.io/v2",
	"helm.toolkit.fluxcd.io/v2beta2": "helm.toolkit.fluxcd.io/v2",
	"kafka.strimzi.io/v1alpha1": "kafka.strimzi.io/v1beta2",
	"kafka.strimzi.io/v1beta1": "kafka.strimzi.io/v1beta2",
	"kustomize.toolkit.fluxcd.io/v1beta1": "kustomize.toolkit.fluxcd.io/v1",
	"kustomize.toolkit.fluxcd.io/v1beta2": "kustomize.toolkit.fluxcd.io/v1",
	"networking.istio.io/v1alpha3": "networking.istio.io/v1",
	"networking.istio.io/v1beta1": "networking.istio.io/v1",
	"security.istio.io/v1beta1": "security.istio.io/v1",
	"source.toolkit.fluxcd.io/v1beta1": "source.toolkit.fluxcd.io/v1",
	"source.toolkit.fluxcd.io/v1beta2": "source.toolkit.fluxcd.io/v1",
}

# Kinds whose old version is the only one.
alone := {"EnvoyFilter", "ProxyConfig"}

# A definition of the bundle knows better, and the schema reads it.
findings contains {
	"pointer": item.pointer,
	"message": sprintf("%s is a version of %s that its project replaced", [item.apiVersion, item.kind]),
	"mend": sprintf("write it as %s", [retired[item.apiVersion]]),
} if {
	some item in inner
	replaced(item)
}

findings contains {
	"pointer": "/apiVersion",
	"message": sprintf("%s is a version of %s that its project replaced", [input.object.apiVersion, input.kind]),
	"mend": sprintf("write it as %s", [use]),
} if {
	use := retired[input.object.apiVersion]
	replaced(input.object)
}

replaced(item) if {
	retired[item.apiVersion]
	not item.kind in alone
	not data.context.crds[concat("/", [split(item.apiVersion, "/")[0], item.kind])]
}
