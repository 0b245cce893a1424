package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// member is what a defragmentation did to one.
type member struct {
	Endpoint string  `json:"endpoint"`
	Leader   bool    `json:"leader"`
	Before   int64   `json:"beforeBytes"`
	InUse    int64   `json:"inUseBytes"`
	After    int64   `json:"afterBytes,omitempty"`
	Seconds  float64 `json:"seconds,omitempty"`
	Skipped  string  `json:"skipped,omitempty"`
}

type defragResult struct {
	Members []member `json:"members"` // in the order in which they were taken
}

type defragmenting struct {
	access
	below float64
	least int64
}

func newDefrag(fs *flag.FlagSet, args []string) (task, error) {
	var d defragmenting
	d.flags(fs)
	fs.Float64Var(&d.below, "below", 0.5, "only members whose share in use is below this")
	fs.Int64Var(&d.least, "least", 100<<20, "only databases of at least so many bytes")
	if err := whole(fs, args); err != nil {
		return nil, err
	}
	if d.below <= 0 || d.below > 1 || d.least < 0 {
		return nil, errors.New("-below is a share, above 0 and at most 1, and -least no negative number")
	}
	return &d, d.check()
}

// run takes one member after the other, the leader last, each only once all answer.
// A member blocks while it is at it; with all of them whole, one that blocks costs a
// cluster of three nothing.
func (a *defragmenting) run(ctx context.Context) (any, error) {
	c, err := a.open(a.list())
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }() // nothing was left to send
	all, err := a.discover(ctx, c)
	if err != nil {
		return nil, err
	}
	members, err := a.survey(ctx, c, all)
	if err != nil {
		return nil, err
	}
	result := defragResult{Members: members}
	for i := range members {
		m := &members[i]
		if m.Before < a.least || float64(m.InUse) >= a.below*float64(m.Before) {
			m.Skipped = "too little to gain"
			continue
		}
		if _, err := a.survey(ctx, c, all); err != nil {
			return nil, fmt.Errorf("before %s: %w; nothing more was done", m.Endpoint, err)
		}
		if err := a.defrag(ctx, c, m); err != nil {
			return nil, err
		}
	}
	return result, nil
}

// discover asks for all members: a leader that nobody listed could not come last.
func (a *access) discover(ctx context.Context, c *clientv3.Client) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	list, err := c.MemberList(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask %s for the members: %w", a.endpoints, err)
	}
	var out []string
	for _, m := range list.Members {
		if len(m.ClientURLs) == 0 {
			return nil, fmt.Errorf("member %x (%s) has told no address yet; wait until it has started, or remove it", m.ID, m.Name)
		}
		out = append(out, m.ClientURLs[0])
	}
	return out, nil
}

// survey asks every member; one that does not answer, or has no leader, is an
// error. The leader comes last.
func (a *access) survey(ctx context.Context, c *clientv3.Client, all []string) ([]member, error) {
	var out []member
	var errs []error
	for _, endpoint := range all {
		callCtx, cancel := context.WithTimeout(ctx, a.timeout)
		s, err := c.Status(callCtx, endpoint)
		cancel()
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("member %s: %w", endpoint, err))
		case s.Leader == 0:
			errs = append(errs, fmt.Errorf("member %s has no leader", endpoint))
		default:
			out = append(out, member{Endpoint: endpoint, Leader: s.Leader == s.Header.MemberId, Before: s.DbSize, InUse: s.DbSizeInUse})
		}
	}
	slices.SortStableFunc(out, func(a, b member) int {
		switch {
		case a.Leader == b.Leader:
			return 0
		case a.Leader:
			return 1
		}
		return -1
	})
	return out, errors.Join(errs...)
}

func (a *access) defrag(ctx context.Context, c *clientv3.Client, m *member) error {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	began := time.Now()
	if _, err := c.Defragment(ctx, m.Endpoint); err != nil {
		return fmt.Errorf("defragment %s: %w", m.Endpoint, err)
	}
	m.Seconds = time.Since(began).Seconds()
	s, err := c.Status(ctx, m.Endpoint)
	if err != nil {
		return fmt.Errorf("member %s after its defragmentation: %w", m.Endpoint, err)
	}
	m.After = s.DbSize
	return nil
}
