package preflight

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// JSON writes the report for programs.
func (r *Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// Text writes the report for people.
func (r *Report) Text(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	var failed error
	say := func(format string, args ...any) {
		if _, err := fmt.Fprintf(tw, format, args...); err != nil && failed == nil {
			failed = err
		}
	}
	for _, c := range r.Checks {
		say("%s\t%s\t%s\n", c.Name, c.State, c.Detail)
		if c.Mend != "" {
			say("\t\tmend: %s\n", c.Mend)
		}
	}
	for _, c := range r.Cards {
		say("card %s\t%s\t%s, MTU %d, NUMA node %d, %d queues: %s\n", c.Name, c.XDP, c.Driver, c.MTU, c.Node, len(c.Queues), c.Why)
	}
	for _, p := range r.Pins {
		say("pin %s\tCPU %d\t%s\n", p.Card, p.CPU, p.Name)
	}
	counts := map[State]int{}
	for _, c := range r.Checks {
		counts[c.State]++
	}
	words := []string{}
	for _, s := range []State{OK, Note, Bad, Unknown} {
		if counts[s] > 0 {
			words = append(words, fmt.Sprintf("%d %s", counts[s], s))
		}
	}
	say("\n%s\n", strings.Join(words, ", "))
	if err := tw.Flush(); err != nil {
		return err
	}
	return failed
}
