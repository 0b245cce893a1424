// Package tune holds the test of the way from an alert to a proposed commit: a real
// etcd under load, a real Prometheus with the alert rules that are shipped, the
// program's own command. It is built with the tag "real", since it builds those
// programs. It talks to loopback only.
package tune
