package xdp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"syscall"
)

// Names of the two cards of a pair.
const (
	nearName = "dualtrack0"
	farName  = "dualtrack1"
)

// Pair is two virtual cards: what goes out of Far comes in at Near.
type Pair struct {
	Near, Far net.Interface
}

// InNamespace makes a network namespace with a pair of cards in it and runs fn
// there. The namespace lives as long as the thread that fn runs on, so nothing is
// left behind however it ends. fn must not hand its work to another goroutine.
func InNamespace(ctx context.Context, fn func(Pair) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		// Never unlocked: the runtime ends the thread, and with it the namespace.
		runtime.LockOSThread()
		done <- inNamespace(fn)
	}()
	return <-done
}

func inNamespace(fn func(Pair) error) error {
	if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
		return fmt.Errorf("making a network namespace: %w", err)
	}
	pair, err := makePair()
	if err != nil {
		return err
	}
	return fn(pair)
}

// Constants of rtnetlink that the standard library does not name.
const (
	attrName     = 3  // IFLA_IFNAME
	attrLinkInfo = 18 // IFLA_LINKINFO
	attrKind     = 1  // IFLA_INFO_KIND
	attrData     = 2  // IFLA_INFO_DATA
	attrPeer     = 1  // VETH_INFO_PEER
)

func makePair() (Pair, error) {
	peer := append(linkHeader(0, 0, 0), attribute(attrName, zero(farName))...)
	info := append(attribute(attrKind, zero("veth")), attribute(attrData, attribute(attrPeer, peer))...)
	body := append(linkHeader(0, 0, 0), attribute(attrName, zero(nearName))...)
	body = append(body, attribute(attrLinkInfo, info)...)
	if err := ask(syscall.RTM_NEWLINK, syscall.NLM_F_CREATE|syscall.NLM_F_EXCL, body); err != nil {
		return Pair{}, fmt.Errorf("making a pair of virtual cards: %w", err)
	}
	var pair Pair
	for name, into := range map[string]*net.Interface{nearName: &pair.Near, farName: &pair.Far, "lo": nil} {
		card, err := net.InterfaceByName(name)
		if err != nil {
			return Pair{}, fmt.Errorf("finding card %s: %w", name, err)
		}
		if err := ask(syscall.RTM_NEWLINK, 0, linkHeader(int32(card.Index), syscall.IFF_UP, syscall.IFF_UP)); err != nil {
			return Pair{}, fmt.Errorf("setting card %s up: %w", name, err)
		}
		if into != nil {
			*into = *card
		}
	}
	return pair, nil
}

// linkHeader is a struct ifinfomsg.
func linkHeader(index int32, flags, change uint32) []byte {
	b := make([]byte, 16)
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	binary.NativeEndian.PutUint32(b[8:], flags)
	binary.NativeEndian.PutUint32(b[12:], change)
	return b
}

// attribute is a netlink attribute, padded to four bytes.
func attribute(kind uint16, value []byte) []byte {
	b := make([]byte, 4, 4+len(value)+3)
	binary.NativeEndian.PutUint16(b, uint16(4+len(value)))
	binary.NativeEndian.PutUint16(b[2:], kind)
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func zero(s string) []byte { return append([]byte(s), 0) }

// ask sends one request to the kernel and waits for its word on it.
func ask(kind, flags uint16, body []byte) (err error) {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_ROUTE)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer func() { err = errors.Join(err, syscall.Close(fd)) }()
	msg := make([]byte, 16, 16+len(body))
	binary.NativeEndian.PutUint32(msg, uint32(16+len(body)))
	binary.NativeEndian.PutUint16(msg[4:], kind)
	binary.NativeEndian.PutUint16(msg[6:], flags|syscall.NLM_F_REQUEST|syscall.NLM_F_ACK)
	binary.NativeEndian.PutUint32(msg[8:], 1)
	if err := syscall.Sendto(fd, append(msg, body...), 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	buf := make([]byte, 4096)
	n, _, err := syscall.Recvfrom(fd, buf, 0)
	if err != nil {
		return os.NewSyscallError("recvfrom", err)
	}
	messages, err := syscall.ParseNetlinkMessage(buf[:n])
	if err != nil {
		return fmt.Errorf("reading the kernel's answer: %w", err)
	}
	for _, m := range messages {
		if m.Header.Type == syscall.NLMSG_ERROR && len(m.Data) >= 4 {
			if code := int32(binary.NativeEndian.Uint32(m.Data)); code != 0 {
				return syscall.Errno(-code)
			}
		}
	}
	return nil
}

// Send sends a frame out of a card, n times, and waits for none of them.
func Send(ctx context.Context, card int, frame []byte, n int) (err error) {
	fd, err := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer func() { err = errors.Join(err, syscall.Close(fd)) }()
	to := &syscall.SockaddrLinklayer{Ifindex: card}
	for i := range n {
		if i%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := syscall.Sendto(fd, frame, 0, to); err != nil {
			return os.NewSyscallError("sendto", err)
		}
	}
	return nil
}
