// Command release makes the CLI's archives: one for each system, with checksums,
// a bill of materials each, and a signature. The same tree and toolchain give
// the same bytes.
//
//	release [-root DIR] [-o DIR] [-version V] [-targets OS/ARCH,…] [-unsigned] [-twice]
//	release keygen FILE
//	release verify [-key FILE] [-unsigned] DIR
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		stop()
		os.Exit(1)
	}
}
