# What weighs more in production.
package dualtrack.stage

severity := "error" if data.context.cluster.production

severity := "warning" if not data.context.cluster.production
