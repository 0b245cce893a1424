package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// suite is the Debian release that a node is made from.
const suite = "bookworm"

// packages are what a node needs of Debian beside the smallest system.
func packages() []string {
	return strings.Fields("systemd systemd-sysv conntrack iptables nftables iproute2 ethtool kmod mount jq procps " +
		"containerd runc containernetworking-plugins hostname")
}

// installTime bounds debootstrap: 41 s were seen on an idle machine.
const installTime = 20 * time.Minute

// debian gives the trimmed root file system as a tar in the cache, installing it
// first where the cache lacks it.
func debian(ctx context.Context, cache string, rebuild bool, say func(string, ...any)) (string, error) {
	sum := sha256.Sum256([]byte(suite + " " + strings.Join(packages(), " ") + dropped.String()))
	final := filepath.Join(cache, "debian-"+hex.EncodeToString(sum[:6])+".tar")
	if _, err := os.Stat(final); err == nil && !rebuild {
		return final, nil
	}
	if os.Geteuid() != 0 {
		return "", errors.New("installing Debian's packages needs root: run as root")
	}
	mirror, err := mirror(ctx)
	if err != nil {
		return "", err
	}
	temp, err := os.MkdirTemp(cache, ".debian-")
	if err != nil {
		return "", fmt.Errorf("install Debian: %w", err)
	}
	defer func() { _ = os.RemoveAll(temp) }()
	root := filepath.Join(temp, "root")
	say("installing Debian %s and %d packages", suite, len(packages()))
	if err := install(ctx, root, mirror); err != nil {
		return "", err
	}
	tree, err := readTree(root)
	if err != nil {
		return "", err
	}
	tree.text("etc/machine-id", 0o444, nil) // made when a node starts
	b, err := tree.blob(temp, false)
	if err != nil {
		return "", err
	}
	say("Debian: %d files, %.0f MB", len(tree.entries), float64(b.bytes)/1e6)
	if err := os.Rename(b.path, final); err != nil {
		return "", fmt.Errorf("keep Debian's root file system: %w", err)
	}
	return final, nil
}

// install runs debootstrap.
func install(ctx context.Context, root, mirror string) error {
	ctx, cancel := context.WithTimeout(ctx, installTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "debootstrap", "--variant=minbase", "--include="+strings.Join(packages(), ","), suite, root, mirror)
	// Some tools of the packages write dates; this is what they then write.
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("debootstrap from %s: %w\n%s", mirror, err, last(out.String(), 15))
	}
	return nil
}

// mirror is the one that this machine's own apt takes the suite from, else the
// first it takes anything of Debian from.
func mirror(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(ORIGIN)", "Created-By: Packages").Output()
	if err != nil {
		return "", fmt.Errorf("where this machine's apt takes Debian from: %w", err)
	}
	if m := chooseMirror(string(out)); m != "" {
		return m, nil
	}
	return "", fmt.Errorf("this machine's apt knows no mirror of Debian %s: run apt-get update, or add one to its sources", suite)
}

// chooseMirror reads lines of "URI CODENAME ORIGIN".
func chooseMirror(lines string) string {
	any := ""
	for _, line := range strings.Split(lines, "\n") {
		f := strings.Fields(line)
		if len(f) < 3 || f[2] != "Debian" {
			continue
		}
		if f[1] == suite {
			return f[0]
		}
		if any == "" && f[1] == suite+"-updates" {
			any = f[0]
		}
	}
	return any
}

// last is the end of a text.
func last(s string, lines int) string {
	all := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// sameBytes compares two files by their hashes.
func sameBytes(a, b string) (bool, error) {
	var sums [2]string
	for i, name := range []string{a, b} {
		f, err := os.Open(name)
		if err != nil {
			return false, err
		}
		h := sha256.New()
		_, err = io.Copy(h, f)
		if err := errors.Join(err, f.Close()); err != nil {
			return false, err
		}
		sums[i] = hex.EncodeToString(h.Sum(nil))
	}
	return sums[0] == sums[1], nil
}
