// Command orderservice takes a shop's orders at one site: POST /order/submit
// checks an order, asks the site's model about it where there is one, and
// answers with the order's number and total. It exports traces over OTLP and
// metrics for Prometheus, and can be told to fail in ways that rollouts must
// notice. It stores nothing, and neither a missing collector nor a missing model
// ever fails an order.
package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUse     = 2 // the environment is not understood
	exitCrash   = 3 // asked for by a fault
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	context.AfterFunc(ctx, stop) // a second signal ends at once
	os.Exit(run(ctx, os.Getenv, os.Stderr))
}

// run serves until ctx ends, then hands over and returns the exit code.
func run(ctx context.Context, getenv func(string) string, stderr io.Writer) int {
	log := slog.New(slog.NewJSONHandler(stderr, nil))
	cfg, err := configFrom(getenv)
	if err != nil {
		log.Error("the environment is not understood", "error", err)
		return exitUse
	}
	log = log.With("site", cfg.site)
	if cfg.faults.CrashAtStart {
		log.Error("a fault ends the program at its start")
		return exitCrash
	}
	host, err := os.Hostname()
	if err != nil {
		log.Warn("the host has no name", "error", err)
	}
	metrics := newMetrics()
	tracing, err := startTracing(ctx, cfg, host, metrics, log)
	if err != nil {
		log.Error("cannot set up tracing", "error", err)
		return exitFailure
	}
	svc, err := newService(cfg, tracing.provider, metrics, log)
	if err != nil {
		log.Error("cannot set up", "error", err)
		return exitFailure
	}
	var lc net.ListenConfig
	orders, err := lc.Listen(ctx, "tcp", cfg.listen)
	if err != nil {
		log.Error("cannot listen", "error", err)
		return exitFailure
	}
	operations, err := lc.Listen(ctx, "tcp", cfg.metricsListen)
	if err != nil {
		log.Error("cannot listen", "error", err)
		_ = orders.Close() // the program ends
		return exitFailure
	}
	return serve(ctx, svc, tracing, orders, operations)
}
