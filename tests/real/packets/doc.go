// Package packets tests the kernel's side of the network for real: programs on
// virtual cards, and maps that outlive who made them. Its tests are built with
// the tag "real" and need root on Linux; nothing outside their own network
// namespaces is touched.
package packets
