package jaeger

import (
	"errors"
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

// Jaeger is the program with its rendered configuration on this machine.
type Jaeger struct {
	OTLP, Query          string // where it takes spans by gRPC, and where it is asked
	program, config, log string
	health               string
}

// Place writes the configuration with its folders and ports on this machine. All
// else stays as it is rendered.
func Place(t *testing.T) *Jaeger {
	t.Helper()
	program, subjects := rendered.Configurations(t, "jaeger", "jaeger", "hub")
	config := ""
	for _, s := range subjects {
		for _, arg := range s.Args {
			if path, ok := strings.CutPrefix(arg, "--config="); ok {
				config = s.Files[path]
			}
		}
	}
	if config == "" {
		t.Fatalf("none of the %d containers has a configuration", len(subjects))
	}
	dir := t.TempDir()
	j := &Jaeger{program: program, config: filepath.Join(dir, "jaeger.yaml"), log: filepath.Join(dir, "log"),
		OTLP: free(t), Query: free(t), health: free(t)}
	var c map[string]any
	if err := yaml.Unmarshal([]byte(strings.ReplaceAll(config, "/var/lib/jaeger", dir)), &c); err != nil {
		t.Fatal(err)
	}
	inner := func(keys ...string) map[string]any {
		at := c
		for _, k := range keys {
			next, ok := at[k].(map[string]any)
			if !ok {
				t.Fatalf("the configuration has no %s", strings.Join(keys, "."))
			}
			at = next
		}
		return at
	}
	inner("receivers", "otlp", "protocols", "grpc")["endpoint"] = j.OTLP
	inner("extensions", "jaeger_query", "http")["endpoint"] = j.Query
	inner("extensions", "jaeger_query", "grpc")["endpoint"] = free(t)
	inner("extensions", "healthcheckv2", "http")["endpoint"] = j.health
	inner("service")["telemetry"] = map[string]any{"metrics": map[string]any{"level": "none"}}
	text, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(j.config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return j
}

func free(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // nobody connected
	return l.Addr().String()
}

// Start starts it, waits until the query answers, and returns what kills the program.
func (j *Jaeger) Start(t *testing.T) (kill func()) {
	t.Helper()
	log, err := os.OpenFile(j.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.CommandContext(t.Context(), j.program, "--config="+j.config)
	cmd.Env = append(os.Environ(), "POD_IP=127.0.0.1")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(kill)
	for deadline := time.Now().Add(time.Minute); ; <-time.After(100 * time.Millisecond) {
		err := j.healthy(t)
		if err == nil {
			return kill
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(j.log)
			t.Fatalf("Jaeger is not healthy: %v\n%s", err, text[max(0, len(text)-3000):])
		}
	}
}

func (j *Jaeger) healthy(t *testing.T) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+j.health+"/status", http.NoBody)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // it is not read
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	return nil
}
