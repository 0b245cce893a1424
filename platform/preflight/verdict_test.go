package preflight

import (
	"context"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// TestVerdicts holds the node's word: the least of its cards and of the kernel.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	card := func(driver string) fs.FS {
		return fstest.MapFS{
			"proc/sys/kernel/osrelease":           {Data: []byte("6.1.0")},
			"sys/class/net/eth0/device/uevent":    {Data: []byte("DRIVER=" + driver)},
			"sys/class/net/eth0/mtu":              {Data: []byte("1500")},
			"sys/class/net/lo/mtu":                {Data: []byte("65536")},
			"sys/class/net/eth0/device/numa_node": {Data: []byte("0")},
		}
	}
	old := card("ice").(fstest.MapFS)
	old["proc/sys/kernel/osrelease"] = &fstest.MapFile{Data: []byte("4.9.0")}
	attempts := func(generic, native bool) func(context.Context) (*Trial, error) {
		return func(context.Context) (*Trial, error) {
			return &Trial{Attempts: []Attempt{{Mode: Generic, Attached: generic}, {Mode: Native, Attached: native}}}, nil
		}
	}
	cases := []struct {
		name string
		root fs.FS
		try  func(context.Context) (*Trial, error)
		want string
	}{
		{"both say native", card("ice"), attempts(true, true), Native},
		{"not tried: the driver's word", card("ice"), notTried, Native},
		{"no driver for it", card("r8169"), attempts(true, true), Generic},
		{"the kernel can't attach natively", card("ice"), attempts(true, false), Generic},
		{"the kernel can't attach at all", card("ice"), attempts(false, false), NotPossible},
		{"a kernel before any of it", old, notTried, NotPossible},
		{"no cards", fstest.MapFS{}, attempts(true, true), ""},
	}
	for _, c := range cases {
		r, err := Look(t.Context(), Options{OS: "linux", Root: c.root, Try: c.try})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, r.XDP); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestClusterWants compares the machine with the cluster that it is for.
func TestClusterWants(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, tree, wanted, devices string
		want                        State
		detail                      string
	}{
		{"native where it is", "two-sockets", "native", "eth+", OK, "native by the driver of each of 1 cards"},
		{"native where it is not", "old-box", "native", "", Bad, "the cluster wants native"},
		{"best effort", "old-box", "best-effort", "", OK, "the cluster takes it"},
		{"one card of two", "old-box", "native", "eth1", Bad, "generic: eth1 (r8169"},
		{"nothing asked", "old-box", "", "", Note, "generic: eth0"},
		{"another card's name", "two-sockets", "native", "ens+ bond0", Bad, "devices are ens+ bond0"},
	}
	for _, c := range cases {
		r, err := Look(t.Context(), Options{OS: "linux", Root: tree(t, c.tree), Acceleration: c.wanted, Devices: c.devices, Try: tried})
		if err != nil {
			t.Fatal(err)
		}
		last := r.Checks[len(r.Checks)-1]
		if last.State != c.want || !strings.Contains(last.Detail, c.detail) {
			t.Errorf("%s: %+v, want %s with %q", c.name, last, c.want, c.detail)
		}
	}
}
