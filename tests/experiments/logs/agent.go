package logs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"dualtrack.internal/tests/experiments/collector"
)

// Rendered is the collector, and what the agent of a cluster reads.
type Rendered collector.Rendered

// Agent builds the collector and renders a cluster's agent.
func Agent(ctx context.Context, cluster string) (Rendered, error) {
	r, err := collector.Find(ctx, cluster, "otel-agent")
	return Rendered(r), err
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
	collector.Command
	Dir  string
	Pods string // what is /var/log/pods on a node
}

// Here writes the configuration with its folders, addresses and ports on this
// machine. All else stays as it is rendered.
func (r Rendered) Here(ctx context.Context, dir, gateway string) (*Place, error) {
	config := filepath.Join(dir, "agent.yaml")
	p := &Place{Dir: dir, Pods: filepath.Join(dir, "pods"), Command: collector.Command{
		Program: r.Program, Args: append([]string{"--config=" + config}, r.Args...), Log: filepath.Join(dir, "agent.log")}}
	var addresses [4]string
	for i := range addresses {
		var err error
		if addresses[i], err = collector.FreeAddress(ctx); err != nil {
			return nil, err
		}
	}
	p.Health = addresses[0]
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
	inner("extensions", "health_check")["endpoint"] = p.Health
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
	return p, errors.Join(os.MkdirAll(p.Pods, 0o750), os.WriteFile(config, text, 0o600))
}
