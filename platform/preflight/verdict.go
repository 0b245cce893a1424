package preflight

import (
	"fmt"
	"strings"
)

// How XDP runs for a card, or for all cards of a node.
const (
	Native      = "native"
	Generic     = "generic"
	NotPossible = "not possible"
)

// verdict is the node's word on XDP: the least of its cards, and no more than this
// kernel did when it was tried. It says what to write for bpf-lb-acceleration.
func (r *Report) verdict() {
	if len(r.Cards) == 0 {
		return
	}
	r.XDP = Native
	var slow []string
	for _, c := range r.Cards {
		if c.XDP != Native {
			slow = append(slow, c.Name+" ("+c.Driver+": "+c.Why+")")
			r.least(c.XDP)
		}
	}
	if kernel := r.tried(); kernel != Native {
		slow = append(slow, "the kernel ("+kernel+" when it was tried)")
		r.least(kernel)
	}
	switch r.XDP {
	case Native:
		r.add("acceleration", OK, fmt.Sprintf("native by the driver of each of %d cards; bpf-lb-acceleration: native", len(r.Cards)), "")
	case Generic:
		r.add("acceleration", Note, "generic: "+strings.Join(slow, "; "), "bpf-lb-acceleration: best-effort, or name the other cards in devices")
	default:
		r.add("acceleration", Note, "not possible: "+strings.Join(slow, "; "), "bpf-lb-acceleration: disabled")
	}
}

// least lowers the node's word.
func (r *Report) least(mode string) {
	if r.XDP != NotPossible && mode != "" {
		r.XDP = mode
	}
}

// tried is the best that was attached; native where nothing was tried, which has a
// check of its own.
func (r *Report) tried() string {
	if r.Trial == nil {
		return Native
	}
	best := NotPossible
	for _, a := range r.Trial.Attempts {
		if a.Attached && (a.Mode == Native || best == NotPossible) {
			best = a.Mode
		}
	}
	return best
}
