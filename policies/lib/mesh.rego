# What belongs to an Istio mesh.
package dualtrack.mesh

import data.dualtrack.object as obj
import data.dualtrack.selector

# member says that a namespace with these labels gives its pods a proxy.
member(labels) if labels["istio-injection"] == "enabled"

member(labels) if object.get(labels, "istio.io/rev", "") != ""

member(labels) if labels["istio.io/dataplane-mode"] == "ambient"

includes(namespace) if member(data.context.namespaces[namespace].labels)

# used says that some namespace of the cluster is in a mesh. Of many namespaces few
# have labels that a mesh reads: those are listed apart.
used if {
	some key, values in data.context.meshLabels
	some value, _ in values
	member({key: value})
}

# all_pods says that a workload selector of Istio names no label.
all_pods(s) if count(obj.member(s, "matchLabels")) == 0

selects(s, labels) if selector.matches({"matchLabels": obj.member(s, "matchLabels")}, labels)

# namespace_of is the one that a host of a Service stands in.
namespace_of(host) := input.namespace if not contains(host, ".")

namespace_of(host) := parts[1] if {
	parts := split(trim_suffix(trim_suffix(host, ".cluster.local"), ".svc"), ".")
	count(parts) == 2
}
