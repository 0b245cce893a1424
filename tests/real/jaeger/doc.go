// Package jaeger holds the test of Jaeger's configuration, as it is rendered, in the
// real program: spans go in as a gateway sends them, and a query by trace finds
// them, after a kill too. It is built with the tag "real", since it builds that
// program. It talks to loopback only.
package jaeger
