package main

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"syscall"
)

// dropped matches what an installed Debian holds and a node does not need, and
// what differs between two installations of the same packages.
var dropped = regexp.MustCompile(`^(?:` +
	// documentation, translations, descriptions of hardware
	`usr/share/(?:doc|man|info|locale|lintian|bug|menu|pixmaps|zsh|bash-completion|common-licenses/.+)/.+` +
	`|usr/lib/udev/hwdb\.(?:d|bin).*|usr/lib/modules-load\.d/.+` +
	// caches, lists and logs
	`|var/cache/.+/.+|var/cache/ldconfig|var/lib/apt/lists/.+|var/log/.+|var/lib/systemd/.+|var/lib/dbus/.+|var/tmp/.+` +
	`|var/lib/dpkg/[a-z]+-old|var/backups/.+|debootstrap(?:/.*)?|etc/(?:passwd|group|shadow|gshadow|subuid|subgid)-` +
	// what belongs to the machine that ran debootstrap
	`|etc/(?:machine-id|hostname|resolv\.conf|hosts|\.pwd\.lock)|etc/apt/.+` +
	// what the engine mounts
	`|(?:dev|proc|sys|run|tmp)/.+` +
	// units: a node starts its own few, and nothing that would touch the machine's hardware or its settings
	`|etc/systemd/system/[^/]+\.(?:wants|requires)/.+` +
	`|usr/lib/systemd/system/(?:multi-user|local-fs|basic|timers|graphical|getty|remote-fs|rescue)\.target\.wants/.+` +
	`|usr/lib/systemd/system/sockets\.target\.wants/.*(?:udev|initctl).*` +
	`|usr/lib/systemd/system/sysinit\.target\.wants/(?:.*udev.*|.*\.mount|.*\.automount|systemd-(?:sysctl|modules-load|binfmt|hwdb-update|firstboot|random-seed|ask-password.*|pcr.*|boot-.*|tmpfiles-setup-dev|repart|sysext|sysusers|update-utmp)\..+|kmod-.+)` +
	`)$`)

// shadowDate is the day of the last change of a password: the day of the build.
var shadowDate = regexp.MustCompile(`(?m)^([^:\n]*:[^:\n]*):[0-9]+:`)

// readTree gives a folder as a layer, without what is dropped. Owners and modes
// are those on disk; times are not taken.
func readTree(root string) (*layer, error) {
	l := newLayer()
	first := map[uint64]string{} // inode → the first of several names
	err := filepath.WalkDir(root, func(at string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, at)
		if err != nil || name == "." {
			return err
		}
		if dropped.MatchString(name) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		return readOne(l, at, name, first)
	})
	if err != nil {
		return nil, fmt.Errorf("root file system %s: %w", root, err)
	}
	return l, nil
}

func readOne(l *layer, at, name string, first map[uint64]string) error {
	info, err := os.Lstat(at)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("%s: no owner is known", at)
	}
	e := entry{mode: int64(stat.Mode & 0o7777), uid: int(stat.Uid), gid: int(stat.Gid)}
	switch {
	case info.IsDir():
		e.kind = tar.TypeDir
	case info.Mode().Type() == fs.ModeSymlink:
		e.kind = tar.TypeSymlink
		if e.link, err = os.Readlink(at); err != nil {
			return err
		}
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is a %s, which an image does not take", at, info.Mode().Type())
	case stat.Nlink > 1 && first[stat.Ino] != "":
		e.kind, e.link = tar.TypeLink, first[stat.Ino]
	default:
		if stat.Nlink > 1 {
			first[stat.Ino] = name
		}
		return readFile(l, at, name, e, info.Size())
	}
	l.put(name, e)
	return nil
}

func readFile(l *layer, at, name string, e entry, size int64) error {
	if name == "etc/shadow" {
		data, err := os.ReadFile(at)
		if err != nil {
			return err
		}
		l.text(name, e.mode, shadowDate.ReplaceAll(data, []byte("$1:1:")))
		kept := l.entries[name]
		kept.uid, kept.gid = e.uid, e.gid
		l.entries[name] = kept
		return nil
	}
	e.kind, e.size = tar.TypeReg, size
	e.open = func() (io.ReadCloser, error) { return os.Open(at) }
	l.put(path.Clean(name), e)
	return nil
}
