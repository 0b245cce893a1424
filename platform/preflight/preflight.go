// Package preflight looks at a machine before it becomes a node: its kernel, its
// network cards and what they can do for XDP, its interrupts against the CPUs
// that pods must not have. It reads a file tree, and tries XDP for real on
// virtual cards of its own. It changes nothing of the machine: a systemd unit
// that would is text. What it could not look at it says, and never calls well.
package preflight

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// State is the word on one thing that was looked at.
type State string

// The words.
const (
	OK      State = "ok"
	Bad     State = "bad"
	Note    State = "note"
	Unknown State = "not judgeable here"
)

// Check is one thing that was looked at.
type Check struct {
	Name   string `json:"name"`
	State  State  `json:"state"`
	Detail string `json:"detail"`
	Mend   string `json:"mend,omitempty"`
}

// Attempt is a program that was attached to a virtual card, or was not.
type Attempt struct {
	Mode     string `json:"mode"` // native or generic
	Attached bool   `json:"attached"`
	Counted  uint64 `json:"counted"` // packets, of Sent
	Sent     uint64 `json:"sent"`
	Error    string `json:"error,omitempty"`
}

// Trial is what XDP did on this kernel.
type Trial struct {
	Attempts []Attempt `json:"attempts"`
	Verdict  string    `json:"verdict"`     // what the program answers for a packet it knows
	Each     int64     `json:"nanoseconds"` // one run of the program by BPF_PROG_TEST_RUN
}

// Report is what was found.
type Report struct {
	Kernel string  `json:"kernel,omitempty"`
	XDP    string  `json:"xdp,omitempty"` // native, generic or not possible, for all cards together
	Checks []Check `json:"checks"`
	Cards  []Card  `json:"cards,omitempty"`
	Trial  *Trial  `json:"trial,omitempty"`
	Pins   []Pin   `json:"pins,omitempty"`
}

// Options say what to look at.
type Options struct {
	OS       string // runtime.GOOS of the machine
	Root     fs.FS  // its file system
	Reserved string // the kubelet's reservedSystemCPUs, "" where none are named
	// Acceleration and Devices are bpf-lb-acceleration and devices of the cluster
	// that the machine is for, "" where it is for none yet.
	Acceleration, Devices string
	// Try tries XDP. Error: the reason why it could not.
	Try func(context.Context) (*Trial, error)
}

// ErrNotPossible says that this machine has no XDP to try.
var ErrNotPossible = errors.New("XDP is Linux only")

// Look looks at a machine. Error: the context's end.
func Look(ctx context.Context, o Options) (*Report, error) {
	r := &Report{}
	if o.OS != "linux" {
		r.add("system", Unknown, "nodes run Linux only; this machine runs "+o.OS, "run this on the machine that becomes a node")
		return r, nil
	}
	v := r.kernel(o.Root)
	r.cards(o.Root, v)
	r.pinning(o.Root, o.Reserved)
	trial, err := o.Try(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	r.trial(trial, err)
	r.verdict(o.Acceleration, o.Devices)
	return r, nil
}

func (r *Report) add(name string, s State, detail, mend string) {
	r.Checks = append(r.Checks, Check{Name: name, State: s, Detail: detail, Mend: mend})
}

// Refused are the checks that are bad.
func (r *Report) Refused() []Check {
	var out []Check
	for _, c := range r.Checks {
		if c.State == Bad {
			out = append(out, c)
		}
	}
	return out
}

// trial judges what was tried.
func (r *Report) trial(t *Trial, err error) {
	if err != nil {
		r.add("XDP", Unknown, "it was not tried: "+err.Error(), "run this as root on Linux")
		return
	}
	r.Trial = t
	could := []string{}
	for _, a := range t.Attempts {
		switch {
		case !a.Attached:
			r.add("XDP "+a.Mode, Bad, "not possible on a virtual card: "+a.Error, "enable CONFIG_BPF_SYSCALL, CONFIG_VETH and the JIT compiler in the kernel")
		case a.Counted != a.Sent:
			r.add("XDP "+a.Mode, Bad, fmt.Sprintf("attached to a virtual card, but it saw %d of %d packets", a.Counted, a.Sent), "look for another program on the path, and report the kernel")
		default:
			could = append(could, a.Mode)
		}
	}
	if len(could) > 0 {
		r.add("XDP", OK, fmt.Sprintf("attached to a virtual card: %s; verdict %s, %d ns a packet by the kernel's test run", strings.Join(could, ", "), t.Verdict, t.Each), "")
	}
}

// readFile reads a small file of the machine.
func readFile(root fs.FS, name string) (string, error) {
	f, err := root.Open(name)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(f, 4<<20))
	return strings.TrimSpace(string(text)), errors.Join(err, f.Close())
}
