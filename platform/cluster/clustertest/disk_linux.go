package clustertest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// insideEnv says that this process has mounts of its own, made for a test.
	insideEnv = "DUALTRACK_TEST_INSIDE"
	// requiredEnv makes a machine that gives a test no disk a failure.
	requiredEnv = "DUALTRACK_TEST_DISK"
	// refusedWord begins what the process says that could not mount.
	refusedWord = "no disk could be mounted: "
	diskSize    = 4 << 30 // a bound, of memory that is used only as it is written
)

// OnDisk runs a test with a disk that it can fill: a file system in memory, in a
// process with mounts of its own, for which root is needed or a system that lets
// users make namespaces. Where neither is, the test runs on an ordinary folder
// with no disk, and its log says so; with DUALTRACK_TEST_DISK=required in the
// environment, as CI sets it, that fails.
func OnDisk(t *testing.T, run func(t *testing.T, dir string, disk Disk)) {
	t.Helper()
	if os.Getenv(insideEnv) == t.Name() {
		dir, err := mount(t)
		if err != nil {
			t.Fatal(refusedWord + err.Error())
		}
		run(t, dir, memory{dir})
		return
	}
	why := inside(t)
	if why == "" {
		return
	}
	if os.Getenv(requiredEnv) == "required" {
		t.Fatal(why)
	}
	t.Logf("FULL DISK NOT TRIED HERE: %s; `task real` tries it as root", why)
	run(t, t.TempDir(), nil)
}

// inside runs the test again in a process with mounts of its own. It returns
// why none can be had.
func inside(t *testing.T) (why string) {
	t.Helper()
	args := []string{"-test.run=^" + t.Name() + "$", "-test.v"}
	if deadline, ok := t.Deadline(); ok {
		args = append(args, "-test.timeout="+time.Until(deadline).Round(time.Second).String())
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), insideEnv+"="+t.Name())
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGTERM}
	if uid, gid := os.Getuid(), os.Getgid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}}
	}
	runtime.LockOSThread() // the process ends with the thread that started it
	defer runtime.UnlockOSThread()
	err := cmd.Run()
	switch exit, ran := errors.AsType[*exec.ExitError](err); {
	case err == nil && strings.Contains(out.String(), "--- PASS: "+t.Name()):
		t.Logf("in a process with mounts of its own:\n%s", out.String())
	case !ran && err != nil:
		return err.Error()
	case strings.Contains(out.String(), refusedWord):
		_, words, _ := strings.Cut(out.String(), refusedWord)
		why, _, _ = strings.Cut(words, "\n")
		return why
	default:
		t.Errorf("in a process with mounts of its own: %v\n%s", exit, out.String())
	}
	return ""
}

// NewDisk mounts a disk where this process and all others see it, for a provider
// whose nodes are somebody else's processes. It needs root.
func NewDisk(t *testing.T) (dir string, disk Disk) {
	t.Helper()
	dir, err := mount(t)
	if err != nil {
		t.Fatal(err)
	}
	return dir, memory{dir}
}

// mount mounts a file system in memory until the test ends.
func mount(t *testing.T) (string, error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	if err := syscall.Mount("none", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=700", diskSize)); err != nil {
		return "", &os.PathError{Op: "mount", Path: dir, Err: err}
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir, nil
}

// memory is a file system in memory, by where it is mounted.
type memory struct{ dir string }

// ballast is a file that takes a block, so that no disk is full that is empty.
const ballast = "ballast"

// Fill implements Disk.
func (m memory) Fill(t testing.TB) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(m.dir, ballast), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(m.dir, &fs); err != nil {
		t.Fatal(err)
	}
	m.resize(t, int64(fs.Blocks-fs.Bfree)*fs.Bsize)
	if err := os.WriteFile(filepath.Join(m.dir, "more"), []byte("x"), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is full, and a write answers %v", err)
	}
	if err := os.Remove(filepath.Join(m.dir, "more")); err != nil {
		t.Fatal(err)
	}
}

// Free implements Disk.
func (m memory) Free(t testing.TB) {
	t.Helper()
	m.resize(t, diskSize)
	if err := os.Remove(filepath.Join(m.dir, ballast)); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
}

// Files implements Disk.
func (m memory) Files(t testing.TB) map[string]int64 {
	t.Helper()
	files := map[string]int64{}
	err := filepath.WalkDir(m.dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Base(path) == ballast {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			files[path] = info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func (m memory) resize(t testing.TB, size int64) {
	t.Helper()
	if err := syscall.Mount("none", m.dir, "tmpfs", syscall.MS_REMOUNT, fmt.Sprintf("size=%d,mode=700", size)); err != nil {
		t.Fatalf("resize the disk to %d bytes: %v", size, err)
	}
}
