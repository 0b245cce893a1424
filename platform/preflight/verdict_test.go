package preflight

import (
	"context"
	"io/fs"
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
