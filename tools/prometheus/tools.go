//go:build tools

// Package prometheus pins the Prometheus server and its own checker of
// configurations and rules. It is never compiled: the programs are built from the
// module this file requires.
package prometheus

import (
	_ "github.com/prometheus/prometheus/cmd/prometheus"
	_ "github.com/prometheus/prometheus/cmd/promtool"
)
