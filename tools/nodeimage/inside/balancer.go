package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	reloadEvery  = time.Second
	checkEvery   = 2 * time.Second
	checkTimeout = 3 * time.Second
	dialTimeout  = 2 * time.Second
)

// balancer gives each connection to the next backend that answers.
type balancer struct {
	dir    string
	log    *log.Logger
	client *http.Client

	mu      sync.Mutex
	config  config
	healthy map[string]bool
	next    int
}

func newBalancer(dir string, logger *log.Logger) *balancer {
	// As kind configures Envoy: the health check is about reaching a server, who
	// it is the clients verify themselves.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	return &balancer{dir: dir, log: logger, healthy: map[string]bool{}, client: &http.Client{Transport: transport, Timeout: checkTimeout}}
}

// serve follows the configuration until ctx ends.
func (b *balancer) serve(ctx context.Context) error {
	var work sync.WaitGroup
	defer work.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	work.Go(func() { b.check(ctx) })
	tick := time.NewTicker(reloadEvery)
	defer tick.Stop()
	var listener net.Listener
	stop := func() {
		if listener != nil {
			_ = listener.Close()
		}
	}
	defer func() { stop() }()
	for {
		before := b.current()
		now, err := readConfig(b.dir)
		switch {
		case err != nil:
			b.log.Printf("configuration kept as it was: %v", err)
		case now.listen != before.listen || !slices.Equal(now.backends, before.backends):
			b.log.Printf("listen on %q, backends %v", now.listen, now.backends)
			b.set(now)
		}
		if now.listen != "" && (listener == nil || now.listen != before.listen) {
			stop()
			if listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", now.listen); err != nil {
				return fmt.Errorf("listen on %s: %w", now.listen, err)
			}
			accepting := listener
			work.Go(func() { b.accept(ctx, accepting) })
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (b *balancer) current() config {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.config
}

func (b *balancer) set(c config) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.config = c
}

// check asks every backend how it is, again and again.
func (b *balancer) check(ctx context.Context) {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		var each sync.WaitGroup
		for _, backend := range b.current().backends {
			each.Go(func() {
				ok := b.ask(ctx, backend)
				b.mu.Lock()
				defer b.mu.Unlock()
				if b.healthy[backend] != ok {
					b.log.Printf("%s is healthy: %v", backend, ok)
				}
				b.healthy[backend] = ok
			})
		}
		each.Wait()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (b *balancer) ask(ctx context.Context, backend string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+backend+"/healthz", nil)
	if err != nil {
		return false
	}
	answer, err := b.client.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// order lists the backends to try: healthy ones in turn, then the others, for a
// check may be out of date.
func (b *balancer) order() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	n := len(b.config.backends)
	var good, rest []string
	for i := range n {
		backend := b.config.backends[(b.next+i)%n]
		if b.healthy[backend] {
			good = append(good, backend)
		} else {
			rest = append(rest, backend)
		}
	}
	return append(good, rest...)
}

// accept takes connections until the listener is closed, and waits for them.
func (b *balancer) accept(ctx context.Context, l net.Listener) {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	var open sync.WaitGroup
	defer open.Wait()
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // too many open files: the next one may do
			b.log.Printf("accept: %v", err)
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		open.Go(func() { b.forward(ctx, conn) })
	}
}

// forward joins a connection with a backend's until both are done or ctx ends.
func (b *balancer) forward(ctx context.Context, client net.Conn) {
	closeBoth := func() { _ = client.Close() }
	defer func() { closeBoth() }()
	server := b.dial(ctx)
	if server == nil {
		return
	}
	closeBoth = func() { _, _ = client.Close(), server.Close() }
	stop := context.AfterFunc(ctx, closeBoth)
	defer stop()
	var ways sync.WaitGroup
	ways.Go(func() { pipe(server, client) })
	ways.Go(func() { pipe(client, server) })
	ways.Wait()
}

// dial gives a connection to the first backend that takes one, nil if none does.
func (b *balancer) dial(ctx context.Context) net.Conn {
	var failed []error
	for _, backend := range b.order() {
		conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", backend)
		if err == nil {
			return conn
		}
		failed = append(failed, err)
	}
	b.log.Printf("no backend takes a connection: %v", errors.Join(failed...))
	return nil
}

// pipe copies one way and passes the end on; after a failure both ends close, so
// that the other way ends too.
func pipe(to, from net.Conn) {
	_, err := io.Copy(to, from)
	half, ok := to.(interface{ CloseWrite() error })
	if err != nil || !ok || half.CloseWrite() != nil {
		_, _ = to.Close(), from.Close()
	}
}
