//go:build !linux

package preflight

import "context"

// Try has nothing to try here. Error: ErrNotPossible.
func Try(context.Context) (*Trial, error) { return nil, ErrNotPossible }
