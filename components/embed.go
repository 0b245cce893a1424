// Package components embeds the stack, so that an installed program brings it
// to repositories that hold no components of their own. It holds data only and
// imports nothing of the project.
package components

import "embed"

// FS holds baseline.yaml and every component's folder; this file too, which a
// reader leaves out.
//
//go:embed all:*
var FS embed.FS
