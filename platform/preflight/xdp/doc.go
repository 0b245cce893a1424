// Package xdp loads small programs into the kernel and runs them on a pair of
// virtual cards in a network namespace of its own, which goes with it. It never
// touches a card of the machine. It works on Linux, as root; elsewhere it holds
// nothing.
package xdp
