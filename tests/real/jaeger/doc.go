// Package jaeger runs the real Jaeger, on its rendered configuration, for tests. Its
// own, built with the tag "real": spans go in as a gateway sends them, and a query by
// trace finds them, after a kill too. What sends and reads serves the test in a real
// cluster too. It talks to loopback only.
package jaeger
