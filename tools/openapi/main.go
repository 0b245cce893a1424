// Command openapi writes the generated files of platform/schema/openapi: for
// every Kubernetes minor the API's schemas, and for all of them the table of
// deprecated and removed APIs. What it reads are Go modules, named with version
// and checksum in index.json, which is its input and its record.
//
// It needs the go command and, for modules that are not in the module cache, a
// network. It never writes anything but that folder.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	dir := flag.String("dir", "platform/schema/openapi", "folder that holds index.json")
	check := flag.Bool("check", false, "write nothing, fail when a file differs from what would be written")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *dir, *check); err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		stop()
		os.Exit(1)
	}
}
