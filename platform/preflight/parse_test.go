package preflight

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
)

func TestParseCPUs(t *testing.T) {
	t.Parallel()
	cases := []struct {
		text string
		want []int
		bad  bool
	}{
		{"", nil, false}, {"0", []int{0}, false}, {"0-3,8", []int{0, 1, 2, 3, 8}, false}, {" 3, 1-2 ,2", []int{1, 2, 3}, false},
		{"3-1", nil, true}, {"a", nil, true}, {"1-", nil, true}, {"-1", nil, true}, {"0-99999999", nil, true},
	}
	for _, c := range cases {
		got, err := catalog.ParseCPUs(c.text)
		if (err != nil) != c.bad {
			t.Errorf("%q: error %v, want one: %v", c.text, err, c.bad)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.text, diff)
		}
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	cases := map[string]version{"6.1.0-18-amd64": {6, 1, 0}, "5.15.153.1-microsoft": {5, 15, 153}, "4.19": {4, 19, 0}}
	for text, want := range cases {
		if got, ok := parseVersion(text); !ok || got != want {
			t.Errorf("%s: %v, %v, want %v", text, got, ok, want)
		}
	}
	if _, ok := parseVersion("linux"); ok {
		t.Error("a word is read as a version")
	}
	if !(version{4, 19, 56}).before(version{4, 19, 57}) || (version{5, 0, 0}).before(version{4, 20, 0}) || (version{5, 5, 0}).before(version{5, 5, 0}) {
		t.Error("versions are not in order")
	}
}

func FuzzParseCPUs(f *testing.F) {
	for _, seed := range []string{"", "0-3,8", "1,1,1", "3-1", "0-8191"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cpus, err := catalog.ParseCPUs(text)
		if err != nil {
			return
		}
		if !slices.IsSorted(cpus) {
			t.Fatalf("%q is not sorted: %v", text, cpus)
		}
		again, err := catalog.ParseCPUs(formatCPUs(cpus))
		if err != nil || !slices.Equal(cpus, again) {
			t.Fatalf("%q: %v, written and read again %v (%v)", text, cpus, again, err)
		}
	})
}

func FuzzMachine(f *testing.F) {
	f.Add("6.1.0", " 38:  0  1 PCI-MSIX virtio2-input.0", "30 23 0:26 / /sys/fs/bpf rw - bpf bpf rw")
	f.Add("", ":", " - ")
	f.Fuzz(func(t *testing.T, release, interrupts, mounts string) {
		if v, ok := parseVersion(release); !ok && v != (version{}) {
			t.Fatalf("%q: no version, but %v", release, v)
		}
		for n, name := range parseInterrupts(interrupts) {
			if n < 0 || queueNumber(name, 0) < 0 {
				t.Fatalf("interrupt %d, %q", n, name)
			}
		}
		mounted(mounts, "/sys/fs/bpf", "bpf")
	})
}
