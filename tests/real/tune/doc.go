// Package tune runs what the way from an alert to a proposed commit is made of: a
// real etcd under load, a real Prometheus with the alert rules that are shipped. Its
// test, built with the tag "real", walks that way with the program's own command.
// It talks to loopback only, and knows nothing of clusters.
package tune
