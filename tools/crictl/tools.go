//go:build tools

// Package crictl pins the client of container runtimes that the node image
// carries. It is never compiled: the program is built from the module this file
// requires.
package crictl

import _ "sigs.k8s.io/cri-tools/cmd/crictl"
