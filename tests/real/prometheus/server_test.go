//go:build real

package prometheus_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/tool"
	"dualtrack.internal/platform/validate"
	"dualtrack.internal/tests/real/rendered"
)

// programs are the server and promtool, built once.
func programs(t *testing.T) (server, promtool string) {
	t.Helper()
	paths := rendered.Programs(t, tool.Prometheus, tool.Promtool)
	return paths[tool.Prometheus], paths[tool.Promtool]
}

// server is a Prometheus that runs on a cluster's rendered configuration.
type server struct {
	program, dir, url string
	args, env         []string
	cmd               *exec.Cmd
}

// newServer writes what the container reads, its paths below a folder of this
// machine, and its configuration as change leaves it. It does not start it.
func newServer(t *testing.T, program string, s validate.Subject, change func(config map[string]any, self string)) *server {
	t.Helper()
	addr := freeAddress(t)
	out := &server{program: program, dir: t.TempDir(), url: "http://" + addr}
	here := strings.NewReplacer("/etc/prometheus", out.dir+"/etc/prometheus", "=/prometheus", "="+out.dir+"/data", "=:9090", "="+addr)
	files := maps.Clone(s.Files)
	c := config(t, s.Files)
	change(c, addr)
	text, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	files["/etc/prometheus/prometheus.yml"] = here.Replace(string(text))
	for name, text := range files {
		at := filepath.Join(out.dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range s.Args {
		out.args = append(out.args, here.Replace(a))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		out.env = append(out.env, name+"="+s.Env[name])
	}
	return out
}

// start starts it, or starts it again on what it has, and waits until it is ready.
func (s *server) start(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.cmd = exec.Command(s.program, s.args...)
	s.cmd.Dir, s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = s.dir, s.env, log, log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(syscall.SIGKILL) })
	until(t, time.Minute, s.words, func() bool {
		answer, err := http.Get(s.url + "/-/ready")
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

// stop ends it and waits for it.
func (s *server) stop(signal syscall.Signal) {
	if s.cmd != nil && s.cmd.ProcessState == nil {
		_ = s.cmd.Process.Signal(signal)
		_ = s.cmd.Wait()
	}
}

// words are the last of its log.
func (s *server) words() string {
	text, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return string(text[max(0, len(text)-4000):])
}

// until waits until something is so.
func until(t *testing.T, limit time.Duration, words func() string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !so(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not so within %s\n%s", limit, words())
		}
	}
}

// series is what a query answers: labels and, of a range, samples.
type series struct {
	Metric map[string]string `json:"metric"`
	Value  [2]any            `json:"value"`
	Values [][2]any          `json:"values"`
}

// query asks for an expression as it is now.
func (s *server) query(t *testing.T, expr string) []series {
	t.Helper()
	answer, err := http.Get(s.url + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var a struct {
		Status string `json:"status"`
		Data   struct {
			Result []series `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal(text, &a); err != nil || a.Status != "success" {
		t.Fatalf("%s: %v: %.500s", expr, err, text)
	}
	return a.Data.Result
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// quick makes a configuration's times short and its targets fixed: what the API
// server would say of pods stands in their labels, so that every relabelling of the
// rendered configuration is applied to it.
func quick(t *testing.T, c map[string]any, self string, pods, members []target) {
	t.Helper()
	global := c["global"].(map[string]any)
	global["scrape_interval"], global["scrape_timeout"], global["evaluation_interval"] = "1s", "1s", "1s"
	for _, job := range c["scrape_configs"].([]any) {
		job := job.(map[string]any)
		discovered := job["kubernetes_sd_configs"] != nil
		delete(job, "kubernetes_sd_configs")
		switch name := job["job_name"]; {
		case name == "prometheus" && !discovered:
			job["static_configs"] = []any{map[string]any{"targets": []any{self}}}
		case name == "pods" && discovered:
			job["static_configs"] = static(pods)
		case name == "cilium" && discovered:
			job["static_configs"] = static(nil) // can't be run here
		case (name == "etcd" || name == "kube-apiserver") && discovered:
			job["static_configs"] = static(slices.DeleteFunc(slices.Clone(members), func(m target) bool { return m.app != name }))
		default:
			t.Fatalf("the configuration has a job %v that this test does not know", name)
		}
		if !slices.ContainsFunc(members, func(m target) bool { return m.app == "kube-apiserver" }) {
			delete(job, "tls_config") // its files are the pod's
		}
	}
}

// target is a pod as discovery would tell of it.
type target struct {
	address, app, port, namespace, ip string
}

func static(targets []target) []any {
	out := []any{}
	for i, p := range targets {
		const pod = "__meta_kubernetes_pod_"
		out = append(out, map[string]any{"targets": []any{p.address}, "labels": map[string]any{
			"__meta_kubernetes_namespace": p.namespace, pod + "name": fmt.Sprintf("%s-%d", p.app, i), pod + "node_name": "node-1",
			pod + "label_app_kubernetes_io_name": p.app, pod + "container_port_name": p.port, pod + "phase": "Running", pod + "ip": p.ip,
		}})
	}
	return out
}
