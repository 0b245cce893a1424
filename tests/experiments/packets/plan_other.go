//go:build !linux

package packets

import (
	"errors"

	"dualtrack.internal/platform/experiment"
)

// Name is the experiment's name.
const Name = "packets"

// Options are how much is measured.
type Options struct {
	Rules  []int
	Rounds int
	Work   int
}

// Plan has nothing to measure here.
func Plan(Options) (experiment.Plan, error) {
	return experiment.Plan{}, errors.New("experiment packets: Linux only")
}
