package cluster

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"
)

// ForEach does one thing with each named cluster, at most workers at once, and
// returns one error a name in the same order: core.Stop and core.Remove fit.
func ForEach(ctx context.Context, names []string, workers int, do func(ctx context.Context, name string) error) []error {
	errs := make([]error, len(names))
	var g errgroup.Group
	g.SetLimit(max(1, workers))
	for i, name := range names {
		g.Go(func() error {
			if errs[i] = context.Cause(ctx); errs[i] == nil {
				errs[i] = do(ctx, name)
			}
			return nil
		})
	}
	_ = g.Wait()
	return errs
}

const (
	waitPoll  = 100 * time.Millisecond
	waitProbe = 3 * time.Second // bounds one question
)

// Wait waits until the cluster's API server says that it is ready, or ctx ends.
// The status decides: the body of a failing answer holds "ok" too.
func Wait(ctx context.Context, access Access) error {
	client, err := rest.HTTPClientFor(access.Config)
	if err != nil {
		return fmt.Errorf("cluster %s: client: %w", access.Name, err)
	}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(waitPoll)
	defer tick.Stop()
	for {
		err := ready(ctx, client, access.Config.Host)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("cluster %s: API server: %w (last answer: %w)", access.Name, context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}

func ready(ctx context.Context, client *http.Client, host string) error {
	ctx, cancel := context.WithTimeout(ctx, waitProbe)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, host+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("ask /readyz: %w", err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("ask /readyz: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16)) // so that the connection is used again
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("/readyz answers %s", resp.Status)
	}
	return nil
}
