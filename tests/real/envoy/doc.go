// Package envoy holds the tests of what Envoy reads, as it is rendered: judged by
// the official types of Envoy's API, and handed by a real xDS server to a real
// client. They are built with the tag "real", since they build that program. No
// Envoy runs: its program can't be had here.
package envoy
