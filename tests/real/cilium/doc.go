// Package cilium holds the tests of the component cilium against the author's
// chart. They are built with the tag "real", since they download the module that
// holds it; nothing of it is kept in the repository, and no cluster is asked.
package cilium
