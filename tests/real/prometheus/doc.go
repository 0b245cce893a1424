// Package prometheus holds the tests of the component prometheus: that every rule
// has a unit test and says what it must, and, with the build tag real, that the real
// server runs on what is rendered, that a site's series reach the hub and survive
// its absence, and that an alert is handed over. They talk to loopback only.
package prometheus
