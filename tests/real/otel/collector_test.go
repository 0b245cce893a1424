//go:build real

package otel_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"dualtrack.internal/tests/real/rendered"
)

// gateway is the rendered configuration of a site's gateway, and the collector.
func gateway(t *testing.T, cluster string) (program, config string) {
	t.Helper()
	program, subjects := rendered.Configurations(t, "otelcol", "otel-collector", cluster)
	for _, s := range subjects {
		if !strings.Contains(s.Name, "otel-gateway") {
			continue
		}
		for _, arg := range s.Args {
			if path, ok := strings.CutPrefix(arg, "--config="); ok {
				return program, s.Files[path]
			}
		}
	}
	t.Fatal("the bundle has no otel-gateway with a configuration")
	return "", ""
}

// places are what the test puts in place of a cluster's addresses and paths.
type places struct {
	health, traces, metrics int // ports
	dir                     string
}

func newPlaces(t *testing.T) places {
	t.Helper()
	return places{health: freePort(t), traces: freePort(t), metrics: freePort(t), dir: t.TempDir()}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// here writes the configuration with its ports and folders on this machine, a
// receiver that takes JSON, and JSON to the backend. Processors, queues, retries
// and pipelines stay as they are rendered; change may turn one of them.
func (p places) here(t *testing.T, config string, change func(map[string]any)) string {
	t.Helper()
	var c map[string]any
	if err := yaml.Unmarshal([]byte(config), &c); err != nil {
		t.Fatal(err)
	}
	at(c, "receivers", "otlp")["protocols"] = map[string]any{"http": map[string]any{"endpoint": fmt.Sprintf("127.0.0.1:%d", p.traces)}}
	at(c, "extensions", "health_check")["endpoint"] = fmt.Sprintf("127.0.0.1:%d", p.health)
	at(c, "extensions", "file_storage/queue")["directory"] = filepath.Join(p.dir, "queue")
	at(c, "extensions", "file_storage/queue", "compaction")["directory"] = filepath.Join(p.dir, "queue")
	at(c, "service", "telemetry")["metrics"] = map[string]any{"level": "none"}
	exporter := at(c, "exporters", "otlp_http")
	exporter["encoding"] = "json"
	for _, name := range []string{"ca_file", "cert_file", "key_file"} {
		at(exporter, "tls")[name] = filepath.Join(p.dir, name)
	}
	if change != nil {
		change(c)
	}
	text, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(p.dir, "config.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func at(node map[string]any, keys ...string) map[string]any {
	for _, k := range keys {
		node, _ = node[k].(map[string]any)
	}
	return node
}

// collector is a collector that runs.
type collector struct {
	cmd *exec.Cmd
	log string
}

// start starts the collector and waits until it says that it is healthy.
func (p places) start(t *testing.T, program, config, hub string) *collector {
	t.Helper()
	c := &collector{log: filepath.Join(p.dir, "collector.log")}
	log, err := os.OpenFile(c.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	c.cmd = exec.Command(program, "--config="+config)
	c.cmd.Env = append(os.Environ(), "POD_IP=127.0.0.1", "SITE=edge-test", "HUB_OTLP_ENDPOINT="+hub)
	c.cmd.Stdout, c.cmd.Stderr = log, log
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.kill)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		answer, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/", p.health))
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return c
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the collector is not healthy: %v\n%s", err, c.words())
		}
	}
}

// kill ends the collector as a loss of power would, and waits for it.
func (c *collector) kill() {
	if c.cmd.ProcessState == nil {
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
	}
}

func (c *collector) words() string {
	text, _ := os.ReadFile(c.log)
	return string(text[max(0, len(text)-3000):])
}

// refused holds that the collector does not start on a configuration that its
// own check accepts.
func (p places) refused(t *testing.T, program, config, words string) {
	t.Helper()
	env := append(os.Environ(), "POD_IP=127.0.0.1", "SITE=edge-test", "HUB_OTLP_ENDPOINT=https://127.0.0.1:1")
	check := exec.Command(program, "validate", "--config="+config)
	check.Env = env
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("its own check sees it now: %v: %s", err, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	run := exec.CommandContext(ctx, program, "--config="+config)
	run.Env = env
	out, err := run.CombinedOutput()
	if err == nil || ctx.Err() != nil || !strings.Contains(string(out), words) {
		t.Errorf("it started, or said something else: %v (%v)\n%.1500s", err, ctx.Err(), out)
	}
}
