package preflight

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
)

// version is a kernel's version.
type version [3]int

func (v version) String() string {
	if v[2] == 0 {
		return fmt.Sprintf("%d.%d", v[0], v[1])
	}
	return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2])
}

func (v version) before(w version) bool {
	for i := range v {
		if v[i] != w[i] {
			return v[i] < w[i]
		}
	}
	return false
}

var kernelVersion = regexp.MustCompile(`^(\d{1,4})\.(\d{1,4})(?:\.(\d{1,6}))?`)

// parseVersion reads the front of a kernel's release: "6.1.0-18-amd64".
func parseVersion(release string) (version, bool) {
	m := kernelVersion.FindStringSubmatch(release)
	if m == nil {
		return version{}, false
	}
	var v version
	for i, digits := range m[1:] {
		v[i], _ = strconv.Atoi(digits)
	}
	return v, true
}

// kernel judges the kernel's version and what Cilium needs of it; the version is
// zero where it is not known.
func (r *Report) kernel(root fs.FS) version {
	release, err := readFile(root, "proc/sys/kernel/osrelease")
	v, ok := parseVersion(release)
	if err != nil || !ok {
		r.add("kernel", Unknown, "its version can't be read", "mount /proc")
	} else {
		r.Kernel = release
		r.since("kernel", v, version{4, 19, 57}, "Cilium runs")
		r.since("host routing in BPF", v, version{5, 10}, "enable-host-legacy-routing=false works")
		r.since("BBR for pods", v, version{5, 18}, "enable-bbr=true works")
	}
	switch _, err := fs.Stat(root, "sys/kernel/btf/vmlinux"); {
	case errors.Is(err, fs.ErrNotExist):
		r.add("BTF", Bad, "there is no /sys/kernel/btf/vmlinux", "use a kernel with CONFIG_DEBUG_INFO_BTF=y")
	case err != nil:
		r.add("BTF", Unknown, "/sys/kernel/btf/vmlinux can't be looked at", "mount /sys")
	default:
		r.add("BTF", OK, "the kernel describes its types in /sys/kernel/btf/vmlinux", "")
	}
	r.mounts(root)
	return v
}

func (r *Report) since(name string, v, from version, what string) {
	if v.before(from) {
		r.add(name, Bad, fmt.Sprintf("%s from Linux %s on; this is %s", what, from, v), "take a newer kernel, or turn the setting off for this cluster")
		return
	}
	r.add(name, OK, fmt.Sprintf("%s: Linux %s, needs %s", what, v, from), "")
}

// mounts judges the two file systems that the agent expects of its node.
func (r *Report) mounts(root fs.FS) {
	text, err := readFile(root, "proc/self/mountinfo")
	for _, m := range []struct{ at, kind string }{{"/sys/fs/bpf", "bpf"}, {"/sys/fs/cgroup", "cgroup2"}} {
		switch {
		case err != nil:
			r.add("mount "+m.at, Unknown, "the mounts can't be read", "mount /proc")
		case mounted(text, m.at, m.kind):
			r.add("mount "+m.at, OK, m.kind+" is mounted", "")
		default:
			r.add("mount "+m.at, Bad, "no "+m.kind+" is mounted there", "mount -t "+m.kind+" "+m.kind+" "+m.at+", as systemd does at boot")
		}
	}
}

// mounted looks for a mount in /proc/self/mountinfo.
func mounted(text, at, kind string) bool {
	for line := range strings.Lines(text) {
		before, after, ok := strings.Cut(line, " - ")
		fields, kinds := strings.Fields(before), strings.Fields(after)
		if ok && len(fields) > 4 && len(kinds) > 0 && fields[4] == at && kinds[0] == kind {
			return true
		}
	}
	return false
}
