package sampling

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"

	"dualtrack.internal/tests/experiments/collector"
)

// Place is where a collector runs on this machine, instead of in a pod.
type Place struct {
	collector.Command
	GRPC, HTTP string // where it takes OTLP
	config     string
}

// Wiring is what stands in place of a cluster's names and folders. Processors,
// queues, retries and pipelines stay as they are rendered.
type Wiring struct {
	Dir    string            // for its queue and its log
	Certs  string            // a folder of Authority, in place of the Secrets
	To     map[string]string // exporter → endpoint
	Change func(config map[string]any)
}

// Put writes a configuration with addresses and folders of this machine. Spans may
// come over HTTP too, whatever takes them in a cluster.
func Put(ctx context.Context, r collector.Rendered, w Wiring) (*Place, error) {
	p := &Place{config: filepath.Join(w.Dir, "collector.yaml")}
	p.Program, p.Args, p.Log = r.Program, append([]string{"--config=" + p.config}, r.Args...), filepath.Join(w.Dir, "collector.log")
	var addresses [5]string
	for i := range addresses {
		var err error
		if addresses[i], err = collector.FreeAddress(ctx); err != nil {
			return nil, err
		}
	}
	p.GRPC, p.HTTP, p.Health = addresses[0], addresses[1], addresses[2]
	text := strings.NewReplacer("/var/lib/otel", w.Dir, "/var/log/pods", filepath.Join(w.Dir, "pods"),
		"/etc/otel-hub", w.Certs, "/etc/otel-tier", w.Certs).Replace(r.Config)
	var c map[string]any
	if err := yaml.Unmarshal([]byte(text), &c); err != nil {
		return nil, fmt.Errorf("the collector's configuration: %w", err)
	}
	protocols := At(c, "receivers", "otlp", "protocols")
	if http, ok := protocols["http"].(map[string]any); ok {
		http["endpoint"] = p.HTTP
	} else {
		protocols["http"] = map[string]any{"endpoint": p.HTTP}
	}
	if grpc, ok := protocols["grpc"].(map[string]any); ok {
		grpc["endpoint"] = p.GRPC
	}
	if sites := At(c, "receivers", "otlp/sites", "protocols", "http"); sites != nil {
		sites["endpoint"] = addresses[3]
	}
	At(c, "extensions", "health_check")["endpoint"] = p.Health
	At(c, "service", "telemetry")["metrics"] = map[string]any{"level": "none"}
	for name, to := range w.To {
		exporter := At(c, "exporters", name)
		if exporter == nil {
			return nil, fmt.Errorf("the collector's configuration has no exporter %s", name)
		}
		exporter["endpoint"] = to
	}
	if w.Change != nil {
		w.Change(c)
	}
	data, err := yaml.Marshal(c)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(p.config, data, 0o600); err != nil {
		return nil, fmt.Errorf("a collector's configuration: %w", err)
	}
	return p, nil
}

// At is a map in a configuration, nil when there is none.
func At(config map[string]any, keys ...string) map[string]any {
	for _, k := range keys {
		config, _ = config[k].(map[string]any)
	}
	return config
}
