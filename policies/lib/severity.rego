# How severe a finding is. All of the logic stands here:
#  1. fleet.yaml's spec.policy.severity names the rule: that severity, or off;
#  2. the rule belongs to the restricted Pod Security profile and the object's
#     namespace enforces a weaker level by label: warning;
#  3. the finding names a severity of its own: that one;
#  4. the rule's severity.
package dualtrack.severity

weaker := {"baseline", "privileged"}

of(meta, _) := data.context.severity[meta.id]

of(meta, finding) := "warning" if {
	not data.context.severity[meta.id]
	lowered(meta)
	object.get(finding, "severity", meta.severity) == "error"
}

of(meta, finding) := object.get(finding, "severity", meta.severity) if {
	not data.context.severity[meta.id]
	not lowered(meta)
}

of(meta, finding) := finding.severity if {
	not data.context.severity[meta.id]
	lowered(meta)
	finding.severity != "error"
}

lowered(meta) if {
	meta.profile == "restricted"
	data.context.namespaces[input.namespace].labels["pod-security.kubernetes.io/enforce"] in weaker
}
