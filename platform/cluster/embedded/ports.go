package embedded

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"dualtrack.internal/platform/cluster"
)

// ensurePorts fills the ports that the plan needs and id lacks. Ports that
// another process took while nothing of the cluster runs are given up for new
// ones; it returns a line for each of those. Peers of a store of several
// members know each other by port, so theirs are never given up. The ports stay
// claimed until release is called, by when the programs listen on them.
func (p *Provider) ensurePorts(ctx context.Context, pl planner, id *identity, running []live) (changed []string, release func(), err error) {
	p.portsMu.Lock() // until the identity is written: the next cluster reads it
	defer p.portsMu.Unlock()
	used, err := p.portsOfOthers(pl.layout.name)
	if err != nil {
		return nil, nil, err
	}
	if id.Ports == nil {
		id.Ports = map[string]int{}
	}
	var claims claims
	for _, name := range pl.portNames() {
		port, known := id.Ports[name]
		if known && (len(running) > 0 || pl.keepsPort(name) || claims.take(ctx, port)) {
			continue
		}
		fresh, err := p.freePort(ctx, pl.layout.name, used, id.Ports, &claims)
		if err != nil {
			claims.release()
			return nil, nil, fmt.Errorf("cluster %s: port for %s: %w", pl.layout.name, name, err)
		}
		id.Ports[name] = fresh
		if known {
			changed = append(changed, fmt.Sprintf("port of %s: %d is taken by another process, now %d", name, port, fresh))
		}
	}
	if err := pl.layout.writeIdentity(*id); err != nil {
		claims.release()
		return nil, nil, err
	}
	return changed, claims.release, nil
}

// claims keeps other providers of this machine, whatever their state folder,
// from picking the same ports before the programs listen on them. A claim is a
// UDP socket on the port, which no program here uses; it dies with its process.
type claims struct{ held []net.PacketConn }

// take claims a port if nobody else has, and nobody listens on it.
func (c *claims) take(ctx context.Context, port int) bool {
	var lc net.ListenConfig
	conn, err := lc.ListenPacket(ctx, "udp4", net.JoinHostPort(loopback, strconv.Itoa(port)))
	if err != nil {
		return false
	}
	if !portFree(ctx, port) {
		_ = conn.Close()
		return false
	}
	c.held = append(c.held, conn)
	return true
}

func (c *claims) release() {
	for _, conn := range c.held {
		_ = conn.Close()
	}
}

// keepsPort says that a port is written into the store's own data.
func (pl planner) keepsPort(name string) bool {
	if pl.members() == 1 {
		return false
	}
	for _, m := range pl.memberNames() {
		if name != m+" peer" {
			continue
		}
		_, err := os.Stat(pl.layout.path("data", m, "member"))
		return err == nil
	}
	return false
}

// portsOfOthers are the ports recorded by the other clusters, running or not.
func (p *Provider) portsOfOthers(name string) (map[int]bool, error) {
	files, err := filepath.Glob(filepath.Join(cluster.EscapeGlob(p.cfg.StateDir), "*", "cluster.json"))
	if err != nil {
		return nil, fmt.Errorf("ports of other clusters: %w", err)
	}
	used := map[int]bool{}
	for _, f := range files {
		other := layout{name: filepath.Base(filepath.Dir(f)), root: filepath.Dir(f)}
		if other.name == name {
			continue
		}
		id, err := other.readIdentity()
		if err != nil {
			continue // damaged, or just being removed: it is reported when it is used
		}
		for _, port := range id.Ports {
			used[port] = true
		}
	}
	return used, nil
}

// freePort finds and claims a port that can be bound. Ports that the system hands to
// outgoing connections are a last resort: one of those may sit on the port of a
// stopped cluster.
func (p *Provider) freePort(ctx context.Context, name string, used map[int]bool, mine map[string]int, c *claims) (int, error) {
	low, high := ephemeralPorts()
	span := p.cfg.LastPort - p.cfg.FirstPort + 1
	offset := startOffset(p.cfg.StateDir+"/"+name) % span
	taken := func(port int) bool {
		if used[port] {
			return true
		}
		for _, m := range mine {
			if m == port {
				return true
			}
		}
		return false
	}
	var late []int
	for i := range span {
		port := p.cfg.FirstPort + (offset+i)%span
		if taken(port) {
			continue
		}
		if port >= low && port <= high {
			late = append(late, port)
			continue
		}
		if c.take(ctx, port) {
			return port, nil
		}
	}
	if i := slices.IndexFunc(late, func(port int) bool { return c.take(ctx, port) }); i >= 0 {
		return late[i], nil
	}
	return 0, fmt.Errorf("no port from %d to %d is free; end what listens there", p.cfg.FirstPort, p.cfg.LastPort)
}

// startOffset spreads clusters and state folders over the range, so that two
// users of one machine seldom try the same ports.
func startOffset(s string) int {
	h := uint32(2166136261) // FNV-1a
	for _, c := range []byte(s) {
		h = (h ^ uint32(c)) * 16777619
	}
	return int(h >> 1)
}

func portFree(ctx context.Context, port int) bool {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp4", net.JoinHostPort(loopback, strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return listener.Close() == nil
}

// portPatience is how long a port may look taken before it counts as taken: a
// program that was just ended, or another provider that tries ports, lets it go.
const portPatience = 2 * time.Second

// checkPorts names the owner of a port that a program is about to need.
func (l layout) checkPorts(ctx context.Context, proc process, ports map[string]int) error {
	deadline := time.NewTimer(portPatience)
	defer deadline.Stop()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for _, use := range proc.ports {
		for !portFree(ctx, ports[use]) {
			select {
			case <-ctx.Done():
				return nil // the caller says why
			case <-tick.C:
				continue
			case <-deadline.C:
			}
			pid, command := portOwner(ports[use])
			return &PortError{Cluster: l.name, Use: use, Port: ports[use], PID: pid, Command: command}
		}
	}
	return nil
}
