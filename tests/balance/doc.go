// Package balance holds what the gateways' settings mean: which share of requests
// goes where with n of m endpoints healthy, by the formulas of Envoy's
// documentation ("Priority levels", "Panic threshold", "Zone aware routing",
// "Circuit breaking"). It computes; no Envoy runs, and no latency is claimed.
package balance
