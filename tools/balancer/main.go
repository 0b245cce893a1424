// Command balancer gives several API servers one endpoint: it hands each
// connection to a healthy one, untouched. TLS ends at the API servers. It asks
// each of them for /readyz, and ends the connections of one that stops
// answering, so that clients with long-lived connections move on.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	listen   string        // address of the endpoint
	backends []string      // addresses of the API servers
	ca       string        // file with the certificates that the API servers are checked by
	cert     string        // client certificate for /readyz
	key      string        // its key
	interval time.Duration // between two checks of one API server
	timeout  time.Duration // of one check, and of connecting
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	code := run(ctx, os.Args[1:], os.Stderr)
	stop()
	os.Exit(code)
}

// run serves until ctx ends. Its answer is the exit code: 2 wrong use, 1 failure.
func run(ctx context.Context, args []string, stderr io.Writer) int {
	log := slog.New(slog.NewTextHandler(stderr, nil))
	opt, err := parse(args, stderr)
	if err != nil {
		log.Error("wrong use", "error", err)
		return 2
	}
	check, err := readyzCheck(opt)
	if err != nil {
		log.Error("cannot check API servers", "error", err)
		return 1
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", opt.listen)
	if err != nil {
		log.Error("cannot listen", "error", err)
		return 1
	}
	newBalancer(opt, check, log).serve(ctx, l)
	return 0
}

func parse(args []string, stderr io.Writer) (options, error) {
	var opt options
	fs := flag.NewFlagSet("balancer", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&opt.listen, "listen", "", "address of the endpoint, host:port")
	fs.Func("backend", "address of an API server, host:port; repeat it for each", func(s string) error {
		if _, _, err := net.SplitHostPort(s); err != nil {
			return fmt.Errorf("backend: %w", err)
		}
		opt.backends = append(opt.backends, s)
		return nil
	})
	fs.StringVar(&opt.ca, "ca", "", "file with the CA certificates of the API servers")
	fs.StringVar(&opt.cert, "cert", "", "file with the client certificate for /readyz")
	fs.StringVar(&opt.key, "key", "", "file with the client certificate's key")
	fs.DurationVar(&opt.interval, "interval", 500*time.Millisecond, "time between two checks")
	fs.DurationVar(&opt.timeout, "timeout", 2*time.Second, "limit of one check and of connecting")
	if err := fs.Parse(args); err != nil {
		return options{}, fmt.Errorf("flags: %w", err)
	}
	switch {
	case fs.NArg() > 0:
		return options{}, fmt.Errorf("argument %q is not understood", fs.Arg(0))
	case opt.listen == "" || len(opt.backends) == 0 || opt.ca == "" || opt.cert == "" || opt.key == "":
		return options{}, errors.New("-listen, -backend, -ca, -cert and -key are required")
	case opt.interval <= 0 || opt.timeout <= 0:
		return options{}, errors.New("-interval and -timeout must be positive")
	}
	return opt, nil
}
