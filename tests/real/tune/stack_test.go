//go:build real

package tune_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/etcdbench"
	"dualtrack.internal/platform/tool"
)

func root(t *testing.T) string {
	t.Helper()
	dir, err := catalog.FindRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// programs builds what the test runs, or finds it built.
func programs(t *testing.T) map[string]string {
	t.Helper()
	store, err := tool.New(tool.Config{ToolsDir: filepath.Join(root(t), "tools"), Programs: tool.Programs("v0.0.0"), Named: tool.CheckPrograms()})
	if err != nil {
		t.Fatal(err)
	}
	built, err := store.Ensure(t.Context(), []string{tool.Etcd, tool.EtcdOps, tool.Prometheus}, tool.Events{})
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// member is one real member of etcd with a site's settings.
func member(t *testing.T, program string, gogc int) string {
	t.Helper()
	c, err := etcdbench.Start(t.Context(), etcdbench.Setting{Binary: program, Env: []string{fmt.Sprintf("GOGC=%d", gogc)}}, 1, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c.Endpoints[0]
}

var minutes = regexp.MustCompile(`\b(\d+)([mh])\b`)

// hasten makes every minute of the rules a second, and an hour a minute, so that
// what takes an hour to see is seen in one minute. Thresholds stay.
func hasten(rules string) string {
	return minutes.ReplaceAllStringFunc(rules, func(text string) string {
		return strings.NewReplacer("m", "s", "h", "m").Replace(text)
	})
}

// prometheus is a real server that scrapes a member each second and has the
// shipped rules of etcd, hastened.
type prometheus struct{ url string }

func startPrometheus(t *testing.T, program, target string) prometheus {
	t.Helper()
	dir := t.TempDir()
	rules, err := os.ReadFile(filepath.Join(root(t), "components", "prometheus", "base", "rules", "etcd.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "etcd.yaml"), hasten(string(rules)))
	write(t, filepath.Join(dir, "prometheus.yml"), `
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [etcd.yaml]
scrape_configs:
  - job_name: etcd
    static_configs: [{targets: ["`+strings.TrimPrefix(target, "http://")+`"]}]
`)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := prometheus{url: "http://" + l.Addr().String()}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(program, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+strings.TrimPrefix(p.url, "http://"))
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if text, _ := os.ReadFile(filepath.Join(dir, "log")); t.Failed() {
			t.Logf("Prometheus: %s", text[max(0, len(text)-2000):])
		}
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		answer, err := http.Get(p.url + "/-/ready")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return p
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("Prometheus is not ready: %v", err)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ask reads the API's answer.
func (p prometheus) ask(t *testing.T, path string, into any) {
	t.Helper()
	answer, err := http.Get(p.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("Prometheus answers %s to %s: %s (%v)", answer.Status, path, text, err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// firing are the names of the alerts that fire.
func (p prometheus) firing(t *testing.T) []string {
	t.Helper()
	var a struct {
		Data struct {
			Alerts []struct {
				Labels map[string]string
				State  string
			}
		}
	}
	p.ask(t, "/api/v1/alerts", &a)
	var names []string
	for _, alert := range a.Data.Alerts {
		if alert.State == "firing" {
			names = append(names, alert.Labels["alertname"])
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// value is the one series of an expression, 0 when there is none.
func (p prometheus) value(t *testing.T, expr string) string {
	t.Helper()
	var a struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	p.ask(t, "/api/v1/query?query="+url.QueryEscape(expr), &a)
	if len(a.Data.Result) == 0 {
		return "nothing"
	}
	return fmt.Sprint(a.Data.Result[0].Value[1])
}

// fires waits for an alert.
func (p prometheus) fires(t *testing.T, name string, limit time.Duration, exprs ...string) {
	t.Helper()
	begun := time.Now()
	for ; ; time.Sleep(500 * time.Millisecond) {
		if slices.Contains(p.firing(t), name) {
			break
		}
		if time.Since(begun) > limit {
			t.Errorf("%s does not fire in %s", name, limit)
			break
		}
	}
	t.Logf("%s after %s", name, time.Since(begun).Round(time.Second))
	for _, e := range exprs {
		t.Logf("  %s = %s", e, p.value(t, e))
	}
}
