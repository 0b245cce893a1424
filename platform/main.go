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

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	os.Exit(cli.Run(ctx, cli.System(), os.Args[1:]))
}
