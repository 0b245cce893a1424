// Package prometheus holds the tests of the component prometheus: that every rule
// has a unit test and says what it must, that what shows metrics is scraped and can be
// reached, and, with the build tag real, that the real server runs on what is rendered,
// that a real API server gives it metrics and no more, that an exemplar leads to its
// trace, that a site's series reach the hub and survive its absence, and that an alert
// is handed over. They talk to loopback only.
package prometheus
