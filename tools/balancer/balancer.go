package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"
)

// failures is how many checks in a row must fail before a backend is left: one
// slow answer of a busy machine must not end every client's connection.
const failures = 3

// maxConns bounds the connections held at once; more wait in the listener.
const maxConns = 4096

// backend is one API server as the balancer sees it.
type backend struct {
	addr string

	mu     sync.Mutex
	known  bool // checked at least once
	ready  bool
	failed int // checks in a row
	conns  map[net.Conn]struct{}
}

type balancer struct {
	opt      options
	check    func(ctx context.Context, addr string) error
	log      *slog.Logger
	backends []*backend

	mu   sync.Mutex
	next int // backend that takes the next connection
}

func newBalancer(opt options, check func(context.Context, string) error, log *slog.Logger) *balancer {
	b := &balancer{opt: opt, check: check, log: log}
	for _, addr := range opt.backends {
		b.backends = append(b.backends, &backend{addr: addr, conns: map[net.Conn]struct{}{}})
	}
	return b
}

// serve accepts until ctx ends, then ends every connection and waits.
func (b *balancer) serve(ctx context.Context, l net.Listener) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, be := range b.backends {
		wg.Go(func() { b.watch(ctx, be) })
	}
	wg.Go(func() { <-ctx.Done(); _ = l.Close() })
	slots := make(chan struct{}, maxConns)
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				cancel()
				return
			}
			b.log.Warn("accept failed", "error", err) // out of descriptors: it passes
			pause(ctx, b.opt.interval)
			continue
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			_ = conn.Close()
			continue
		}
		wg.Go(func() { defer func() { <-slots }(); b.handle(ctx, conn) })
	}
}

// watch checks one backend until ctx ends.
func (b *balancer) watch(ctx context.Context, be *backend) {
	for ctx.Err() == nil {
		limited, cancel := context.WithTimeout(ctx, b.opt.timeout)
		err := b.check(limited, be.addr)
		cancel()
		if ctx.Err() == nil {
			be.note(err, b.readyBeside(be), b.log)
		}
		pause(ctx, b.opt.interval)
	}
}

// readyBeside says that another backend is ready.
func (b *balancer) readyBeside(be *backend) bool {
	return slices.ContainsFunc(b.backends, func(other *backend) bool { return other != be && other.isReady() })
}

// note takes the outcome of a check. Connections to a backend that is not ready are
// ended only if there is a ready one to go to: where all are overloaded, ending them
// brings nothing but a new handshake for each.
func (be *backend) note(err error, elsewhere bool, log *slog.Logger) {
	be.mu.Lock()
	defer be.mu.Unlock()
	if err == nil {
		if !be.ready {
			log.Info("backend ready", "backend", be.addr)
		}
		be.known, be.ready, be.failed = true, true, 0
		return
	}
	be.failed++
	if be.known && be.ready && be.failed < failures {
		return
	}
	if !be.known || be.ready {
		log.Warn("backend not ready", "backend", be.addr, "error", err)
	}
	be.known, be.ready = true, false
	if !elsewhere {
		return
	}
	for conn := range be.conns {
		_ = conn.Close()
	}
}

func (be *backend) isReady() bool {
	be.mu.Lock()
	defer be.mu.Unlock()
	return be.ready
}

// hold notes a connection so that it can be ended with its backend.
func (be *backend) hold(conn net.Conn) (release func()) {
	be.mu.Lock()
	defer be.mu.Unlock()
	be.conns[conn] = struct{}{}
	return func() {
		be.mu.Lock()
		defer be.mu.Unlock()
		delete(be.conns, conn)
	}
}

// order lists the backends for one connection: ready ones first, each group
// starting one further than the last time.
func (b *balancer) order() []*backend {
	b.mu.Lock()
	start := b.next
	b.next = (b.next + 1) % len(b.backends)
	b.mu.Unlock()
	var ready, rest []*backend
	for i := range b.backends {
		be := b.backends[(start+i)%len(b.backends)]
		if be.isReady() {
			ready = append(ready, be)
		} else {
			rest = append(rest, be)
		}
	}
	return append(ready, rest...) // the check may be behind: a last try costs little
}

// handle joins a client with the first backend that takes the connection.
func (b *balancer) handle(ctx context.Context, client net.Conn) {
	defer client.Close()
	for _, be := range b.order() {
		dialer := net.Dialer{Timeout: b.opt.timeout}
		server, err := dialer.DialContext(ctx, "tcp", be.addr)
		if err != nil {
			continue
		}
		release := be.hold(server)
		join(ctx, client, server)
		release()
		return
	}
}

// join copies both ways until one side ends, then ends both.
func join(ctx context.Context, a, b net.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = a.Close(); _ = b.Close() })
	defer stop()
	var wg sync.WaitGroup
	copyOne := func(dst, src net.Conn) {
		_, err := io.Copy(dst, src)
		if half, ok := dst.(*net.TCPConn); ok && err == nil {
			_ = half.CloseWrite() // the other direction may still have to say something
			return
		}
		_ = dst.Close()
		_ = src.Close()
	}
	wg.Go(func() { copyOne(a, b) })
	wg.Go(func() { copyOne(b, a) })
	wg.Wait()
	_ = a.Close()
	_ = b.Close()
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
