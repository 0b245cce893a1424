// Command etcdops looks after an etcd and puts load on one: it takes snapshots and
// keeps the newest, restores one as a drill and compares, defragments member by
// member with the leader last, and generates load for benchmarks. Each command
// prints one JSON document.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "etcdops:", err)
		stop()
		os.Exit(1)
	}
}

const usage = "give a command: load, snapshot, drill or defrag"

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	commands := map[string]func(context.Context, []string) (any, error){
		"load": runLoad, "snapshot": runSnapshot, "drill": runDrill, "defrag": runDefrag,
	}
	command, ok := commands[args[0]]
	if !ok {
		return fmt.Errorf("no command %q; %s", args[0], usage)
	}
	result, err := command(ctx, args[1:])
	if err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	return json.NewEncoder(out).Encode(result)
}

// access is how the members are reached.
type access struct {
	endpoints, ca, cert, key string
	timeout                  time.Duration
}

func (a *access) flags(name string) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.StringVar(&a.endpoints, "endpoints", "", "URLs of the members, divided by commas")
	fs.StringVar(&a.ca, "ca", "", "file of the authority of the members' certificates")
	fs.StringVar(&a.cert, "cert", "", "file of the client's certificate")
	fs.StringVar(&a.key, "key", "", "file of the client's key")
	fs.DurationVar(&a.timeout, "timeout", time.Minute, "longest time of one request")
	return fs
}

func (a *access) list() []string { return strings.Split(a.endpoints, ",") }

func (a *access) config(endpoints []string) (clientv3.Config, error) {
	if endpoints[0] == "" {
		return clientv3.Config{}, errors.New("-endpoints is empty; give the members' URLs")
	}
	var conf *tls.Config
	if a.ca != "" {
		var err error
		info := transport.TLSInfo{TrustedCAFile: a.ca, CertFile: a.cert, KeyFile: a.key}
		if conf, err = info.ClientConfig(); err != nil {
			return clientv3.Config{}, fmt.Errorf("certificates: %w", err)
		}
	}
	return clientv3.Config{Endpoints: endpoints, TLS: conf, DialTimeout: 10 * time.Second, Logger: zap.NewNop()}, nil
}

func (a *access) open(endpoints []string) (*clientv3.Client, error) {
	cfg, err := a.config(endpoints)
	if err != nil {
		return nil, err
	}
	client, err := clientv3.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", strings.Join(endpoints, ","), err)
	}
	return client, nil
}
