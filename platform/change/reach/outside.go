package reach

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// addresses are those of a range but of the ranges in it that policies name as well,
// so that a rule holds for all of them or for none. Without a range they are all
// that no policy names.
type addresses struct {
	block netip.Prefix
	but   []netip.Prefix
}

func (a *addresses) String() string {
	if !a.block.IsValid() {
		return "anyone outside"
	}
	var names []string
	for _, b := range a.but {
		names = append(names, b.String())
	}
	if len(names) == 0 {
		return "addresses " + a.block.String()
	}
	return "addresses " + a.block.String() + " but " + strings.Join(names, " and ")
}

// outside are the peers that are no pods and that policies speak of.
func outside(worlds ...*World) []*pod {
	blocks, named := map[netip.Prefix]bool{}, map[string]bool{}
	for _, w := range worlds {
		for _, q := range w.policies {
			for _, r := range q.all() {
				for _, peer := range r.peers {
					for _, b := range append(slices.Clone(peer.except), peer.block) {
						blocks[b] = b.IsValid() && b != everything()
					}
					for _, e := range peer.names() {
						named[e] = true
					}
				}
			}
		}
	}
	maps.DeleteFunc(blocks, func(_ netip.Prefix, told bool) bool { return !told })
	world := identity{"reserved.world": ""}
	out := []*pod{{outside: &addresses{}, identity: world}}
	sorted := slices.SortedFunc(maps.Keys(blocks), func(a, b netip.Prefix) int { return cmp.Compare(a.String(), b.String()) })
	for _, b := range sorted {
		out = append(out, &pod{outside: &addresses{block: b, but: within(b, sorted)}, identity: world})
	}
	for _, e := range slices.Sorted(maps.Keys(named)) {
		out = append(out, &pod{entity: e, identity: identity{"reserved." + e: ""}})
	}
	return out
}

func everything() netip.Prefix { return netip.PrefixFrom(netip.IPv4Unspecified(), 0) }

// within are the widest ranges inside of another.
func within(b netip.Prefix, all []netip.Prefix) []netip.Prefix {
	inner := func(outer, p netip.Prefix) bool { return outer.Bits() < p.Bits() && outer.Contains(p.Addr()) }
	var out []netip.Prefix
	for _, p := range all {
		if inner(b, p) && !slices.ContainsFunc(all, func(q netip.Prefix) bool { return inner(b, q) && inner(q, p) }) {
			out = append(out, p)
		}
	}
	return out
}

// holds says that a peer's range has these addresses, and none of its exceptions.
func (p peer) holds(a *addresses) bool {
	if !a.block.IsValid() {
		return p.block == everything() && !slices.Contains(p.except, everything())
	}
	covers := func(b netip.Prefix) bool {
		return b.IsValid() && b.Bits() <= a.block.Bits() && b.Contains(a.block.Addr())
	}
	return covers(p.block) && !slices.ContainsFunc(p.except, covers)
}

// block reads a range, or one address.
func block(text string) netip.Prefix {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a, a.BitLen())
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}
	}
	return p.Masked()
}
