// Package grafana holds the tests of what Grafana reads, as it is rendered, judged
// together with the rules of Prometheus. They are built with the tag "real", since
// they build the program that judges. No Grafana runs: its program can't be had here.
package grafana
