//go:build real

package jaeger_test

import (
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/tool"
	client "dualtrack.internal/tests/real/jaeger"
	"dualtrack.internal/tests/real/rendered"
)

// TestSpansAreFound sends a trace of three spans as a gateway does, asks for it by
// its id, kills Jaeger and asks again: its store is on the disk.
func TestSpansAreFound(t *testing.T) {
	j := place(t)
	kill := j.start(t)
	id := []byte("0123456789abcdef")
	want := []string{"charge", "reserve", "submit"}
	if err := client.Export(t.Context(), j.otlp, id, want); err != nil {
		t.Fatal(err)
	}
	if got := j.find(t, id, len(want)); !slices.Equal(got, want) {
		t.Errorf("found spans %v, sent %v", got, want)
	}
	if got := j.ask(t, []byte("fedcba9876543210")); len(got) > 0 {
		t.Errorf("a trace that nobody sent has spans %v", got)
	}
	kill()
	j.start(t)
	if got := j.find(t, id, len(want)); !slices.Equal(got, want) {
		t.Errorf("after a kill: found spans %v, sent %v", got, want)
	}
}

// TestImageHoldsItsDigest packs the program, which the test above has built, as the
// image that clusters are given. Another Go writes another program: go.mod names it.
func TestImageHoldsItsDigest(t *testing.T) {
	for _, name := range []string{"GOAMD64", "GOEXPERIMENT", "GOFIPS140"} {
		t.Setenv(name, "")
	}
	cat, err := catalog.Load(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	image := cat.Baseline.Spec.Images["jaeger"]
	store, err := tool.New(tool.Config{ToolsDir: filepath.Join(cat.Root, "tools"), Named: tool.CheckPrograms()})
	if err != nil {
		t.Fatal(err)
	}
	made, err := store.Image(t.Context(), image.Program, image.Repository+":"+image.Tag, tool.Events{})
	if err != nil {
		t.Fatal(err)
	}
	if made.Digest != image.Digest {
		t.Errorf("%s: spec.images.jaeger.digest is %s, but what this Go builds is %s", cat.Baseline.File, image.Digest, made.Digest)
	}
}

// jaeger is the program with its rendered configuration on this machine.
type jaeger struct {
	program, config, log string
	otlp, query, health  string
}

// place writes the configuration with its folders and ports on this machine. All
// else stays as it is rendered.
func place(t *testing.T) *jaeger {
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
	j := &jaeger{program: program, config: filepath.Join(dir, "jaeger.yaml"), log: filepath.Join(dir, "log"),
		otlp: free(t), query: free(t), health: free(t)}
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
	inner("receivers", "otlp", "protocols", "grpc")["endpoint"] = j.otlp
	inner("extensions", "jaeger_query", "http")["endpoint"] = j.query
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
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start waits until the query answers, and returns what kills the program.
func (j *jaeger) start(t *testing.T) (kill func()) {
	t.Helper()
	log, err := os.OpenFile(j.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(j.program, "--config="+j.config)
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
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		answer, err := http.Get("http://" + j.health + "/status")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return kill
			}
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(j.log)
			t.Fatalf("Jaeger is not healthy: %v\n%s", err, text[max(0, len(text)-3000):])
		}
	}
}

// ask gives the names of a trace's spans.
func (j *jaeger) ask(t *testing.T, id []byte) []string {
	t.Helper()
	answer, err := http.Get(fmt.Sprintf("http://%s/api/traces/%s", j.query, hex.EncodeToString(id)))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	names, err := client.Names(text, id)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// find asks until as many spans are there: they are written after they are taken.
func (j *jaeger) find(t *testing.T, id []byte, n int) []string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if got := j.ask(t, id); len(got) >= n || time.Now().After(deadline) {
			return got
		}
	}
}
