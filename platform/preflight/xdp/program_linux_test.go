package xdp

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFrame holds the frame to what the kernel's path asks of it.
func TestFrame(t *testing.T) {
	t.Parallel()
	f := Frame([6]byte{2, 0, 0, 0, 0, 1}, [4]byte{198, 19, 1, 2})
	var sum uint32
	for i := 14; i < headers; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(f[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	got := map[string]int{
		"length": len(f), "checksum": int(sum), "IP length": int(binary.BigEndian.Uint16(f[16:])),
		"UDP length": int(binary.BigEndian.Uint16(f[38:])), "type": int(binary.BigEndian.Uint16(f[etherType:])), "protocol": int(f[protocol]),
	}
	want := map[string]int{"length": 64, "checksum": 0xffff, "IP length": 50, "UDP length": 30, "type": 0x0800, "protocol": 17}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("frame (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]byte{198, 19, 1, 2}, f[destination:headers]); diff != "" {
		t.Errorf("destination (-want +got):\n%s", diff)
	}
}

// TestNetlink holds the messages to the kernel's layout.
func TestNetlink(t *testing.T) {
	t.Parallel()
	got := attribute(attrName, zero("veth"))
	if len(got) != 12 || binary.NativeEndian.Uint16(got) != 9 || binary.NativeEndian.Uint16(got[2:]) != attrName {
		t.Errorf("attribute: % x", got)
	}
	if n := len(linkHeader(1, 0, 0)); n != 16 {
		t.Errorf("a link's header has %d bytes, want 16", n)
	}
}
