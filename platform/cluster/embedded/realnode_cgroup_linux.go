package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hierarchy is a mounted tree of control groups.
type hierarchy struct {
	dir         string
	controllers []string // of version 1; nil for version 2
	unified     bool     // version 2
}

// readHierarchies parses the lines of mountinfo.
func readHierarchies(mountinfo string) []hierarchy {
	var out []hierarchy
	for line := range strings.Lines(mountinfo) {
		before, after, ok := strings.Cut(line, " - ")
		place, kind := strings.Fields(before), strings.Fields(after)
		if !ok || len(place) < 5 || len(kind) < 3 || place[3] != "/" {
			continue // a part of a tree that is mounted elsewhere whole
		}
		switch kind[0] {
		case "cgroup2":
			out = append(out, hierarchy{dir: place[4], unified: true})
		case "cgroup":
			out = append(out, hierarchy{dir: place[4], controllers: strings.Split(kind[2], ",")})
		}
	}
	return out
}

func hierarchies() ([]hierarchy, error) {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("look for control groups: %w", err)
	}
	return readHierarchies(string(data)), nil
}

// wantedControllers are what kubelet and containers cannot do without.
func wantedControllers() []string {
	return []string{"cpu", "cpuacct", "cpuset", "memory", "pids", "devices", "freezer"}
}

// lackingControllers says which of them are not mounted. With version 2 alone,
// devices and freezing are the kernel's own, and cpuacct is part of cpu.
func lackingControllers(all []hierarchy) []string {
	var have []string
	for _, h := range all {
		have = append(have, h.controllers...)
		if h.unified {
			data, err := os.ReadFile(filepath.Join(h.dir, "cgroup.controllers"))
			if found := strings.Fields(string(data)); err == nil && slices.Contains(found, "cpu") {
				have = append(append(have, found...), "cpuacct", "devices", "freezer")
			}
		}
	}
	return slices.DeleteFunc(wantedControllers(), func(c string) bool { return slices.Contains(have, c) })
}

// ensureGroups makes the node's control group in every tree, as kubelet wants to
// find it.
func (l layout) ensureGroups() error {
	all, err := hierarchies()
	if err != nil {
		return err
	}
	onlyUnified := !slices.ContainsFunc(all, func(h hierarchy) bool { return slices.Contains(h.controllers, "memory") })
	for _, h := range all {
		if h.unified && onlyUnified {
			if err := delegate(h.dir); err != nil {
				return err
			}
		}
		if h.unified && !onlyUnified {
			continue
		}
		dir := filepath.Join(h.dir, l.tag())
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("make the node's control group: %w", err)
		}
		if !slices.Contains(h.controllers, "cpuset") {
			continue
		}
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} { // a new one has none, and takes no process
			data, err := os.ReadFile(filepath.Join(h.dir, file))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, file), data, 0)
			}
			if err != nil {
				return fmt.Errorf("give the node its processors: %w", err)
			}
		}
	}
	return nil
}

// delegate lets groups below the root have the controllers that pods need.
func delegate(dir string) error {
	file := filepath.Join(dir, "cgroup.subtree_control")
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("give control groups their controllers: %w", err)
	}
	have := strings.Fields(string(data))
	for _, c := range []string{"cpu", "cpuset", "io", "memory", "pids"} {
		if slices.Contains(have, c) {
			continue
		}
		if err := os.WriteFile(file, []byte("+"+c), 0); err != nil {
			return fmt.Errorf("give control groups the controller %s: %w", c, err)
		}
	}
	return nil
}

// groups are the node's control groups with all below them, inner ones first.
func (l layout) groups() ([]string, error) {
	all, err := hierarchies()
	if err != nil {
		return nil, err
	}
	var dirs []string
	for _, h := range all {
		err := filepath.WalkDir(filepath.Join(h.dir, l.tag()), func(path string, entry fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist): // just gone
				return nil
			case err != nil:
				return err
			case entry.IsDir():
				dirs = append(dirs, path)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("look for the node's control groups: %w", err)
		}
	}
	slices.Reverse(dirs)
	return dirs, nil
}

// contained are the processes of the node's containers.
func (l layout) contained() ([]live, error) {
	dirs, err := l.groups()
	if err != nil {
		return nil, err
	}
	seen := map[int]bool{}
	var found []live
	for _, dir := range dirs {
		data, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		if err != nil {
			continue // just gone
		}
		for _, field := range strings.Fields(string(data)) {
			pid, err := strconv.Atoi(field)
			if err != nil || pid == 0 || seen[pid] {
				continue
			}
			seen[pid] = true
			found = append(found, newLive("a container's process", "", pid))
		}
	}
	return found, nil
}

// removeGroups removes the node's control groups. A group stays busy for a
// moment after its last process.
func (l layout) removeGroups(ctx context.Context) error {
	const limit = 10 * time.Second
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		dirs, err := l.groups()
		if err != nil || len(dirs) == 0 {
			return err
		}
		var last error
		for _, dir := range dirs {
			if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
				last = err
			}
		}
		if last == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("remove the node's control groups: %w", last)
		case <-tick.C:
		}
	}
}
