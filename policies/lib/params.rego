# The parameters of a rule: what fleet.yaml's spec.policy.params says of it, over
# the defaults of its meta.params. A rule that has none needs no meta.params.
package dualtrack.params

of(meta) := object.union(meta.params, object.get(data.context.params, meta.id, {}))
