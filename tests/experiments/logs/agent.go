package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	gops "github.com/shirou/gopsutil/v4/process"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/tests/real/rendered"
)

// Rendered is the collector, and what the agent of a cluster reads.
type Rendered struct {
	Program, Config string
	Args            []string // beside the configuration
}

// Agent builds the collector and renders a cluster's agent.
func Agent(ctx context.Context, cluster string) (Rendered, error) {
	program, subjects, err := rendered.Find(ctx, "otelcol", "otel-collector", cluster)
	if err != nil {
		return Rendered{}, err
	}
	for _, s := range subjects {
		if !strings.Contains(s.Name, "otel-agent") {
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
	return Rendered{}, fmt.Errorf("cluster %s has no otel-agent", cluster)
}

// Default is a collector that takes the same files with what filelog, the operator
// for containers' lines, the batch processor and the exporter do by themselves.
func Default(r Rendered) Rendered {
	return Rendered{Program: r.Program, Config: `
receivers:
  filelog:
    include: [/var/log/pods/*/*/*.log]
    start_at: end
    include_file_path: true
    operators:
      - type: container
processors:
  batch: {}
exporters:
  otlp_grpc:
    endpoint: otel-gateway:4317
    tls: {insecure: true}
extensions:
  health_check: {}
service:
  extensions: [health_check]
  pipelines:
    logs: {receivers: [filelog], processors: [batch], exporters: [otlp_grpc]}
`}
}

// Noted is the default that notes how far it has read, so that it goes on there
// after a kill.
func Noted(r Rendered) Rendered {
	d := Default(r)
	d.Config = strings.NewReplacer("    start_at: end\n", "    start_at: end\n    storage: file_storage/queue\n",
		"  health_check: {}\n", "  health_check: {}\n  file_storage/queue: {create_directory: true}\n",
		"[health_check]", "[health_check, file_storage/queue]").Replace(d.Config)
	return d
}

// Place is where an agent runs on this machine, instead of on a node.
type Place struct {
	Dir            string
	Pods           string // what is /var/log/pods on a node
	config, health string
	log            string
	args           []string
	program        string
}

// Here writes the configuration with its folders, addresses and ports on this
// machine. All else stays as it is rendered.
func (r Rendered) Here(ctx context.Context, dir, gateway string) (*Place, error) {
	p := &Place{Dir: dir, Pods: filepath.Join(dir, "pods"), config: filepath.Join(dir, "agent.yaml"), log: filepath.Join(dir, "agent.log"),
		args: r.Args, program: r.Program}
	var addresses [4]string
	for i := range addresses {
		var err error
		if addresses[i], err = freeAddress(ctx); err != nil {
			return nil, err
		}
	}
	p.health = addresses[0]
	var c map[string]any
	if err := yaml.Unmarshal([]byte(strings.ReplaceAll(r.Config, "/var/log/pods", p.Pods)), &c); err != nil {
		return nil, fmt.Errorf("the agent's configuration: %w", err)
	}
	inner := func(keys ...string) map[string]any {
		at := c
		for _, k := range keys {
			next, ok := at[k].(map[string]any)
			if !ok {
				return map[string]any{} // this configuration has none, and needs no place for it
			}
			at = next
		}
		return at
	}
	inner("receivers", "otlp", "protocols", "grpc")["endpoint"] = addresses[1]
	inner("receivers", "otlp", "protocols", "http")["endpoint"] = addresses[2]
	inner("exporters", "otlp_grpc")["endpoint"] = gateway
	inner("extensions", "health_check")["endpoint"] = p.health
	queue := filepath.Join(dir, "queue")
	inner("extensions", "file_storage/queue")["directory"] = queue
	inner("extensions", "file_storage/queue", "compaction")["directory"] = queue
	host, port, _ := strings.Cut(addresses[3], ":")
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	inner("service")["telemetry"] = map[string]any{"metrics": map[string]any{"readers": []any{map[string]any{
		"pull": map[string]any{"exporter": map[string]any{"prometheus": map[string]any{"host": host, "port": number}}}}}}}
	text, err := yaml.Marshal(c)
	if err != nil {
		return nil, err
	}
	return p, errors.Join(os.MkdirAll(p.Pods, 0o750), os.WriteFile(p.config, text, 0o600))
}

// Running is an agent that runs.
type Running struct {
	cmd  *exec.Cmd
	done chan error
}

const startLimit = 60 * time.Second

// Start starts the agent and waits until it says that it is healthy. Kill must be
// called.
func (p *Place) Start(ctx context.Context) (*Running, error) {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the agent has its own
	// Not ended with a context: Kill ends it and waits.
	cmd := exec.Command(p.program, append([]string{"--config=" + p.config}, p.args...)...) //nolint:noctx // see above
	cmd.Env = append(os.Environ(), "POD_IP=127.0.0.1", "SITE=edge-test", "NODE_NAME=node-test")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the agent: %w", err)
	}
	r := &Running{cmd: cmd, done: make(chan error, 1)}
	go func() { r.done <- cmd.Wait() }() // Kill waits for it
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if p.healthy(ctx) {
			return r, nil
		}
		select {
		case <-ctx.Done():
			r.Kill()
			return nil, fmt.Errorf("the agent is not healthy: %w: %s", context.Cause(ctx), p.Words())
		case end := <-r.done:
			r.done <- end
			return nil, fmt.Errorf("the agent ended: %w: %s", end, p.Words())
		case <-tick.C:
		}
	}
}

func (p *Place) healthy(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.health+"/", nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	return answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
}

// Words are the last that the agent said.
func (p *Place) Words() string {
	text, _ := os.ReadFile(p.log) // none said is none
	return string(bytes.TrimSpace(text[max(0, len(text)-2000):]))
}

// Kill ends the agent as a loss of power would, and waits for it.
func (r *Running) Kill() {
	_ = r.cmd.Process.Kill() // one that is gone is what is wanted
	r.done <- <-r.done
}

// usage is the CPU time and the most memory so far.
func (r *Running) usage(ctx context.Context) (cpu, peak float64, err error) {
	p, err := gops.NewProcessWithContext(ctx, int32(r.cmd.Process.Pid))
	if err != nil {
		return 0, 0, fmt.Errorf("the agent's process: %w", err)
	}
	times, err := p.TimesWithContext(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("the agent's CPU time: %w", err)
	}
	memory, err := p.MemoryInfoWithContext(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("the agent's memory: %w", err)
	}
	return times.User + times.System, float64(max(memory.HWM, memory.RSS)), nil
}
