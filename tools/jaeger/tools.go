//go:build tools

// Package jaeger pins the trace store that the hub runs. It is never compiled:
// the program is built from the module this file requires.
package jaeger

import _ "github.com/jaegertracing/jaeger/cmd/jaeger"
