package preflight

import (
	"fmt"
	"slices"
	"strings"
)

// How XDP runs for a card, or for all cards of a node.
const (
	Native      = "native"
	Generic     = "generic"
	NotPossible = "not possible"
)

// verdict is the node's word on XDP: the least of the cards that the cluster names,
// and no more than this kernel did when it was tried. Where the cluster wants native
// XDP, less is bad: the agent would not start. Else it says what to write.
func (r *Report) verdict(wanted, devices string) {
	cards := slices.DeleteFunc(slices.Clone(r.Cards), func(c Card) bool { return !deviceNamed(c.Name, devices) })
	if len(cards) == 0 {
		if devices != "" {
			r.add("devices", Bad, "the cluster's devices are "+devices+", and no card of this machine is one", "name its cards in devices")
		}
		return
	}
	r.XDP = Native
	var slow []string
	for _, c := range cards {
		if c.XDP != Native {
			slow = append(slow, c.Name+" ("+c.Driver+": "+c.Why+")")
			r.least(c.XDP)
		}
	}
	if kernel := r.tried(); kernel != Native {
		slow = append(slow, "the kernel ("+kernel+" when it was tried)")
		r.least(kernel)
	}
	words := r.XDP + ": " + strings.Join(slow, "; ")
	switch {
	case r.XDP == Native:
		r.add("acceleration", OK, fmt.Sprintf("native by the driver of each of %d cards; bpf-lb-acceleration: native", len(cards)), "")
	case wanted == "native":
		r.add("acceleration", Bad, words+"; the cluster wants native, and Cilium's agent does not start without", "bpf-lb-acceleration: best-effort for the cluster, or name other cards in devices")
	case wanted == "best-effort":
		r.add("acceleration", OK, words+"; the cluster takes it, bpf-lb-acceleration: best-effort", "")
	case r.XDP == Generic:
		r.add("acceleration", Note, words, "bpf-lb-acceleration: best-effort, or name the other cards in devices")
	default:
		r.add("acceleration", Note, words, "bpf-lb-acceleration: disabled")
	}
}

// deviceNamed says whether a card is one of Cilium's devices: names, or the front
// of names with a plus, separated by spaces or commas. Without any all are.
func deviceNamed(card, devices string) bool {
	names := strings.FieldsFunc(devices, func(r rune) bool { return r == ' ' || r == ',' })
	return len(names) == 0 || slices.ContainsFunc(names, func(name string) bool {
		front, any := strings.CutSuffix(name, "+")
		return card == name || any && strings.HasPrefix(card, front)
	})
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
