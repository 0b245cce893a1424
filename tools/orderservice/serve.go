package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// How long the end may take, all in all less than the chart's grace period of a
// pod: after the hand-over, requests in flight, then the last spans.
const (
	drainWithin = 12 * time.Second
	flushWithin = 2 * time.Second
)

// serve answers on both listeners until ctx ends, a listener fails or a fault
// ends the program. It returns the exit code.
func serve(ctx context.Context, s *service, t *tracing, orders, operations net.Listener) int {
	servers := []*http.Server{server(s.orderHandler(), s.log), server(s.operationsHandler(), s.log)}
	failed := make(chan error, len(servers))
	for i, l := range []net.Listener{orders, operations} {
		go func() { failed <- servers[i].Serve(l) }()
	}
	s.log.Info("serving", "orders", orders.Addr().String(), "metrics", operations.Addr().String())
	code, waiting := exitOK, len(servers)
	select {
	case <-ctx.Done():
		s.handOver()
	case <-s.faults.crash:
		s.log.Error("a fault ends the program")
		code = exitCrash
		for _, srv := range servers {
			_ = srv.Close() // as a crash would
		}
	case err := <-failed:
		s.log.Error("a listener failed", "error", err)
		code, waiting = exitFailure, waiting-1
	}
	ctx = context.WithoutCancel(ctx)
	drain, stop := context.WithTimeout(ctx, drainWithin)
	defer stop()
	for _, srv := range servers {
		if err := shutdown(drain, srv); err != nil {
			s.log.Error("requests were cut off", "error", err)
			code = max(code, exitFailure)
		}
	}
	for range waiting {
		if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
			s.log.Warn("a listener failed at the end", "error", err)
		}
	}
	if code == exitCrash {
		return code
	}
	flush, cancel := context.WithTimeout(ctx, flushWithin)
	defer cancel()
	if err := t.stop(flush); err != nil {
		s.log.Warn("the last spans were not taken", "error", err)
	}
	s.log.Info("ended", "code", code)
	return code
}

// handOver says not ready and goes on serving, so that nobody sends orders here
// any more when the listener closes.
func (s *service) handOver() {
	s.leaving.Store(true)
	s.log.Info("handing over", "delay", s.cfg.handOver.String())
	timer := time.NewTimer(s.cfg.handOver)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.faults.crash:
	}
}

func shutdown(ctx context.Context, srv *http.Server) error {
	err := srv.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.Join(err, srv.Close())
	}
	return err
}

func server(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      maxLatency + 15*time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}
