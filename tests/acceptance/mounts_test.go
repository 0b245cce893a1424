//go:build root

package acceptance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// inside says that this process has a mount namespace of its own.
const inside = "ACCEPTANCE_MOUNTS"

// TestMounts fills disks and takes write access away. It mounts, in a namespace
// of its own, and so needs root or a system that lets users make namespaces:
// hence the build tag.
func TestMounts(t *testing.T) {
	if os.Getenv(inside) == "" {
		enter(t)
		return
	}
	t.Run("small disk", smallDisk)
	t.Run("read-only places", readOnly)
	t.Run("disk fills", diskFills)
}

// enter runs the test again in a namespace; what it mounts is gone afterwards.
func enter(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMounts$", "-test.v", "-test.timeout=30m")
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGTERM}
	if uid, gid := os.Getuid(), os.Getgid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: gid, Size: 1}}
	}
	check(t, cmd.Run())
}

// tmpfs mounts a memory disk of some bytes on a folder of the fleet, which it
// makes. The fleet is taken down before it goes.
func (f *fleet) tmpfs(t *testing.T, dir string, size int64) {
	t.Helper()
	check(t, os.MkdirAll(dir, 0o700))
	check(t, syscall.Mount("none", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=700", size)))
	t.Cleanup(func() {
		resize(t, dir, size, 0)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Minute)
		defer cancel()
		if got := f.runContext(ctx, t, "down", "--all", "--purge"); got.code != 0 {
			t.Errorf("down: exit %d\n%s", got.code, got.stderr)
		}
		unbusy(t, func() error { return syscall.Unmount(dir, 0) }) // fails while anything uses it
	})
}

// resize changes the memory disk, and whether it can be written to.
func resize(t *testing.T, dir string, size int64, flags uintptr) {
	t.Helper()
	unbusy(t, func() error {
		return syscall.Mount("none", dir, "tmpfs", syscall.MS_REMOUNT|flags, fmt.Sprintf("size=%d,mode=700", size))
	})
}

// unbusy tries again while a mount is in use: the kernel lets go of the files of
// a program that ended a little later than of the program.
func unbusy(t *testing.T, attempt func() error) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; pause(t, 20*time.Millisecond) {
		err := attempt()
		if err == nil {
			return
		}
		if !errors.Is(err, syscall.EBUSY) || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// frozen makes a folder read-only for the test.
func frozen(t *testing.T, dir string) {
	t.Helper()
	check(t, syscall.Mount(dir, dir, "", syscall.MS_BIND|syscall.MS_REC, ""))
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	var fs syscall.Statfs_t
	check(t, syscall.Statfs(dir, &fs))
	kept := uintptr(fs.Flags) & (syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC | syscall.MS_NOATIME | syscall.MS_RELATIME)
	check(t, syscall.Mount(dir, dir, "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY|kept, ""))
}

const mib = 1 << 20

// smallDisk has no room for a cluster, nor for building programs: nothing begins.
func smallDisk(t *testing.T) {
	f := newFleet(t)
	f.tmpfs(t, f.state, 64*mib)
	cache := filepath.Join(filepath.Dir(f.repo), "cache")
	f.tmpfs(t, cache, 64*mib)
	refused := func(f *fleet, words string) {
		t.Helper()
		got := f.run(t, "up", "-c", f.site(t)).want(t, 6)
		for _, words := range []string{words + " has 0.1 GiB free", "are needed", "--state-dir"} {
			if !strings.Contains(got.stderr, words) {
				t.Errorf("does not say %q:\n%s", words, got.stderr)
			}
		}
		if entries, err := os.ReadDir(words); err != nil || len(entries) > 0 {
			t.Errorf("left %v, %v", entries, err)
		}
	}
	refused(f, f.state)
	g := *f
	g.env = append(slices.Clone(f.env), "DUALTRACK_CACHE_DIR="+cache)
	refused(&g, cache)

	resize(t, cache, mib, 0)
	got := f.run(t, "tools", "build", "balancer", "--cache-dir", cache).want(t, 6)
	if !strings.Contains(got.stderr, "no space left on device") || !strings.Contains(got.stderr, "the disk is full") {
		t.Errorf("a build without room:\n%s", got.stderr)
	}
	if left, err := filepath.Glob(filepath.Join(cache, "*balancer*")); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// readOnly works with a repository and programs that cannot be written to, and
// says clearly that state cannot.
func readOnly(t *testing.T) {
	f := newFleet(t)
	site := f.site(t)
	home := filepath.Dir(f.repo)
	f.tmpfs(t, f.state, 4<<10*mib)
	f.run(t, "tools", "build").want(t, 0)
	f.run(t, "up", "-c", site).want(t, 0)
	f.keep(t, site)
	check(t, os.MkdirAll(filepath.Join(home, "empty"), 0o700))
	frozen(t, filepath.Join(home, "empty"))
	frozen(t, f.repo)
	for _, v := range f.env {
		if dir, ok := strings.CutPrefix(v, "DUALTRACK_CACHE_DIR="); ok {
			frozen(t, dir)
		}
	}
	f.run(t, "check").want(t, 0)
	f.inSync(t, site)

	f.run(t, "stop", "-c", site).want(t, 0)
	resize(t, f.state, 4<<10*mib, syscall.MS_RDONLY)
	f.run(t, "status", "-c", site).want(t, 3)
	for _, args := range [][]string{{"up", "-c", site}, {"down", "-c", site}} {
		if got := f.run(t, args...).want(t, 6); !strings.Contains(got.stdout+got.stderr, f.state) || !strings.Contains(got.stdout+got.stderr, "read-only file system") {
			t.Errorf("%v says neither the place nor the cause:\n%s%s", args, got.stdout, got.stderr)
		}
	}
	resize(t, f.state, 4<<10*mib, 0)
	f.inSync(t, site)

	g := *f
	g.env = append(slices.Clone(f.env), "HOME="+filepath.Join(home, "empty"), "DUALTRACK_STATE_DIR=")
	got := g.run(t, "up", "-c", site).want(t, 6)
	for _, words := range []string{filepath.Join(home, "empty"), "read-only file system", "--state-dir"} {
		if !strings.Contains(got.stderr, words) {
			t.Errorf("does not say %q:\n%s", words, got.stderr)
		}
	}
}

// diskFills fills the disk under a running cluster until its store gives up.
func diskFills(t *testing.T) {
	f := newFleet(t)
	site := f.site(t)
	f.tmpfs(t, f.state, 4<<10*mib)
	f.run(t, "up", "-c", site).want(t, 0)
	f.keep(t, site)

	var disk syscall.Statfs_t
	check(t, syscall.Statfs(f.state, &disk))
	used := int64(disk.Blocks-disk.Bfree) * disk.Bsize
	resize(t, f.state, used+2*mib, 0)
	writer := f.client(t, site, "writer").CoreV1().ConfigMaps("default")
	var full error
	acknowledged := 0
	for deadline := time.Now().Add(2 * time.Minute); full == nil; {
		if time.Now().After(deadline) {
			t.Fatal("the disk never fills")
		}
		_, full = writer.Create(t.Context(), &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("fill-%d", acknowledged)},
			BinaryData: map[string][]byte{"data": bytes.Repeat([]byte{byte(acknowledged)}, 500_000)},
		}, metav1.CreateOptions{})
		if full == nil {
			acknowledged++
		}
	}
	t.Logf("full after %d objects: %v", acknowledged, full)

	got := f.run(t, "up", "-c", site, "--timeout", "30s")
	if got.code != 6 || !strings.Contains(got.stdout+got.stderr, "free space there") {
		t.Errorf("a full disk: exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	resize(t, f.state, 4<<10*mib, 0)
	f.inSync(t, site)
	left, err := f.client(t, site, "reader").CoreV1().ConfigMaps("default").List(t.Context(), metav1.ListOptions{})
	check(t, err)
	found := 0
	for _, m := range left.Items {
		if strings.HasPrefix(m.Name, "fill-") && len(m.BinaryData["data"]) == 500_000 {
			found++
		}
	}
	if found < acknowledged {
		t.Errorf("%d objects were acknowledged, %d are there", acknowledged, found)
	}
}
