// Package paths holds the test that compares what a change is said to open and close
// with the entries that Cilium's own code writes into its policy maps. It is built with
// the tag "real", since it needs the program that has that code; no cluster is asked.
package paths
