package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// nodeCommand bounds one short command for a real node.
const nodeCommand = 30 * time.Second

// nodeLink is the node's end of its link.
const nodeLink = "node0"

// private are the folders that a node's programs write to wherever they run. Each
// real node has its own there, so that two of them, or a container engine of the
// machine, do not meet. What they mount is in no other namespace and goes with
// the node's last process.
func (l layout) private() map[string]string {
	return map[string]string{
		"/run/containerd":     l.nodeDir("run"),
		"/var/lib/cni":        l.nodeDir("cni"),
		"/var/lib/containerd": l.nodeDir("containerd"),
		"/var/lib/kubelet":    l.nodeDir("kubelet"),
		"/var/log/containers": l.nodeDir("log", "containers"),
		"/var/log/pods":       l.nodeDir("log", "pods"),
	}
}

func (l layout) netns() string { return "/run/netns/" + l.tag() }

// onThread runs a function on a thread of its own, which ends with it: its
// namespaces may be changed at will. The process's first thread is spared: it
// stands for the process in /proc, and cannot end.
func onThread(do func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			done <- onThread(do) // on another: this one is taken
			runtime.UnlockOSThread()
			return
		}
		done <- do() // never unlocked: the thread ends with the goroutine
	}()
	return <-done
}

// enter puts the calling thread into the node's network and, with a process of
// the node, into the mounts that this one sees.
func (l layout) enter(holder int) error {
	if err := setns(l.netns(), unix.CLONE_NEWNET); err != nil {
		return err
	}
	if holder == 0 {
		return nil
	}
	if err := unix.Unshare(unix.CLONE_FS); err != nil { // threads share their root folder
		return fmt.Errorf("leave the shared root folder: %w", err)
	}
	return setns("/proc/"+strconv.Itoa(holder)+"/ns/mnt", unix.CLONE_NEWNS)
}

func setns(path string, kind int) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("enter a namespace: %w", err)
	}
	defer f.Close()
	if err := unix.Setns(int(f.Fd()), kind); err != nil {
		return fmt.Errorf("enter %s: %w", path, err)
	}
	return nil
}

// isolate gives the calling thread mounts of its own, with the node's folders in
// the usual places. What others mount later is seen; what is mounted here is not
// seen outside.
func (l layout) isolate() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("make a mount namespace: %w", err)
	}
	for _, how := range []uintptr{unix.MS_SLAVE, unix.MS_SHARED} {
		if err := unix.Mount("", "/", "", unix.MS_REC|how, ""); err != nil {
			return fmt.Errorf("keep the node's mounts apart: %w", err)
		}
	}
	for at, dir := range l.private() {
		if err := unix.Mount(dir, at, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mount %s: %w", at, err)
		}
	}
	return nil
}

// launchInside starts a program in the node's namespaces, and makes those if no
// process has them.
func (l layout) launchInside(holder int, binary string, argv, env []string, log *os.File) (pid int, err error) {
	err = onThread(func() error {
		if err := l.enter(holder); err != nil {
			return err
		}
		if holder == 0 {
			if err := l.isolate(); err != nil {
				return err
			}
		}
		pid, err = launch(binary, argv, env, "/", log)
		return err
	})
	return pid, err
}

// holder is a process in the node's namespaces, 0 without one.
func (l layout) holder() (int, error) {
	all, err := l.scanAll()
	if err != nil {
		return 0, err
	}
	mine, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		return 0, fmt.Errorf("own mount namespace: %w", err)
	}
	for _, lv := range all {
		if lv.program != containerdName && lv.program != kubeletName && lv.program != proxyName {
			continue
		}
		if theirs, err := os.Readlink("/proc/" + strconv.Itoa(lv.pid) + "/ns/mnt"); err == nil && theirs != mine {
			return lv.pid, nil
		}
	}
	return 0, nil
}

// runInside runs a command in the node's namespaces and returns what it printed.
func (l layout) runInside(ctx context.Context, holder int, stdin io.Reader, argv ...string) (string, error) {
	var out strings.Builder
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = "/", stdin, &out, &out
	err := onThread(func() error {
		if err := l.enter(holder); err != nil {
			return err
		}
		return cmd.Run()
	})
	if err != nil {
		return out.String(), fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(out.String()))
	}
	return out.String(), nil
}

func command(ctx context.Context, argv ...string) error {
	ctx, cancel := context.WithTimeout(ctx, nodeCommand)
	defer cancel()
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// ensureNetwork makes the node's network namespace and its link to this machine.
// Nothing leads from there to anywhere else.
func (l layout) ensureNetwork(ctx context.Context, parts parts, k link) error {
	made, err := l.ensureNetns()
	if err != nil {
		return err
	}
	ip, host := parts.ip, l.tag()
	if _, err := os.Stat("/sys/class/net/" + host); errors.Is(err, fs.ErrNotExist) {
		if err := command(ctx, ip, "link", "add", host, "type", "veth", "peer", "name", nodeLink, "netns", l.tag()); err != nil {
			return err
		}
	}
	// A machine that forwards for others does not for the node.
	for file, value := range map[string]string{"ipv4/conf/" + host + "/forwarding": "0", "ipv6/conf/" + host + "/disable_ipv6": "1"} {
		if err := os.WriteFile("/proc/sys/net/"+file, []byte(value), 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("close the link of the node: %w", err)
		}
	}
	bits := "/" + strconv.Itoa(k.Bits())
	for _, argv := range [][]string{
		{ip, "addr", "replace", k.host() + bits, "dev", host}, {ip, "link", "set", host, "up"},
		{ip, "-n", l.tag(), "link", "set", "lo", "up"},
		{ip, "-n", l.tag(), "addr", "replace", k.node() + bits, "dev", nodeLink},
		{ip, "-n", l.tag(), "link", "set", nodeLink, "up"},
		{ip, "route", "replace", k.pods().String(), "via", k.node(), "dev", host},
		// kube-proxy turns these addresses before they are looked for on the link.
		{ip, "-n", l.tag(), "route", "replace", serviceCIDR, "dev", nodeLink, "src", k.node()},
	} {
		if err := command(ctx, argv...); err != nil {
			return err
		}
	}
	if !made {
		return nil
	}
	return l.closeNetwork(ctx, parts)
}

// closeNetwork lets the node's pods reach the cluster's API on this machine and
// nothing else of it.
func (l layout) closeNetwork(ctx context.Context, parts parts) error {
	ctx, cancel := context.WithTimeout(ctx, nodeCommand)
	defer cancel()
	begins := []string{parts.iptables, "-w", "-A", "FORWARD", "-o", nodeLink, "-m", "conntrack", "--ctstate", "NEW"}
	api := []string{"-p", "tcp", "--dport", strconv.Itoa(gatewayPort), "-j", "ACCEPT"}
	for _, end := range [][]string{api, {"-j", "REJECT"}} {
		argv := append(append([]string{}, begins...), end...)
		if _, err := l.runInside(ctx, 0, nil, argv...); err != nil {
			return err
		}
	}
	return nil
}

// ensureNetns makes the network namespace and says whether it did.
func (l layout) ensureNetns() (made bool, err error) {
	path := l.netns()
	const magic = 0x6e736673 // of the file system that namespaces lie in
	var at unix.Statfs_t
	if unix.Statfs(path, &at) == nil && at.Type == magic {
		return false, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return false, fmt.Errorf("make a network namespace: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o400)
	if err != nil {
		return false, fmt.Errorf("make a network namespace: %w", err)
	}
	f.Close()
	err = onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		return unix.Mount("/proc/thread-self/ns/net", path, "", unix.MS_BIND, "")
	})
	if err != nil {
		return false, fmt.Errorf("make the network namespace %s: %w", path, errors.Join(err, os.Remove(path)))
	}
	return true, nil
}

// removeNetwork removes the link and the namespace; neither need be there.
func (l layout) removeNetwork(ctx context.Context) error {
	var errs []error
	if _, err := os.Stat("/sys/class/net/" + l.tag()); err == nil {
		ip, err := lookPath("ip")
		if err == nil {
			err = command(ctx, ip, "link", "delete", l.tag())
		}
		errs = append(errs, err)
	}
	if err := unix.Unmount(l.netns(), unix.MNT_DETACH); err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EINVAL) {
		errs = append(errs, fmt.Errorf("remove the network namespace %s: %w", l.netns(), err))
	}
	if err := os.Remove(l.netns()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		errs = append(errs, fmt.Errorf("remove the network namespace: %w", err))
	}
	return errors.Join(errs...)
}
