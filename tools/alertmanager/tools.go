//go:build tools

// Package alertmanager pins Alertmanager and its tool amtool. It is never
// compiled: the programs are built from the module this file requires.
package alertmanager

import (
	_ "github.com/prometheus/alertmanager/cmd/alertmanager"
	_ "github.com/prometheus/alertmanager/cmd/amtool"
)
