// Command platform renders the distribution, gates it, brings clusters up, and
// proves with two tracks that they hold what Git says.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"dualtrack.internal/platform/cli"
)

// version is stamped by the linker when a release is built: -X main.version=….
var version string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, func() { // a second Ctrl-C ends the process at once
		again := make(chan os.Signal, 1) // stop alone would bring back what the parent had set, which may be to ignore it
		signal.Notify(again, os.Interrupt, syscall.SIGTERM)
		stop()
		<-again
		os.Exit(cli.Interrupted)
	})
	// Without a listener a closed pipe on standard output would end the process in
	// the middle of its work; so the write fails and is dealt with.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	streams := cli.System()
	streams.Version = version
	os.Exit(cli.Run(ctx, streams, os.Args[1:]))
}
