//go:build real && linux

package packets_test

import (
	"os"
	"strings"
	"testing"

	"dualtrack.internal/platform/preflight/xdp"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("loading programs into the kernel needs root: sudo -E go test -tags real ./tests/real/packets")
	}
}

// TestAttach puts a program on a virtual card in both modes: it counts exactly
// what was sent, and a second program cannot stand beside it.
func TestAttach(t *testing.T) {
	needRoot(t)
	const sent = 10_000
	for _, mode := range []xdp.Mode{xdp.Generic, xdp.Native} {
		t.Run(string(mode), func(t *testing.T) {
			err := xdp.InNamespace(t.Context(), func(pair xdp.Pair) error {
				p, err := xdp.Dropper()
				if err != nil {
					return err
				}
				defer closes(t, p)
				l, err := p.Attach(pair.Near.Index, mode)
				if err != nil {
					return err
				}
				defer closes(t, l)
				other := xdp.Generic
				if mode == xdp.Generic {
					other = xdp.Native
				}
				if second, err := p.Attach(pair.Near.Index, other); err == nil {
					t.Errorf("%s mode could be attached beside %s", other, mode)
					closes(t, second)
				} else if !strings.Contains(err.Error(), "exists") {
					t.Errorf("attaching %s beside %s: %v", other, mode, err)
				}
				frame := xdp.Frame([6]byte(pair.Near.HardwareAddr), [4]byte{198, 18, 0, 1})
				if err := xdp.Send(t.Context(), pair.Far.Index, frame, sent); err != nil {
					return err
				}
				if err := settles(t, p, sent); err != nil {
					return err
				}
				tcp := append([]byte(nil), frame...)
				tcp[23] = 6
				if err := xdp.Send(t.Context(), pair.Far.Index, tcp, sent); err != nil {
					return err
				}
				return settles(t, p, sent) // TCP passes, uncounted
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestVerdicts holds the program to its answers by the kernel's test run.
func TestVerdicts(t *testing.T) {
	needRoot(t)
	known := [4]byte{198, 18, 0, 1}
	frame := xdp.Frame([6]byte{2, 0, 0, 0, 0, 1}, known)
	change := func(at int, b byte) []byte {
		f := append([]byte(nil), frame...)
		f[at] = b
		return f
	}
	p, err := xdp.Lookup([][4]byte{{198, 18, 7, 7}, known})
	if err != nil {
		t.Fatal(err)
	}
	defer closes(t, p)
	for _, c := range []struct {
		name, want string
		frame      []byte
	}{
		{"known destination", "drop", frame},
		{"another destination", "pass", change(33, 9)},
		{"TCP", "pass", change(23, 6)},
		{"ARP", "pass", change(13, 6)},
		{"too short", "pass", frame[:20]},
	} {
		got, each, err := p.Try(c.frame, 1000)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		t.Logf("%s: %s, %s a packet", c.name, got, each)
	}
}
