// Package collector runs collectors with the configurations of the repository's own
// clusters, and reads the OTLP that they send, for experiments and tests. It
// measures nothing by itself and never changes what a configuration decides: only
// addresses and folders are this machine's.
package collector

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	gops "github.com/shirou/gopsutil/v4/process"

	"dualtrack.internal/tests/real/rendered"
)

// Rendered is the collector, and what one of a cluster's containers reads.
type Rendered struct {
	Program, Config string
	Args            []string // beside the configuration
}

// Find builds the collector and renders a workload of a cluster, as "otel-agent".
func Find(ctx context.Context, cluster, workload string) (Rendered, error) {
	program, subjects, err := rendered.Find(ctx, "otelcol", "otel-collector", cluster)
	if err != nil {
		return Rendered{}, err
	}
	for _, s := range subjects {
		if !strings.Contains(s.Name, "/"+workload+" ") {
			continue
		}
		r := Rendered{Program: program}
		for _, arg := range s.Args {
			if path, ok := strings.CutPrefix(arg, "--config="); ok {
				r.Config = s.Files[path]
				continue
			}
			r.Args = append(r.Args, arg)
		}
		return r, nil
	}
	return Rendered{}, fmt.Errorf("cluster %s has no %s", cluster, workload)
}

// Command is how a collector is started.
type Command struct {
	Program string
	Args    []string
	Env     []string // beside this process's own
	Log     string   // a file, which is added to
	Health  string   // host:port of its health check
}

// Process is a collector that runs.
type Process struct {
	cmd  *exec.Cmd
	done chan error
}

const startLimit = 60 * time.Second

// Start starts the collector and waits until it says that it is healthy. Kill must
// be called.
func (c Command) Start(ctx context.Context) (*Process, error) {
	log, err := os.OpenFile(c.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the log of a collector: %w", err)
	}
	defer func() { _ = log.Close() }() // the collector has its own
	// Not ended with a context: Kill ends it and waits.
	cmd := exec.Command(c.Program, c.Args...) //nolint:noctx // see above
	cmd.Env = append(append(os.Environ(), "POD_IP=127.0.0.1", "SITE=edge-test", "NODE_NAME=node-test"), c.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a collector: %w", err)
	}
	p := &Process{cmd: cmd, done: make(chan error, 1)}
	go func() { p.done <- cmd.Wait() }() // Kill waits for it
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if c.healthy(ctx) {
			return p, nil
		}
		select {
		case <-ctx.Done():
			p.Kill()
			return nil, fmt.Errorf("the collector is not healthy: %w: %s", context.Cause(ctx), c.Words())
		case end := <-p.done:
			p.done <- end
			return nil, fmt.Errorf("the collector ended: %w: %s", end, c.Words())
		case <-tick.C:
		}
	}
}

func (c Command) healthy(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Health+"/", nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	return answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
}

// Words are the last that the collector said.
func (c Command) Words() string {
	text, _ := os.ReadFile(c.Log) // none said is none
	return string(bytes.TrimSpace(text[max(0, len(text)-2000):]))
}

// Kill ends the collector as a loss of power would, and waits for it.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // one that is gone is what is wanted
	p.done <- <-p.done
}

// Stop asks the collector to end, and kills it if it has not after a while; ended
// says whether it did by itself.
func (p *Process) Stop(within time.Duration) (ended bool) {
	_ = p.cmd.Process.Signal(os.Interrupt) // one that is gone is what is wanted
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case end := <-p.done:
		p.done <- end
		return true
	case <-timer.C:
		p.Kill()
		return false
	}
}

// Usage is the CPU time in seconds and the most memory in bytes so far.
func (p *Process) Usage(ctx context.Context) (cpu, peak float64, err error) {
	of, err := gops.NewProcessWithContext(ctx, int32(p.cmd.Process.Pid))
	if err != nil {
		return 0, 0, fmt.Errorf("the collector's process: %w", err)
	}
	times, err := of.TimesWithContext(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("the collector's CPU time: %w", err)
	}
	memory, err := of.MemoryInfoWithContext(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("the collector's memory: %w", err)
	}
	return times.User + times.System, float64(max(memory.HWM, memory.RSS)), nil
}

// FreeAddress is a port of loopback that nobody has yet.
func FreeAddress(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }() // it held the port only to learn it
	return l.Addr().String(), nil
}

// Pause waits, or says why the context ended.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
