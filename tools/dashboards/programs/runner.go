package programs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"dualtrack.internal/tools/dashboards/catalogue"
)

const (
	startWithin = 2 * time.Minute
	lookEvery   = 500 * time.Millisecond
	// settle is how many scrapes in a row must show nothing new.
	settle = 8
	looks  = 80
)

// runner owns the processes that it started.
type runner struct {
	cfg     Config
	scratch string
	running []*process
}

type process struct {
	name   string
	cmd    *exec.Cmd
	log    string
	serves string // its own address, where it is asked for more than metrics
	done   chan struct{}
}

// build builds the programs from the modules beside this one, as the CLI does.
func (r *runner) build(ctx context.Context) (map[string]string, error) {
	paths := map[string]string{}
	for _, p := range []struct{ name, pkg, tags string }{
		{"etcd", ".", ""},
		{"controlplane", ".", "providerless"},
		{"orderservice", ".", ""},
		{"otelcol", ".", ""},
		{"prometheus", "github.com/prometheus/prometheus/cmd/prometheus", ""},
		{"jaeger", "github.com/jaegertracing/jaeger/cmd/jaeger", ""},
		{"alertmanager", "github.com/prometheus/alertmanager/cmd/alertmanager", ""},
	} {
		paths[p.name] = filepath.Join(r.scratch, "bin", p.name)
		cmd := exec.CommandContext(ctx, "go", "build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-tags", p.tags, "-o", paths[p.name], p.pkg)
		cmd.Dir = filepath.Join(r.cfg.Tools, p.name)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building %s: %w: %s", p.name, err, out)
		}
	}
	return paths, nil
}

// start starts a program in a process group of its own.
func (r *runner) start(ctx context.Context, name, path string, args, env []string) (*process, error) {
	p := &process{name: name, log: filepath.Join(r.scratch, name+".log"), done: make(chan struct{})}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	defer log.Close()
	p.cmd = exec.CommandContext(ctx, path, args...)
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.scratch, "TMPDIR=" + r.scratch}, env...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = r.scratch, log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	go func() { // stop waits for it
		defer close(p.done)
		_ = p.cmd.Wait() // killed
	}()
	r.running = append(r.running, p)
	return p, nil
}

// stop ends every program and waits for it.
func (r *runner) stop() {
	for _, p := range r.running {
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // it may have ended
		<-p.done
	}
	r.running = nil
}

// words are a program's last words.
func (p *process) words() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-1500):]))
}

// ready waits until a URL answers 200.
func (p *process) ready(ctx context.Context, client *http.Client, url, token string) error {
	return p.until(ctx, func() bool {
		_, err := ask(ctx, client, http.MethodGet, url, token, "")
		return err == nil
	})
}

// target is one place that shows metrics.
type target struct {
	process *process
	client  *http.Client
	url     string
	token   string
}

// observe scrapes targets again and again, working in between, until several
// scrapes in a row show nothing new.
func observe(ctx context.Context, work func(context.Context) error, targets ...target) ([]catalogue.Metric, error) {
	var all []catalogue.Metric
	for look, quiet := 0, 0; quiet < settle && look < looks; look++ {
		if err := work(ctx); err != nil {
			return nil, err
		}
		before := signature(all)
		for _, t := range targets {
			some, err := catalogue.Scrape(ctx, t.client, t.url, t.token)
			if err != nil {
				return nil, fmt.Errorf("%s: %w: %s", t.process.name, err, t.process.words())
			}
			all = catalogue.Merge(all, some)
		}
		quiet++
		if signature(all) != before {
			quiet = 0
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(lookEvery):
		}
	}
	return all, nil
}

func signature(metrics []catalogue.Metric) string {
	return catalogue.Format(catalogue.List{Metrics: metrics})
}

// ask sends a request and gives the answer's body; only 2xx is no error.
func ask(ctx context.Context, client *http.Client, method, url, token, body string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewBufferString(body))
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", url, err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking: %w", err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", url, err)
	}
	if answer.StatusCode/100 != 2 {
		return data, fmt.Errorf("asking %s: %s: %.200s", url, answer.Status, data)
	}
	return data, nil
}

// freePort is a port of loopback that nothing listens on, below those that systems
// give to connections: between this look and the program's own, none of them takes it.
func freePort(ctx context.Context) (string, error) {
	const first, ports, tries = 20000, 12000, 100
	var config net.ListenConfig
	var last error
	for range tries {
		port := strconv.Itoa(first + rand.IntN(ports))
		l, err := config.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			last = err
			continue
		}
		return port, l.Close()
	}
	return "", fmt.Errorf("looking for a free port: %w", last)
}

// until waits until a condition holds, while the program lives.
func (p *process) until(ctx context.Context, holds func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	for !holds() {
		select {
		case <-p.done:
			return fmt.Errorf("%s ended: %s", p.name, p.words())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready in %s: %w: %s", p.name, startWithin, ctx.Err(), p.words())
		case <-time.After(lookEvery):
		}
	}
	return nil
}
