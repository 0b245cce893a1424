//go:build tools

// Package kwok pins the node simulator that the embedded provider runs. It is
// never compiled: the program is built from the module this file requires.
package kwok

import _ "sigs.k8s.io/kwok/cmd/kwok"
