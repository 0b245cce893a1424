// Command envoy judges Envoy's configuration with the official Go types of
// Envoy's API: it reads one JSON document with subjects on stdin and prints one
// with its answers. It also serves what it accepted as a real xDS server, and
// fetches it again as a client of one. It is no Envoy: it moves no traffic.
//
//	envoy                                check the subjects on stdin
//	envoy resources -subject NAME        print a subject's resources, by type and name
//	envoy serve -subject NAME            serve them over ADS on loopback until SIGTERM
//	envoy fetch ADDRESS                  print what an ADS server has, by type and name
//	envoy version                        the version of the library
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
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "envoy:", err)
		os.Exit(1)
	}
}
