package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"k8s.io/client-go/rest"

	"dualtrack.internal/platform/cluster"
)

const (
	userAgent = "dualtrack-load"
	// patience is how long after it was due a call may get its answer.
	patience = 10 * time.Second
	// connections to the hub, which its balancer spreads over the API servers.
	connections = 32
	// watchLength is how long a watch is asked for.
	watchLength = 8 * time.Second
	maxAnswer   = 8 << 20
)

// sample is one call: when it was due, how long after that its end was known.
type sample struct {
	due, took time.Duration
	answered  bool
}

// generator makes calls fall due at a steady rate.
type generator struct {
	host    string
	token   string
	clients []*http.Client
	rate    int
	length  time.Duration
	created chan string                        // objects that may be deleted
	version [namespaces]atomic.Pointer[string] // of the last list, where a watch begins

	begun   time.Time
	next    atomic.Int64
	watches sync.WaitGroup
	cut     atomic.Int64 // watches that ended before their time

	mu      sync.Mutex
	samples []sample
	answers map[int]int    // by status
	lost    map[string]int // by kind
}

// newGenerator writes what the calls are about, and connects.
func newGenerator(ctx context.Context, access cluster.Access, rate int, length time.Duration) (*generator, error) {
	token, err := furnish(ctx, access.Config)
	if err != nil {
		return nil, fmt.Errorf("prepare the load: %w", err)
	}
	g := &generator{host: access.Config.Host, token: token, rate: rate, length: length,
		created: make(chan string, 4096), answers: map[int]int{}, lost: map[string]int{}}
	for range connections {
		tls, err := rest.TLSConfigFor(access.Config)
		if err != nil {
			return nil, fmt.Errorf("prepare the load: %w", err)
		}
		tls.Certificates = nil // the token says who calls: an account that fairness applies to
		tls.GetClientCertificate = nil
		g.clients = append(g.clients, &http.Client{Transport: &http.Transport{TLSClientConfig: tls, ForceAttemptHTTP2: true}})
	}
	none := "0"
	for i := range g.version {
		g.version[i].Store(&none)
	}
	return g, nil
}

func (g *generator) begin() { g.begun = time.Now() }

func (g *generator) close() {
	for _, c := range g.clients {
		c.CloseIdleConnections()
	}
}

// run makes every call that falls due within the length, and waits for all.
func (g *generator) run(ctx context.Context) error {
	var work sync.WaitGroup
	// As many as wait at once in the worst case, up to what a machine can hold.
	for range min(2048, max(256, g.rate*int(patience.Seconds()))) {
		work.Go(func() { g.worker(ctx) })
	}
	work.Wait()
	g.watches.Wait()
	return context.Cause(ctx)
}

func (g *generator) worker(ctx context.Context) {
	var samples []sample
	answers, lost := map[int]int{}, map[string]int{}
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.samples = append(g.samples, samples...)
		add(g.answers, answers)
		add(g.lost, lost)
	}()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		i := int(g.next.Add(1) - 1)
		due := time.Duration(float64(i) / float64(g.rate) * float64(time.Second))
		if due >= g.length {
			return
		}
		if wait := due - time.Since(g.begun); wait > 0 {
			timer.Reset(wait)
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
		}
		if ctx.Err() != nil {
			return
		}
		s := sample{due: due}
		if time.Since(g.begun)-due > patience {
			lost["not sent in time"]++
			s.took = patience
		} else if status, err := g.call(ctx, i, g.begun.Add(due+patience)); err != nil {
			lost[kindOf(err)]++
			s.took = time.Since(g.begun) - due
		} else {
			answers[status]++
			s.took, s.answered = time.Since(g.begun)-due, status < 500 && status != http.StatusTooManyRequests
		}
		samples = append(samples, s)
	}
}

func add[K comparable](to, from map[K]int) {
	for k := range from {
		to[k] += from[k]
	}
}

// call makes one call and reads its answer; of a watch, its beginning.
func (g *generator) call(ctx context.Context, i int, deadline time.Time) (status int, err error) {
	c := g.pick(i)
	if c.watch {
		return g.watch(ctx, c, i, deadline)
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	answer, err := g.send(ctx, c, i)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return 0, err
	}
	g.note(c, answer.StatusCode, text)
	return answer.StatusCode, nil
}

// watch reads on after its answer has begun; run waits for its end. The deadline is
// the beginning's.
func (g *generator) watch(ctx context.Context, c call, i int, deadline time.Time) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience+2*watchLength)
	late := time.AfterFunc(time.Until(deadline), cancel)
	answer, err := g.send(ctx, c, i)
	if inTime := late.Stop(); err != nil || !inTime {
		cancel()
		if !inTime {
			err = errors.Join(context.DeadlineExceeded, err)
			if answer != nil {
				_ = answer.Body.Close() // it came too late
			}
		}
		return 0, err
	}
	g.watches.Go(func() {
		defer cancel()
		defer func() { _ = answer.Body.Close() }() // only read
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			g.cut.Add(1)
		}
	})
	return answer.StatusCode, nil
}

func (g *generator) send(ctx context.Context, c call, i int) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, c.method, g.host+c.path, c.reader())
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Authorization", "Bearer "+g.token)
	if c.kind != "" {
		req.Header.Set("Content-Type", c.kind)
	}
	return g.clients[i%len(g.clients)].Do(req)
}

// note remembers what later calls need.
func (g *generator) note(c call, status int, text []byte) {
	switch {
	case c.makes != "" && status == http.StatusCreated:
		select {
		case g.created <- c.makes:
		default: // enough are known
		}
	case c.lists && status == http.StatusOK:
		if v := listVersion(text); v != "" {
			g.version[c.namespace].Store(&v)
		}
	}
}

// kindOf is what became of a call that has no answer.
func kindOf(err error) string {
	timeout, ok := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, context.DeadlineExceeded), ok && timeout.Timeout():
		return "no answer in time"
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	}
	return "connection lost"
}
