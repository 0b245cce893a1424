//go:build real && linux

package packets_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
)

// loaderVariable makes this test's program the loader of a map: the value is
// where to pin it, or "-".
const loaderVariable = "DUALTRACK_PACKETS_LOADER"

const written = 4711

func TestMain(m *testing.M) {
	if pin := os.Getenv(loaderVariable); pin != "" {
		if err := loadMap(pin); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// loadMap makes a map, says its id, and waits to be killed.
func loadMap(pin string) error {
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if err != nil {
		return err
	}
	if err := m.Put(uint32(1), uint64(written)); err != nil {
		return err
	}
	if pin != "-" {
		if err := m.Pin(pin); err != nil {
			return err
		}
	}
	info, err := m.Info()
	if err != nil {
		return err
	}
	id, _ := info.ID()
	fmt.Println(id)
	_, err = bufio.NewReader(os.Stdin).ReadString('\n') // nobody writes
	return err
}

// TestMapOutlivesItsLoader kills the process that made a map: pinned it stays,
// with its content, until it is unpinned; not pinned it is gone.
func TestMapOutlivesItsLoader(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	if err := syscall.Mount("bpf", dir, "bpf", 0, ""); err != nil {
		t.Fatalf("mounting a bpffs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmounting the bpffs: %v", err)
		}
	})
	pin := filepath.Join(dir, "table")

	id := killLoader(t, pin)
	m, err := ebpf.NewMapFromID(id)
	if err != nil {
		t.Fatalf("the map %d did not outlive its loader: %v", id, err)
	}
	var value uint64
	if err := m.Lookup(uint32(1), &value); err != nil || value != written {
		t.Errorf("the map holds %d (%v), want %d", value, err, written)
	}
	closes(t, m)
	if err := os.Remove(pin); err != nil {
		t.Fatal(err)
	}
	gone(t, id, "unpinned")

	gone(t, killLoader(t, "-"), "never pinned")
}

// killLoader runs a loader, kills it with signal 9, and gives its map's id.
func killLoader(t *testing.T, pin string) ebpf.MapID {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), loaderVariable+"="+pin)
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil { // open until Wait
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, readErr := bufio.NewReader(stdout).ReadString('\n')
	if readErr == nil {
		var m *ebpf.Map
		var id uint32
		if _, err := fmt.Sscan(strings.TrimSpace(line), &id); err != nil {
			t.Errorf("the loader said %q", line)
		} else if m, err = ebpf.NewMapFromID(ebpf.MapID(id)); err != nil {
			t.Errorf("the map %d of a running loader: %v", id, err)
		} else {
			closes(t, m)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		err = cmd.Wait()
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Errorf("the loader ended by itself: %v", err)
		}
		return ebpf.MapID(id)
	}
	t.Fatalf("the loader said nothing: %v, %v", readErr, cmd.Wait())
	return 0
}

// gone waits until the kernel has let a map go.
func gone(t *testing.T, id ebpf.MapID, why string) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; <-time.After(10 * time.Millisecond) {
		m, err := ebpf.NewMapFromID(id)
		if errors.Is(err, os.ErrNotExist) {
			return
		}
		if err == nil {
			closes(t, m)
		}
		if time.Now().After(deadline) {
			t.Fatalf("the map %d, %s, is still there (%v)", id, why, err)
		}
	}
}
