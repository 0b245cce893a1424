// Package otel holds the tests of the collectors' configurations, as they are
// rendered, in the real collector: what arrives, and what survives a backend that
// is away and a gateway that is killed. They are built with the tag "real", since
// they build that program. They talk to loopback only.
package otel
