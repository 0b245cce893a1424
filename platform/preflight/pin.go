package preflight

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"dualtrack.internal/platform/catalog"
)

// Pin binds the interrupt of a card's queue to one CPU.
type Pin struct {
	Card string `json:"card"`
	Name string `json:"name"` // of the interrupt: numbers change at every boot
	CPU  int    `json:"cpu"`
}

// pinning binds the queues of each card to CPUs of its NUMA node that pods must
// not have, and says where that contradicts what is there.
func (r *Report) pinning(root fs.FS, reserved string) {
	queues := 0
	for _, c := range r.Cards {
		queues += len(c.Queues)
	}
	if queues == 0 {
		r.add("pinning", Unknown, "no interrupt of a card's queue was found", "")
		return
	}
	if reserved == "" {
		r.add("pinning", Note, fmt.Sprintf("%d queues; no CPUs are named that pods must not have", queues), "say --reserved-cpus as the kubelet's reservedSystemCPUs has them")
		return
	}
	before := len(r.Refused())
	cpus := r.reservedCPUs(root, reserved)
	if cpus == nil {
		return
	}
	r.balancer(root)
	var pins []Pin
	for _, c := range r.Cards {
		pins = append(pins, r.pinCard(root, c, cpus)...)
	}
	if len(r.Refused()) == before {
		r.Pins = pins
		var used []int
		for _, p := range pins {
			used = append(used, p.CPU)
		}
		slices.Sort(used)
		r.add("pinning", OK, fmt.Sprintf("%d queues to CPUs %s", len(pins), formatCPUs(slices.Compact(used))), "")
	}
}

// reservedCPUs reads the list and compares it with the machine; nil where it
// can't be used.
func (r *Report) reservedCPUs(root fs.FS, reserved string) []int {
	cpus, err := catalog.ParseCPUs(reserved)
	if err != nil || len(cpus) == 0 {
		r.add("reserved CPUs", Bad, fmt.Sprintf("%q names none: %v", reserved, err), "write them as 0-3,8")
		return nil
	}
	text, err := readFile(root, "sys/devices/system/cpu/online")
	online, parseErr := catalog.ParseCPUs(text)
	if err != nil || parseErr != nil {
		r.add("reserved CPUs", Unknown, "which CPUs the machine has can't be read", "mount /sys")
		return nil
	}
	switch here, missing := both(cpus, online); {
	case len(missing) > 0:
		r.add("reserved CPUs", Bad, fmt.Sprintf("CPUs %s are not online; the machine has %s", formatCPUs(missing), formatCPUs(online)), "correct reservedSystemCPUs")
		return nil
	case len(here) == len(online):
		r.add("reserved CPUs", Bad, "they are all that the machine has: pods would get none", "leave some out of reservedSystemCPUs")
		return nil
	}
	if !r.isolatedCPUs(root, cpus) {
		return nil
	}
	return cpus
}

// isolatedCPUs compares the reserved CPUs with those that the kernel's scheduler
// leaves alone (isolcpus), and says whether they agree.
func (r *Report) isolatedCPUs(root fs.FS, reserved []int) bool {
	text, err := readFile(root, "sys/devices/system/cpu/isolated")
	isolated, parseErr := catalog.ParseCPUs(text)
	switch {
	case err != nil || text != "" && parseErr != nil:
		r.add("isolated CPUs", Unknown, "which CPUs the kernel isolates can't be read", "mount /sys")
		return true
	case text == "":
		return true
	}
	clash, pods := both(isolated, reserved)
	if len(clash) > 0 {
		r.add("isolated CPUs", Bad, fmt.Sprintf("CPUs %s are reserved and isolated (isolcpus): the system's threads are not spread over them, and packets would wait behind", formatCPUs(clash)),
			"take them out of isolcpus, or out of reservedSystemCPUs")
		return false
	}
	r.add("isolated CPUs", Note, fmt.Sprintf("CPUs %s are isolated and the kubelet does not know it: pods without CPUs of their own are not spread over them", formatCPUs(pods)),
		"let cpuManagerPolicy static hand CPUs out, without isolcpus")
	return true
}

// balancer says whether a program is there that would undo the pinning.
func (r *Report) balancer(root fs.FS) {
	names, err := fs.Glob(root, "proc/[0-9]*/comm")
	if err != nil || len(names) == 0 {
		r.add("irqbalance", Unknown, "processes can't be read", "mount /proc")
		return
	}
	for _, name := range names {
		if comm, err := readFile(root, name); err == nil && comm == "irqbalance" {
			r.add("irqbalance", Note, "it runs and moves interrupts; the unit stops it", "")
			return
		}
	}
}

// pinCard binds one card's queues: both directions of one number to one CPU.
func (r *Report) pinCard(root fs.FS, c Card, reserved []int) []Pin {
	local := reserved
	if c.Node >= 0 {
		text, err := readFile(root, path.Join("sys/devices/system/node", "node"+strconv.Itoa(c.Node), "cpulist"))
		near, parseErr := catalog.ParseCPUs(text)
		if err != nil || parseErr != nil {
			r.add("pinning "+c.Name, Unknown, fmt.Sprintf("the CPUs of NUMA node %d can't be read", c.Node), "mount /sys")
			return nil
		}
		if local, _ = both(reserved, near); len(local) == 0 {
			r.add("pinning "+c.Name, Bad, fmt.Sprintf("it is on NUMA node %d, CPUs %s, and none of the reserved CPUs %s is", c.Node, formatCPUs(near), formatCPUs(reserved)),
				"reserve CPUs of that node, or every packet crosses nodes")
			return nil
		}
	}
	var pins []Pin
	var astray []string
	for i, q := range c.Queues {
		if !safeName.MatchString(q.Name) {
			r.add("pinning "+c.Name, Bad, fmt.Sprintf("the interrupt's name %q can't stand in a unit", q.Name), "bind it by hand")
			return nil
		}
		pins = append(pins, Pin{Card: c.Name, Name: q.Name, CPU: local[queueNumber(q.Name, i)%len(local)]})
		if now, err := catalog.ParseCPUs(q.CPUs); err == nil && len(now) > 0 {
			if _, outside := both(now, reserved); len(outside) > 0 {
				astray = append(astray, q.Name)
			}
		}
	}
	if len(astray) > 0 {
		r.add("interrupts "+c.Name, Note, fmt.Sprintf("%s may go to CPUs of pods now", strings.Join(slices.Compact(astray), ", ")), "install the unit (--unit)")
	}
	return pins
}

var (
	safeName = regexp.MustCompile(`^[A-Za-z0-9_.@:-]+$`)
	trailing = regexp.MustCompile(`\d+$|\d+@`)
)

// queueNumber is the number in a queue's name ("eth0-TxRx-3", "mlx5_comp3@pci:…"),
// else its place.
func queueNumber(name string, place int) int {
	n, err := strconv.Atoi(strings.TrimSuffix(trailing.FindString(beforeSlot(name)), "@"))
	if err != nil {
		return place
	}
	return n
}

// beforeSlot leaves the PCI address out, whose digits count nothing.
func beforeSlot(name string) string {
	head, _, _ := strings.Cut(name, "@pci:")
	return head
}
