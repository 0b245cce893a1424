package embedded

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadHierarchies(t *testing.T) {
	t.Parallel()
	unified := t.TempDir()
	if err := os.WriteFile(filepath.Join(unified, "cgroup.controllers"), []byte("cpuset cpu io memory pids\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const old = "30 25 0:26 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n" +
		"31 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" +
		"32 25 0:28 /docker/x /elsewhere/memory rw - cgroup cgroup rw,memory\n" +
		"33 25 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n" +
		"34 25 0:30 / /proc rw - proc proc rw\nx\n"
	for _, c := range []struct {
		name, mounts string
		want         []hierarchy
		lacking      string
	}{
		{"none", "", nil, "cpu cpuacct cpuset memory pids devices freezer"},
		{"version 1, and 2 without controllers", old, []hierarchy{
			{dir: "/sys/fs/cgroup/cpu", controllers: []string{"rw", "cpu", "cpuacct"}},
			{dir: "/sys/fs/cgroup/memory", controllers: []string{"rw", "memory"}}, {dir: "/sys/fs/cgroup/unified", unified: true},
		}, "cpuset pids devices freezer"},
		{"version 2 alone", "33 25 0:29 / " + unified + " rw - cgroup2 cgroup2 rw\n", []hierarchy{{dir: unified, unified: true}}, ""},
	} {
		got := readHierarchies(c.mounts)
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(hierarchy{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		if diff := cmp.Diff(c.lacking, strings.Join(lackingControllers(got), " ")); diff != "" {
			t.Errorf("%s: lacking (-want +got):\n%s", c.name, diff)
		}
	}
}

func FuzzReadHierarchies(f *testing.F) {
	f.Add("33 25 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
	f.Add("30 25 0:26 / /c rw shared:9 - cgroup cgroup rw,cpu")
	f.Fuzz(func(t *testing.T, text string) {
		for _, h := range readHierarchies(text) {
			if h.dir == "" || h.unified == (h.controllers != nil) {
				t.Errorf("%+v", h)
			}
		}
	})
}

// TestDelegate gives groups below the root what they lack, and no more.
func TestDelegate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "cgroup.subtree_control")
	if err := os.WriteFile(file, []byte("cpu cpuset io memory\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := delegate(dir); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "+pids" {
		t.Errorf("written: %q (%v)", got, err)
	}
}

// TestOnThread: a function runs on a thread whose state nobody else gets.
func TestOnThread(t *testing.T) {
	t.Parallel()
	for range 20 {
		if err := onThread(func() error { return os.ErrClosed }); err != os.ErrClosed { //nolint:errorlint // the very error
			t.Fatal(err)
		}
	}
}
