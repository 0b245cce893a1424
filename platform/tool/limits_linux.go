package tool

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

func readLimits() limits {
	var l limits
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err == nil {
		l.openFiles = files.Max // Go programs raise their limit to this one
	}
	l.instances = readNumber("/proc/sys/fs/inotify/max_user_instances")
	l.watches = readNumber("/proc/sys/fs/inotify/max_user_watches")
	l.usedInstances = inotifyInUse()
	return l
}

func readNumber(path string) uint64 {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// inotifyInUse counts the instances of processes that this user may look into,
// which for an ordinary user are its own, as the limit counts them.
func inotifyInUse() uint64 {
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return 0
	}
	var n uint64
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && target == "anon_inode:inotify" {
			n++
		}
	}
	return n
}
