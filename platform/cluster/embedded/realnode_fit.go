package embedded

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/finding"
)

// UnfitError is a machine, or an account, that cannot run the cluster's real
// node. It is said before anything is started.
type UnfitError struct {
	Cluster, Node string
	Reasons       []string
	Mend          string
}

func (e *UnfitError) Error() string {
	return fmt.Sprintf("cluster %s: this machine cannot run the real node %s: %s; %s", e.Cluster, e.Node, strings.Join(e.Reasons, "; "), e.Mend)
}

// parts are what a real node takes from the machine.
type parts struct {
	containerd, ctr, runc, ip, iptables string // paths
	plugins                             string // folder
	path                                string // where programs look for others
}

// pluginNames are the plugins that the pods' network is made by.
func pluginNames() []string { return []string{"bridge", "host-local", "loopback", "portmap"} }

// pluginDirs are where distributions and others keep network plugins.
func pluginDirs() []string { return []string{"/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"} }

// systemDirs are searched after PATH: a superuser's may lack them.
func systemDirs() []string { return []string{"/usr/sbin", "/sbin"} }

// lookPath finds a program by PATH or in the system's folders, without links.
func lookPath(name string) (string, error) {
	path, err := exec.LookPath(name)
	for _, dir := range systemDirs() {
		if err != nil {
			path, err = exec.LookPath(filepath.Join(dir, name))
		}
	}
	if err != nil {
		return "", fmt.Errorf("program %s: %w", name, err)
	}
	return path, nil
}

// findParts finds what a real node needs, and names the packages of Debian that
// hold what is missing.
func findParts() (parts, []string) {
	var p parts
	var missing []string
	dirs := []string{"/usr/sbin", "/usr/bin", "/sbin", "/bin"}
	for _, need := range []struct {
		name, pack string
		path       *string
	}{
		{"containerd", "containerd", &p.containerd}, {"ctr", "containerd", &p.ctr}, {"containerd-shim-runc-v2", "containerd", nil},
		{"runc", "runc", &p.runc}, {"ip", "iproute2", &p.ip}, {"iptables", "iptables", &p.iptables},
		{"mount", "mount", nil}, {"umount", "mount", nil},
	} {
		path, err := lookPath(need.name)
		if err != nil {
			missing = append(missing, need.pack)
			continue
		}
		if dir := filepath.Dir(path); !slices.Contains(dirs, dir) {
			dirs = append([]string{dir}, dirs...)
		}
		if need.path != nil {
			*need.path = path
		}
	}
	for _, dir := range pluginDirs() {
		lacks := func(name string) bool { _, err := os.Stat(filepath.Join(dir, name)); return err != nil }
		if p.plugins == "" && !slices.ContainsFunc(pluginNames(), lacks) {
			p.plugins = dir
		}
	}
	if p.plugins == "" {
		missing = append(missing, "containernetworking-plugins")
	}
	// A process is known by the file it runs, not by a link to it.
	if real, err := filepath.EvalSymlinks(p.containerd); err == nil {
		p.containerd = real
	}
	p.path = strings.Join(dirs, ":")
	slices.Sort(missing)
	return p, slices.Compact(missing)
}

// fit says whether this machine can run the cluster's real node, and with what.
func fit(c *catalog.Cluster) (parts, error) {
	n := realNode(c)
	if n == nil {
		return parts{}, nil
	}
	found, missing := findParts()
	e := &UnfitError{Cluster: c.Name, Node: n.Name}
	var mends []string
	if os.Geteuid() != 0 {
		e.Reasons = append(e.Reasons, "a kubelet needs root")
		mends = append(mends, "run the command as root")
	}
	if len(missing) > 0 {
		e.Reasons = append(e.Reasons, "not installed, or not in PATH: "+strings.Join(missing, ", "))
		mends = append(mends, "`apt-get install --no-install-recommends "+strings.Join(missing, " ")+"`")
	}
	if err := cluster.CheckCPUs(c, runtime.NumCPU()); err != nil {
		e.Reasons = append(e.Reasons, err.Error())
		mends = append(mends, "mend that")
	}
	if lacks := unfit(); len(lacks) > 0 {
		e.Reasons = append(e.Reasons, lacks...)
		mends = append(mends, "use another machine")
	}
	if len(e.Reasons) == 0 {
		return found, nil
	}
	e.Mend = strings.Join(mends, ", ") + ", or take `real: true` from the node's declaration"
	return parts{}, e
}

// Preflight says why this machine cannot run the cluster's real node, if it has
// one: nothing to say gives none.
func (*Provider) Preflight(c *catalog.Cluster) []finding.Finding {
	_, err := fit(c)
	e, ok := errors.AsType[*UnfitError](err)
	if !ok {
		return nil
	}
	return []finding.Finding{{
		Rule: "real-node", Severity: finding.Error, Clusters: []string{c.Name},
		Message: "the real node " + e.Node + " cannot run here: " + strings.Join(e.Reasons, "; "), Mend: e.Mend,
	}}
}
