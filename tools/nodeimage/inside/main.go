// Command inside is what runs in the images beside Kubernetes' own programs,
// chosen by the name it is called by: podnet, the pod network of a node, and
// envoy, the stand-in for the load balancer that kind starts before several
// control planes. The latter reads the configuration kind writes and balances
// TCP; it is not Envoy and does nothing else of it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, filepath.Base(os.Args[0]), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, name string, args []string) error {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	logger := log.New(os.Stderr, "", log.Ltime)
	switch name {
	case "podnet":
		n := podnet{log: logger, conf: "/etc/cni/net.d/10-podnet.conflist", run: runCommand}
		flags.StringVar(&n.kubeconfig, "kubeconfig", "/etc/kubernetes/kubelet.conf", "kubeconfig of the kubelet")
		flags.StringVar(&n.node, "node", "", "name of this node")
		if err := flags.Parse(args); err != nil {
			return err
		}
		return n.serve(ctx)
	case "envoy":
		path := flags.String("c", "/home/envoy/envoy.yaml", "configuration; listeners and clusters stand beside it")
		if err := flags.Parse(args); err != nil {
			return err
		}
		logger.Print("this is a TCP balancer of Dualtrack in the place of Envoy, not Envoy")
		return newBalancer(filepath.Dir(*path), logger).serve(ctx)
	}
	return fmt.Errorf("called as %q; known are podnet and envoy", name)
}
