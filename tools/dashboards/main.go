// Command dashboards makes the dashboards of the stack and judges what Grafana
// reads: it reads one JSON document with subjects on stdin and prints one with
// its answers. Grafana's types come from its SDK and PromQL is read by
// Prometheus' own parser; that every metric exists, that units are given and
// panels lie beside each other are rules of our own. It is no Grafana: it draws
// nothing.
//
//	dashboards                       judge the subjects on stdin, and the rules of Prometheus among them
//	dashboards write [-check]        write the dashboards of components/grafana
//	dashboards catalogue [-check]    run the programs of tools/ and write what metrics they export
//	dashboards version               the version of the SDK
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
		fmt.Fprintln(os.Stderr, "dashboards:", err)
		os.Exit(1)
	}
}
