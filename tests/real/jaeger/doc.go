// Package jaeger holds the test of Jaeger's configuration, as it is rendered, in the
// real program: spans go in as a gateway sends them, and a query by trace finds
// them, after a kill too. The test is built with the tag "real", since it builds that
// program; what sends and reads serves the test in a real cluster too. It talks to
// loopback only.
package jaeger
