# How severe a finding is. All of the logic stands here:
#  1. fleet.yaml's spec.policy.severity names the rule: that severity, or off;
#  2. the rule belongs to the restricted Pod Security profile and the object's
#     namespace enforces a weaker level by label: warning;
#  3. the finding names a severity of its own: that one;
#  4. the rule's severity.
package dualtrack.severity

weaker := {"baseline", "privileged"}

of(meta, finding) := level if {
	level := data.context.severity[meta.id]
} else := "warning" if {
	own(meta, finding) == "error"
	lowered(meta)
} else := own(meta, finding)

own(meta, finding) := object.get(finding, "severity", meta.severity)

lowered(meta) if {
	meta.profile == "restricted"
	data.context.namespaces[input.namespace].labels["pod-security.kubernetes.io/enforce"] in weaker
}
