//go:build tools

// Package promtool pins Prometheus' own checker of configurations and rules. It
// is never compiled: the program is built from the module this file requires.
package promtool

import _ "github.com/prometheus/prometheus/cmd/promtool"
