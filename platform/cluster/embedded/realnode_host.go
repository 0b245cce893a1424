package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dualtrack.internal/platform/tool"
)

// hostDir is where the machine's real nodes note what they share, of whatever
// fleet they are. It is gone after a boot, and so is what it tells of.
const hostDir = "/run/dualtrack"

// host is what the machine's real nodes changed of it.
type host struct {
	// Nodes has the link of each real node, by its cluster's folder.
	Nodes map[string]netip.Prefix `json:"nodes"`
	// Settings of the kernel, as they were before the first real node.
	Settings map[string]string `json:"settings"`
	// Folders that were made, outer ones first.
	Folders []string `json:"folders,omitempty"`
}

// kernelSettings are what a kubelet changes for the whole machine.
func kernelSettings() []string {
	return []string{
		"kernel/keys/root_maxbytes", "kernel/keys/root_maxkeys", "kernel/panic", "kernel/panic_on_oops",
		"vm/overcommit_memory", "vm/panic_on_oom",
	}
}

// hosts changes the machine's note under its lock. Paths are fields for tests.
type hosts struct{ dir, proc string }

func theHost() hosts { return hosts{dir: hostDir, proc: "/proc/sys"} }

func (h hosts) file() string { return filepath.Join(h.dir, "real-nodes.json") }

// change reads the note, lets do change it, and writes it. A note without nodes
// is removed.
func (h hosts) change(ctx context.Context, doing string, do func(*host) error) error {
	if err := os.MkdirAll(h.dir, 0o700); err != nil {
		return fmt.Errorf("note of this machine's real nodes: %w", err)
	}
	release, err := tool.Acquire(ctx, filepath.Join(h.dir, "lock"), doing, func(tool.Holder) {})
	if err != nil {
		return fmt.Errorf("note of this machine's real nodes: %w", err)
	}
	defer release()
	now := host{}
	data, err := os.ReadFile(h.file())
	if err == nil {
		err = json.Unmarshal(data, &now)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", h.file(), err)
	}
	if now.Nodes == nil {
		now.Nodes = map[string]netip.Prefix{}
	}
	if err := do(&now); err != nil {
		return err
	}
	if len(now.Nodes) > 0 {
		return writeJSON(h.file(), now)
	}
	if err := os.Remove(h.file()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("note of this machine's real nodes: %w", err)
	}
	return nil
}

// join notes a cluster's real node before it changes anything, and gives its
// link: the one it had, if that is free.
func (h hosts) join(ctx context.Context, root string, had netip.Prefix, folders []string) (got link, err error) {
	err = h.change(ctx, "starting a real node", func(now *host) error {
		now.forget(root)
		if len(now.Nodes) == 0 && now.Settings == nil {
			if now.Settings, err = h.settings(); err != nil {
				return err
			}
		}
		if known, ok := now.Nodes[root]; ok {
			got = link{known}
		} else if got.Prefix, err = freeLink(root, had, slices.Collect(maps.Values(now.Nodes))); err != nil {
			return err
		}
		now.Nodes[root] = got.Prefix
		made, err := makeFolders(folders)
		now.Folders = append(now.Folders, made...)
		return err
	})
	return got, err
}

// leave takes a cluster's real node from the note. The last one's leaving
// restores the machine.
func (h hosts) leave(ctx context.Context, root string) error {
	if _, err := os.Stat(h.file()); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return h.change(ctx, "stopping a real node", func(now *host) error {
		now.forget("")
		delete(now.Nodes, root)
		if len(now.Nodes) > 0 {
			return nil
		}
		for _, dir := range slices.Backward(now.Folders) {
			_ = os.Remove(dir) // stays when somebody else uses it now
		}
		return h.restore(now.Settings)
	})
}

// forget drops nodes of folders that are no more, except one.
func (n *host) forget(except string) {
	maps.DeleteFunc(n.Nodes, func(root string, _ netip.Prefix) bool {
		_, err := os.Stat(root)
		return root != except && errors.Is(err, fs.ErrNotExist)
	})
}

func (h hosts) settings() (map[string]string, error) {
	out := map[string]string{}
	for _, name := range kernelSettings() {
		data, err := os.ReadFile(filepath.Join(h.proc, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read the kernel's settings: %w", err)
		}
		out[name] = strings.TrimSpace(string(data))
	}
	return out, nil
}

func (h hosts) restore(settings map[string]string) error {
	now, err := h.settings()
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if now[name] == settings[name] || !slices.Contains(kernelSettings(), name) {
			continue
		}
		if err := os.WriteFile(filepath.Join(h.proc, name), []byte(settings[name]), 0); err != nil {
			return fmt.Errorf("restore the kernel's setting %s: %w", name, err)
		}
	}
	return nil
}

// makeFolders makes what is missing and lists it, outer ones first.
func makeFolders(wanted []string) (made []string, err error) {
	for _, dir := range wanted {
		var missing []string
		for at := dir; ; at = filepath.Dir(at) {
			if _, err := os.Stat(at); err == nil || at == filepath.Dir(at) {
				break
			}
			missing = append(missing, at)
		}
		for _, at := range slices.Backward(missing) {
			if err := os.Mkdir(at, 0o755); err != nil {
				return made, fmt.Errorf("make a folder for the node: %w", err)
			}
			made = append(made, at)
		}
	}
	return made, nil
}

// linkRange is where the links' addresses are taken from; the pods' are in the
// range behind it.
const (
	linkRange = "10.209.0.0"
	linkBits  = 30
	linkCount = 256
)

// freeLink chooses addresses that no other real node and no interface of the
// machine has.
func freeLink(root string, had netip.Prefix, taken []netip.Prefix) (netip.Prefix, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("addresses of this machine: %w", err)
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			taken = append(taken, p.Masked())
		}
	}
	base := netip.MustParseAddr(linkRange).As4()
	free := func(p netip.Prefix) bool {
		return !slices.ContainsFunc(taken, p.Overlaps) && !slices.ContainsFunc(taken, link{p}.pods().Overlaps)
	}
	if had.IsValid() && free(had) {
		return had, nil
	}
	for i := range linkCount {
		n := (startOffset(root) + i) % linkCount << (32 - linkBits)
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{base[0], base[1], byte(n >> 8), byte(n)}), linkBits)
		if free(p) {
			return p, nil
		}
	}
	return netip.Prefix{}, fmt.Errorf("no addresses from %s on are free for the link to a real node", linkRange)
}
