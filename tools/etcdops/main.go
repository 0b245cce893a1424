// Command etcdops looks after an etcd and puts load on one: it takes snapshots and
// keeps the newest, restores one as a drill and compares, defragments member by
// member with the leader last, and generates load for benchmarks. Each command
// prints one JSON document; judge reads one with the arguments of containers and
// says which it would take.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
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
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "etcdops:", err)
		stop()
		os.Exit(1)
	}
}

const usage = "give a command: load, snapshot, drill, defrag or judge"

// task is a command whose arguments were read.
type task interface {
	run(ctx context.Context) (any, error)
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	if args[0] == "judge" {
		return judge(in, out)
	}
	t, err := parse(args, os.Stderr)
	var result any
	if err == nil {
		result, err = t.run(ctx)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	return json.NewEncoder(out).Encode(result)
}

// parse reads a command's arguments and touches nothing; help goes to the writer.
func parse(args []string, help io.Writer) (task, error) {
	commands := map[string]func(*flag.FlagSet, []string) (task, error){
		"load": newLoad, "snapshot": newSnapshot, "drill": newDrill, "defrag": newDefrag,
	}
	command, ok := commands[args[0]]
	if !ok {
		return nil, fmt.Errorf("no command %q; %s", args[0], usage)
	}
	fs := flag.NewFlagSet(args[0], flag.ContinueOnError)
	fs.SetOutput(help)
	return command(fs, args[1:])
}

// access is how the members are reached.
type access struct {
	endpoints, ca, cert, key string
	timeout                  time.Duration
}

func (a *access) flags(fs *flag.FlagSet) {
	fs.StringVar(&a.endpoints, "endpoints", "", "URLs of the members, divided by commas")
	fs.StringVar(&a.ca, "ca", "", "file of the authority of the members' certificates")
	fs.StringVar(&a.cert, "cert", "", "file of the client's certificate")
	fs.StringVar(&a.key, "key", "", "file of the client's key")
	fs.DurationVar(&a.timeout, "timeout", time.Minute, "longest time of one request")
}

// check looks at what was given, and asks nobody.
func (a *access) check() error {
	if a.endpoints == "" {
		return errors.New("-endpoints is empty; give the members' URLs")
	}
	for _, endpoint := range a.list() {
		u, err := url.Parse(endpoint)
		if err != nil || u.Host == "" || u.Port() == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("-endpoints: %q is no URL of a member; write https://HOST:PORT", endpoint)
		}
		if u.Scheme == "https" && a.ca == "" {
			return fmt.Errorf("-ca is empty, and %s needs the authority of its certificate", endpoint)
		}
	}
	if (a.cert == "") != (a.key == "") {
		return errors.New("-cert and -key are given together")
	}
	if a.timeout <= 0 {
		return errors.New("-timeout is not above 0")
	}
	return nil
}

func (a *access) list() []string { return strings.Split(a.endpoints, ",") }

func (a *access) config(endpoints []string) (clientv3.Config, error) {
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
