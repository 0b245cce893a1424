package packets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"dualtrack.internal/platform/experiment"
	"dualtrack.internal/platform/preflight/xdp"
)

// Name is the experiment's name.
const Name = "packets"

// perPacket is what every run measures.
const perPacket = "cpu_ns_per_packet"

// Options are how much is measured. The zero value is the whole experiment.
type Options struct {
	Rules  []int // numbers of rules, each an arm of both kinds; default 10, 100, 1,000, 10,000
	Rounds int   // default 5
	Work   int   // rules walked in a run at the most, so that long chains get fewer packets; default 40 million
}

// Plan is the experiment. The base is the lookup with the fewest entries, whose
// second run is the control. Error: root or iptables is missing.
func Plan(o Options) (experiment.Plan, error) {
	if len(o.Rules) == 0 {
		o.Rules = []int{10, 100, 1000, 10_000}
	}
	if o.Rounds == 0 {
		o.Rounds = 5
	}
	if o.Work == 0 {
		o.Work = 40_000_000
	}
	if os.Geteuid() != 0 {
		return experiment.Plan{}, errors.New("experiment packets: network namespaces and programs in the kernel need root")
	}
	restore, err := exec.LookPath("iptables-restore")
	if err != nil {
		return experiment.Plan{}, fmt.Errorf("experiment packets: %w: apt-get install iptables", err)
	}
	p := experiment.Plan{
		Name: Name,
		Question: "What does it cost to drop a packet to one of N addresses: a chain of N iptables rules, walked to its last, " +
			"against one look from XDP into a hash of N? The cost of sending is in both.",
		Metrics: []experiment.Metric{{Name: perPacket, Unit: "ns", LowerIsBetter: true}},
		Rounds:  o.Rounds,
	}
	for i, n := range o.Rules {
		packets := min(50_000, max(o.Work/n, 500))
		lookup := experiment.Arm{Name: fmt.Sprintf("xdp-%d", n), Run: func(ctx context.Context) (experiment.Sample, error) { return lookupRun(ctx, n, packets) }}
		chain := experiment.Arm{Name: fmt.Sprintf("iptables-%d", n), Run: func(ctx context.Context) (experiment.Sample, error) { return chainRun(ctx, restore, n, packets) }}
		if i == 0 {
			p.Base = lookup
		} else {
			p.Others = append(p.Others, lookup)
		}
		p.Others = append(p.Others, chain)
	}
	return p, nil
}

// address is the n-th of the addresses that are dropped; packets go to the last.
func address(n int) [4]byte { return [4]byte{198, 19, byte(n >> 8), byte(n)} }

// lookupRun drops packets in XDP, generic, by a hash of n addresses.
func lookupRun(ctx context.Context, n, packets int) (experiment.Sample, error) {
	var sample experiment.Sample
	err := xdp.InNamespace(ctx, func(pair xdp.Pair) (err error) {
		all := make([][4]byte, n)
		for i := range all {
			all[i] = address(i)
		}
		p, err := xdp.Lookup(all)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, p.Close()) }()
		l, err := p.Attach(pair.Near.Index, xdp.Generic)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, l.Close()) }()
		sample, err = measure(ctx, pair, n, packets, p.Counters.Sum)
		return err
	})
	return sample, err
}

// chainRun drops packets by the last of n rules, before the kernel routes them.
func chainRun(ctx context.Context, restore string, n, packets int) (experiment.Sample, error) {
	var sample experiment.Sample
	err := xdp.InNamespace(ctx, func(pair xdp.Pair) (err error) {
		var rules strings.Builder
		rules.WriteString("*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n")
		for i := range n {
			a := address(i)
			fmt.Fprintf(&rules, "-A PREROUTING -d %s/32 -p udp -j DROP\n", net.IP(a[:]))
		}
		rules.WriteString("COMMIT\n")
		// The child starts in the namespace of this thread.
		if err := command(ctx, restore, rules.String(), nil); err != nil {
			return err
		}
		sample, err = measure(ctx, pair, n, packets, func() (uint64, error) { return dropped(ctx, restore, n) })
		return err
	})
	return sample, err
}

// dropped reads the counter of the last rule.
func dropped(ctx context.Context, restore string, n int) (uint64, error) {
	var out bytes.Buffer
	save := strings.TrimSuffix(restore, "restore") + "save"
	if err := command(ctx, save, "", &out, "-c", "-t", "raw"); err != nil {
		return 0, err
	}
	a := address(n - 1)
	want := fmt.Sprintf("-d %s/32 ", net.IP(a[:]))
	for line := range strings.Lines(out.String()) {
		var packets, octets uint64
		if !strings.Contains(line, want) {
			continue
		}
		if _, err := fmt.Sscanf(line, "[%d:%d]", &packets, &octets); err != nil {
			return 0, fmt.Errorf("reading the counters of iptables: %w", err)
		}
		return packets, nil
	}
	return 0, fmt.Errorf("iptables lost the rule for %s", net.IP(a[:]))
}

func command(ctx context.Context, path, in string, out *bytes.Buffer, args ...string) error {
	var words bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdin, cmd.Stderr = strings.NewReader(in), &words
	if out != nil {
		cmd.Stdout = out
	}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", path, err, strings.TrimSpace(words.String()))
	}
	return nil
}

// measure sends packets to the n-th address and takes the CPU time of the sending
// thread, on which the kernel also receives and drops them. Every packet must
// have been dropped, or there is no sample.
func measure(ctx context.Context, pair xdp.Pair, n, packets int, count func() (uint64, error)) (experiment.Sample, error) {
	frame := xdp.Frame([6]byte(pair.Near.HardwareAddr), address(n-1))
	warm := packets / 10
	if err := xdp.Send(ctx, pair.Far.Index, frame, warm); err != nil {
		return nil, err
	}
	before, err := threadTime()
	if err != nil {
		return nil, err
	}
	if err := xdp.Send(ctx, pair.Far.Index, frame, packets); err != nil {
		return nil, err
	}
	after, err := threadTime()
	if err != nil {
		return nil, err
	}
	got, err := settled(ctx, uint64(warm+packets), count)
	if err != nil {
		return nil, err
	}
	if want := uint64(warm + packets); got != want {
		return nil, fmt.Errorf("%d of %d packets were dropped where they should be", got, want)
	}
	return experiment.Sample{perPacket: float64((after - before).Nanoseconds()) / float64(packets)}, nil
}

// settled waits until all packets are counted, for two seconds at the most.
func settled(ctx context.Context, want uint64, count func() (uint64, error)) (uint64, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var got uint64
	for range 100 {
		var err error
		if got, err = count(); err != nil || got >= want {
			return got, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return got, ctx.Err()
		}
	}
	return got, nil
}

// rusageThread asks for this thread's share alone.
const rusageThread = 1

func threadTime() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(rusageThread, &u); err != nil {
		return 0, os.NewSyscallError("getrusage", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}
