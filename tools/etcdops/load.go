package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/errgroup"
)

// loadResult is what a load measured.
type loadResult struct {
	Workload string  `json:"workload"`
	Ops      int     `json:"ops"`
	Seconds  float64 `json:"seconds"`
	QPS      float64 `json:"qps"`
	P50      float64 `json:"p50Millis"`
	P99      float64 `json:"p99Millis"`
	Events   int64   `json:"events,omitempty"` // that watchers saw
}

type load struct {
	access
	workload                            string
	clients, ops, size, watchers, conns int
	compact                             bool
}

func newLoad(fs *flag.FlagSet, args []string) (task, error) {
	var l load
	l.flags(fs)
	fs.StringVar(&l.workload, "workload", "puts", "puts, leases, revisions or watches")
	fs.IntVar(&l.clients, "clients", 64, "callers at once")
	fs.IntVar(&l.conns, "connections", 8, "connections they share")
	fs.IntVar(&l.ops, "ops", 8000, "operations in all")
	fs.IntVar(&l.size, "size", 512, "bytes of a value")
	fs.IntVar(&l.watchers, "watchers", 100, "watchers of workload watches")
	fs.BoolVar(&l.compact, "compact", false, "compact to the newest revision afterwards")
	if err := whole(fs, args); err != nil {
		return nil, err
	}
	if min(l.clients, l.conns, l.ops, l.size) < 1 || l.watchers < 0 {
		return nil, errors.New("-clients, -connections, -ops and -size are at least 1")
	}
	if _, err := l.operation(); err != nil {
		return nil, err
	}
	return l, l.check()
}

type operation func(context.Context, *clientv3.Client, int, string) error

func (l load) operation() (operation, error) {
	one, ok := map[string]operation{
		"puts": putOne, "watches": putOne, "revisions": reviseOne, "leases": leaseOne,
	}[l.workload]
	if !ok {
		return nil, fmt.Errorf("no workload %q; there are puts, leases, revisions and watches", l.workload)
	}
	return one, nil
}

func (l load) run(ctx context.Context) (any, error) {
	one, err := l.operation()
	if err != nil {
		return nil, err
	}
	var pool []*clientv3.Client
	defer func() {
		for _, c := range pool {
			_ = c.Close() // the members forget it
		}
	}()
	for range min(l.conns, l.clients) {
		c, err := l.open(l.list())
		if err != nil {
			return nil, err
		}
		pool = append(pool, c)
	}
	var events atomic.Int64
	end := func() {}
	if l.workload == "watches" {
		end = l.watch(ctx, pool, &events)
	}
	defer end()
	r, err := l.measure(ctx, pool, &events, one)
	if err == nil && l.compact {
		err = l.compactAll(ctx, pool[0])
	}
	return r, err
}

// compactAll returns once the members have removed what is old.
func (l load) compactAll(ctx context.Context, c *clientv3.Client) error {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	now, err := c.Get(ctx, "load/", clientv3.WithCountOnly())
	if err == nil {
		_, err = c.Compact(ctx, now.Header.Revision, clientv3.WithCompactPhysical())
	}
	if err != nil {
		return fmt.Errorf("compact: %w", err)
	}
	return nil
}

func (l load) measure(ctx context.Context, pool []*clientv3.Client, events *atomic.Int64, one operation) (loadResult, error) {
	value, took := strings.Repeat("v", l.size), make([]time.Duration, l.ops)
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	began := time.Now()
	for w := range l.clients {
		g.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= l.ops {
					return nil
				}
				start := time.Now()
				callCtx, cancel := context.WithTimeout(ctx, l.timeout)
				err := one(callCtx, pool[w%len(pool)], i, value)
				cancel()
				if err != nil {
					return fmt.Errorf("operation %d: %w", i, err)
				}
				took[i] = time.Since(start)
			}
		})
	}
	if err := g.Wait(); err != nil {
		return loadResult{}, err
	}
	seconds := time.Since(began).Seconds()
	slices.Sort(took)
	millis := func(share float64) float64 { return float64(took[int(share*float64(l.ops-1))]) / 1e6 }
	return loadResult{Workload: l.workload, Ops: l.ops, Seconds: seconds, QPS: float64(l.ops) / seconds,
		P50: millis(0.5), P99: millis(0.99), Events: events.Load()}, nil
}

func putOne(ctx context.Context, c *clientv3.Client, i int, value string) error {
	_, err := c.Put(ctx, fmt.Sprintf("load/%08d", i), value)
	return err
}

// reviseOne writes the same few keys again and again: revisions pile up.
func reviseOne(ctx context.Context, c *clientv3.Client, i int, value string) error {
	_, err := c.Put(ctx, fmt.Sprintf("load/%02d", i%50), value)
	return err
}

// leaseOne is what an Event of Kubernetes costs: a lease and a key on it.
func leaseOne(ctx context.Context, c *clientv3.Client, i int, value string) error {
	lease, err := c.Grant(ctx, 3600)
	if err != nil {
		return err
	}
	_, err = c.Put(ctx, fmt.Sprintf("load/%08d", i), value, clientv3.WithLease(lease.ID))
	return err
}

// watch opens the watchers; the answer ends them and waits.
func (l load) watch(ctx context.Context, pool []*clientv3.Client, events *atomic.Int64) func() {
	ctx, cancel := context.WithCancel(ctx)
	g, ctx := errgroup.WithContext(ctx)
	for i := range l.watchers {
		// A prefix of its own keeps the watch; all see every hundredth key.
		changes := pool[i%len(pool)].Watch(clientv3.WithRequireLeader(ctx), fmt.Sprintf("load/%06d", i), clientv3.WithPrefix())
		g.Go(func() error {
			for c := range changes {
				events.Add(int64(len(c.Events)))
			}
			return nil
		})
	}
	return func() { cancel(); _ = g.Wait() }
}
