package preflight

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Card is a network card of the machine that has a driver.
type Card struct {
	Name   string `json:"name"`
	Driver string `json:"driver"`
	MTU    int    `json:"mtu"`
	Node   int    `json:"numaNode"` // -1 where the machine names none
	XDP    string `json:"xdp"`      // native, generic or not possible, by its driver and the kernel
	Why    string `json:"why"`
	Queues []IRQ  `json:"queues,omitempty"`
}

// IRQ is the interrupt of one queue of a card.
type IRQ struct {
	Number int    `json:"number"`
	Name   string `json:"name"` // as /proc/interrupts has it
	CPUs   string `json:"cpus"` // that it may go to now
}

// nativeSince is the kernel from which a driver runs XDP itself.
func nativeSince(driver string) (version, bool) {
	v, ok := map[string]version{
		"bnxt_en": {4, 11}, "bonding": {5, 15}, "ena": {5, 6}, "hv_netvsc": {5, 6}, "i40e": {4, 13}, "ice": {5, 5},
		"ixgbe": {4, 12}, "ixgbevf": {4, 17}, "mlx4_core": {4, 8}, "mlx5_core": {4, 9}, "nfp": {4, 10}, "qede": {4, 10},
		"sfc": {5, 5}, "tun": {4, 14}, "veth": {4, 19}, "virtio_net": {4, 10},
	}[driver]
	return v, ok
}

// genericSince is the kernel from which XDP runs for cards whose driver has none.
func genericSince() version { return version{4, 12} }

// linearMTU is the most that drivers take whose buffers for XDP are one page.
const linearMTU = 3818

func onePage(driver string) bool { return driver == "ena" || driver == "virtio_net" }

// cards finds the machine's cards and judges them.
func (r *Report) cards(root fs.FS, v version) {
	entries, err := fs.ReadDir(root, "sys/class/net")
	if err != nil {
		r.add("cards", Unknown, "the cards can't be read", "mount /sys")
		return
	}
	interrupts, err := readInterrupts(root)
	if err != nil {
		r.add("interrupts", Unknown, "they can't be read: "+err.Error(), "mount /proc")
	}
	for _, e := range entries {
		dir := path.Join("sys/class/net", e.Name())
		event, err := readFile(root, dir+"/device/uevent")
		driver := value(event, "DRIVER")
		if err != nil || driver == "" {
			continue // a card that is software
		}
		c := Card{Name: e.Name(), Driver: driver, MTU: number(root, dir+"/mtu", 0), Node: number(root, dir+"/device/numa_node", -1)}
		c.Queues = queuesOf(root, c.Name, value(event, "PCI_SLOT_NAME"), interrupts)
		c.judge(v)
		r.Cards = append(r.Cards, c)
	}
	r.judgeCards()
}

// judge says which mode of XDP the card's driver has.
func (c *Card) judge(v version) {
	from, known := nativeSince(c.Driver)
	c.XDP = Generic
	switch {
	case v != version{} && v.before(genericSince()):
		c.XDP, c.Why = NotPossible, fmt.Sprintf("the kernel runs XDP for every card from Linux %s on", genericSince())
	case !known:
		c.Why = "its driver is not known to run XDP itself"
	case v == version{}:
		c.Why = fmt.Sprintf("its driver runs XDP from Linux %s on, and this kernel's version is not known", from)
	case v.before(from):
		c.Why = fmt.Sprintf("its driver runs XDP from Linux %s on", from)
	case onePage(c.Driver) && c.MTU > linearMTU:
		c.Why = fmt.Sprintf("its driver takes an MTU of at most %d with XDP; this is %d", linearMTU, c.MTU)
	case onePage(c.Driver):
		c.XDP, c.Why = Native, "needs a queue more for each CPU: halve the channels (ethtool -L)"
	case c.Driver == "hv_netvsc":
		c.XDP, c.Why = Native, "large receive offload must be off (ethtool -K)"
	default:
		c.XDP, c.Why = Native, fmt.Sprintf("its driver runs XDP from Linux %s on", from)
	}
}

// judgeCards says what the cards have in common.
func (r *Report) judgeCards() {
	if len(r.Cards) == 0 {
		r.add("cards", Note, "none has a driver", "")
		return
	}
	var mtus []string
	for _, c := range r.Cards {
		if mtu := strconv.Itoa(c.MTU); !slices.Contains(mtus, mtu) {
			mtus = append(mtus, mtu)
		}
	}
	if len(mtus) > 1 {
		r.add("MTU", Note, "cards differ: "+strings.Join(mtus, ", "), "set mtu in cilium-config to the least")
	} else {
		r.add("MTU", OK, mtus[0], "")
	}
}

// value is a line's value in a file of NAME=value lines.
func value(text, name string) string {
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(line, name+"="); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func number(root fs.FS, name string, otherwise int) int {
	text, err := readFile(root, name)
	if err != nil {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return otherwise
	}
	return n
}

// readInterrupts reads /proc/interrupts: number → name of its last column.
func readInterrupts(root fs.FS) (map[int]string, error) {
	text, err := readFile(root, "proc/interrupts")
	if err != nil {
		return nil, err
	}
	return parseInterrupts(text), nil
}

func parseInterrupts(text string) map[int]string {
	out := map[int]string{}
	for line := range strings.Lines(text) {
		head, rest, ok := strings.Cut(line, ":")
		n, err := strconv.Atoi(strings.TrimSpace(head))
		fields := strings.Fields(rest)
		if ok && err == nil && n >= 0 && len(fields) > 0 {
			out[n] = fields[len(fields)-1]
		}
	}
	return out
}

// notQueues are interrupts of a card that carry no packets.
var notQueues = regexp.MustCompile(`(?i)config|async|mgmt|ctrl|control|event|misc|admin|cmd`)

// queuesOf are a card's interrupts that carry packets, by number.
func queuesOf(root fs.FS, card, slot string, interrupts map[int]string) []IRQ {
	owners := []string{card}
	if found, err := fs.Glob(root, "sys/bus/virtio/devices/virtio*/net/"+card); err == nil {
		for _, f := range found {
			owners = append(owners, path.Base(path.Dir(path.Dir(f))))
		}
	}
	var out []IRQ
	for n, name := range interrupts {
		mine := slot != "" && strings.HasSuffix(name, "@pci:"+slot)
		for _, owner := range owners {
			mine = mine || name == owner || strings.HasPrefix(name, owner+"-")
		}
		if !mine || notQueues.MatchString(name) {
			continue
		}
		cpus, err := readFile(root, fmt.Sprintf("proc/irq/%d/smp_affinity_list", n))
		if err != nil {
			cpus = ""
		}
		out = append(out, IRQ{Number: n, Name: name, CPUs: cpus})
	}
	slices.SortFunc(out, func(a, b IRQ) int { return a.Number - b.Number })
	return out
}
