//go:build real && linux

package packets_test

import (
	"os"
	"strings"
	"testing"

	"dualtrack.internal/platform/experiment"
	"dualtrack.internal/tests/experiments/packets"
)

// TestRises runs a short form of the experiment: the chain costs more the longer
// it is, the lookup does not.
func TestRises(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("needs root: sudo -E go test -tags real ./tests/experiments/packets")
	}
	p, err := packets.Plan(packets.Options{Rules: []int{10, 2000}, Rounds: 3})
	if err != nil {
		t.Fatal(err)
	}
	r, err := experiment.Run(t.Context(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := r.Text(&text); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + text.String())
	long, _ := r.Figure("cpu_ns_per_packet", "iptables-2000")
	short, _ := r.Figure("cpu_ns_per_packet", "iptables-10")
	flat, _ := r.Figure("cpu_ns_per_packet", "xdp-2000")
	if long.Median < 2*short.Median {
		t.Errorf("2,000 rules cost %.0f ns a packet and 10 cost %.0f: no rise", long.Median, short.Median)
	}
	if flat.Median > long.Median/2 {
		t.Errorf("a lookup among 2,000 costs %.0f ns a packet, as much as half of the rules' %.0f", flat.Median, long.Median)
	}
}
