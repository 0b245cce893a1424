package xdp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
)

// Mode is where a program is attached.
type Mode string

// The modes: in the card's driver, and in the kernel's own path after it.
const (
	Native  Mode = "native"
	Generic Mode = "generic"
)

// What a program answers for a packet.
const (
	drop = 1 // XDP_DROP
	pass = 2 // XDP_PASS
)

// Places in an Ethernet frame with an IPv4 packet.
const (
	etherType   = 12
	protocol    = 23
	destination = 30
	headers     = 34
	udp         = 17
	ipv4        = 0x0008 // as a half word of a little-endian machine
)

// Counters counts what it dropped, by CPU.
type Counters struct{ *ebpf.Map }

// Sum is the count over all CPUs.
func (c Counters) Sum() (uint64, error) {
	var each []uint64
	if err := c.Lookup(uint32(0), &each); err != nil {
		return 0, fmt.Errorf("reading the counters: %w", err)
	}
	var sum uint64
	for _, n := range each {
		sum += n
	}
	return sum, nil
}

// Program drops IPv4/UDP packets and counts them; all others pass.
type Program struct {
	*ebpf.Program
	Counters Counters
	table    *ebpf.Map
}

// Close takes the program and its maps out of the kernel.
func (p *Program) Close() error {
	errs := []error{p.Program.Close(), p.Counters.Close()}
	if p.table != nil {
		errs = append(errs, p.table.Close())
	}
	return errors.Join(errs...)
}

// Dropper loads a program that drops every IPv4/UDP packet.
func Dropper() (*Program, error) { return load(nil) }

// Lookup loads a program that drops IPv4/UDP packets to the given destinations:
// one look into a hash, whatever their number.
func Lookup(destinations [][4]byte) (*Program, error) {
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, fmt.Errorf("lifting the limit of locked memory: %w", err)
	}
	table, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 4, MaxEntries: uint32(max(len(destinations), 1))})
	if err != nil {
		return nil, fmt.Errorf("making the table: %w", err)
	}
	for _, d := range destinations {
		if err := table.Put(d, uint32(1)); err != nil {
			return nil, errors.Join(fmt.Errorf("filling the table: %w", err), table.Close())
		}
	}
	p, err := load(table)
	if err != nil {
		return nil, errors.Join(err, table.Close())
	}
	return p, nil
}

func load(table *ebpf.Map) (*Program, error) {
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, fmt.Errorf("lifting the limit of locked memory: %w", err)
	}
	counters, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if err != nil {
		return nil, fmt.Errorf("making the counters: %w", err)
	}
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, License: "MIT", Instructions: instructions(counters, table)})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("loading the program: %w", err), counters.Close())
	}
	return &Program{Program: prog, Counters: Counters{counters}, table: table}, nil
}

// instructions are: pass what is too short, not IPv4, not UDP or not in the
// table; count the rest, and drop it.
func instructions(counters, table *ebpf.Map) asm.Instructions {
	out := asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, 0, asm.Word),
		asm.LoadMem(asm.R3, asm.R1, 4, asm.Word),
		asm.Mov.Reg(asm.R4, asm.R2),
		asm.Add.Imm(asm.R4, headers),
		asm.JGT.Reg(asm.R4, asm.R3, "pass"),
		asm.LoadMem(asm.R5, asm.R2, etherType, asm.Half),
		asm.JNE.Imm(asm.R5, ipv4, "pass"),
		asm.LoadMem(asm.R5, asm.R2, protocol, asm.Byte),
		asm.JNE.Imm(asm.R5, udp, "pass"),
	}
	if table != nil {
		out = append(out,
			asm.LoadMem(asm.R5, asm.R2, destination, asm.Word),
			asm.StoreMem(asm.RFP, -8, asm.R5, asm.Word))
		out = append(out, find(table, -8)...)
		out = append(out, asm.JEq.Imm(asm.R0, 0, "pass"))
	}
	out = append(out, asm.StoreImm(asm.RFP, -4, 0, asm.Word))
	out = append(out, find(counters, -4)...)
	return append(out,
		asm.JEq.Imm(asm.R0, 0, "drop"),
		asm.LoadMem(asm.R1, asm.R0, 0, asm.DWord),
		asm.Add.Imm(asm.R1, 1),
		asm.StoreMem(asm.R0, 0, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R0, drop).WithSymbol("drop"),
		asm.Return(),
		asm.Mov.Imm(asm.R0, pass).WithSymbol("pass"),
		asm.Return(),
	)
}

// find looks a key of the stack up in a map.
func find(m *ebpf.Map, at int32) asm.Instructions {
	return asm.Instructions{
		asm.LoadMapPtr(asm.R1, m.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, at),
		asm.FnMapLookupElem.Call(),
	}
}

// Attach puts the program on a card.
func (p *Program) Attach(card int, mode Mode) (link.Link, error) {
	flags := link.XDPGenericMode
	if mode == Native {
		flags = link.XDPDriverMode
	}
	l, err := link.AttachXDP(link.XDPOptions{Program: p.Program, Interface: card, Flags: flags})
	if err != nil {
		return nil, fmt.Errorf("attaching in %s mode: %w", mode, err)
	}
	return l, nil
}

// Try runs the program on a packet by the kernel's test run: its verdict, and the
// time one run takes. It is attached to nothing meanwhile.
func (p *Program) Try(frame []byte, repeat int) (string, time.Duration, error) {
	verdict, each, err := p.Benchmark(frame, repeat, nil)
	if err != nil {
		return "", 0, fmt.Errorf("running the program on a packet: %w", err)
	}
	switch verdict {
	case drop:
		return "drop", each, nil
	case pass:
		return "pass", each, nil
	}
	return fmt.Sprintf("verdict %d", verdict), each, nil
}

// Frame is an Ethernet frame of 64 bytes with an IPv4/UDP packet, from 198.18.0.2
// to an address.
func Frame(to [6]byte, address [4]byte) []byte {
	f := make([]byte, 64)
	copy(f, to[:])
	copy(f[6:], []byte{2, 0, 0, 0, 0, 2})
	f[etherType] = 0x08
	ip := f[14:]
	ip[0], ip[8], ip[9] = 0x45, 64, udp
	binary.BigEndian.PutUint16(ip[2:], 50)
	copy(ip[12:], []byte{198, 18, 0, 2})
	copy(ip[16:], address[:])
	var sum uint32
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(ip[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(ip[10:], ^uint16(sum))
	binary.BigEndian.PutUint16(ip[20:], 4000)
	binary.BigEndian.PutUint16(ip[22:], 5000)
	binary.BigEndian.PutUint16(ip[24:], 30)
	return f
}
