//go:build real

package prometheus_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/etcdbench"
	"dualtrack.internal/platform/tool"
	"dualtrack.internal/tests/real/jaeger"
	"dualtrack.internal/tests/real/rendered"
)

// selectors are what rules take from a job: NAME{…job="x"…} or {__name__=~"…",job="x"}.
var selectors = regexp.MustCompile(`([a-zA-Z_][\w]*)?\{([^}]*job=~?"([^"]+)"[^}]*)\}`)

// asked are the selectors of the rules that a site or the hub alone reads; names that
// programs export that can't be had are told apart.
func asked(t *testing.T, hub bool) (here map[string]bool, elsewhere map[string]bool) {
	t.Helper()
	here, elsewhere = map[string]bool{}, map[string]bool{}
	for _, f := range ruleFiles(t) {
		if strings.HasPrefix(f.name, "hub/") != hub {
			continue
		}
		for _, g := range f.Groups {
			for _, r := range g.Rules {
				for _, m := range selectors.FindAllStringSubmatch(r.Expr, -1) {
					switch {
					case slices.Contains([]string{"cilium-agent", "cilium-operator", "edge-inference", "envoy-gateway", "hubble"}, m[3]):
						elsewhere[m[1]] = true
					case m[1] != "up":
						here[m[0]] = true
					}
				}
			}
		}
	}
	return here, elsewhere
}

// TestOnlyWhatIsExported runs the programs that the rules read, has a site's
// Prometheus scrape them as it is rendered, and wants each selector of each rule to
// find something. Cilium, Envoy and the model's server can't be had here.
func TestOnlyWhatIsExported(t *testing.T) {
	program, _ := programs(t)
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	t.Cleanup(hub.Close)
	api := startAPIServer(t)
	members := etcdMember(t)
	traces := jaeger.Place(t)
	traces.Start(t)
	orders, gateway := orderService(t, traces.OTLP), collector(t)
	site := newServer(t, program, rendered.Subjects(t, "prometheus", siteName)[0], func(c map[string]any, self string) {
		quick(t, c, self, []target{
			{address: orders, app: "order-service", port: "metrics", namespace: "orders", ip: "127.0.0.1"},
			{address: gateway, app: "otel-gateway", port: "metrics", namespace: "observability", ip: "127.0.0.1"},
		}, append(members, api.target))
		api.trust(t, c)
		write := c["remote_write"].([]any)[0].(map[string]any)
		write["url"] = hub.URL + "/api/v1/write"
		delete(write, "tls_config")
	})
	site.start(t)
	until(t, time.Minute, site.words, func() bool { return len(site.query(t, `up == 1`)) == 5 })
	leadsToTrace(t, site, traces)
	api.refuses(t)
	api.crowd(t)
	here, elsewhere := asked(t, false)
	if len(here) < 25 {
		t.Errorf("the rules name only %d selectors: %v", len(here), here)
	}
	for s := range here {
		until(t, time.Minute, func() string { return "nothing is exported that " + s + " selects\n" + site.words() },
			func() bool { return len(site.query(t, s)) > 0 })
	}
	api.few(t, site)
	t.Logf("%d selectors find something; of programs that are not here: %d names", len(here), len(elsewhere))
	until(t, 30*time.Second, site.words, func() bool {
		return len(site.query(t, `site:etcd_db:ratio > 0 and site:etcd_memory:ratio > 0 and site:etcd_memory:ratio < 1`)) == 1 &&
			len(site.query(t, `site:etcd_gc_cpu:ratio_rate5m > 0 and site:etcd_gc_cpu:ratio_rate5m < 1`)) == 1
	})
}

const goodOrder = `{"customer":"c-1","items":[{"sku":"tea","quantity":2,"priceMinor":350}]}`

// etcdMember is a real member of etcd that listens for Prometheus as the nodes' do,
// at an address of its own, and works.
func etcdMember(t *testing.T) []target {
	t.Helper()
	const at = "127.0.77.1"
	paths := rendered.Programs(t, tool.Etcd, tool.EtcdOps)
	c, err := etcdbench.Start(t.Context(), etcdbench.Setting{Binary: paths[tool.Etcd],
		Flags: []string{"--listen-metrics-urls", "http://" + at + ":2381"}, Env: []string{"GOGC=30", "GOMEMLIMIT=4GiB"}}, 1, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := etcdbench.Load(t.Context(), paths[tool.EtcdOps], c.Endpoints, "puts", 8, 1_000_000, 1024, false)
		done <- err // as a rule: that the test has ended
	}()
	t.Cleanup(func() {
		<-done
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return []target{{address: "discovered:0", app: "etcd", namespace: "kube-system", ip: at}}
}

// orderService is the real one, its model out of reach, after one order.
func orderService(t *testing.T, otlp string) string {
	t.Helper()
	orders, metrics := freeAddress(t), freeAddress(t)
	run(t, rendered.Programs(t, tool.OrderService)[tool.OrderService], nil,
		"SITE=edge-test", "LISTEN_ADDRESS="+orders, "METRICS_ADDRESS="+metrics, "INFERENCE_URL=http://127.0.0.1:1",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://"+otlp)
	until(t, time.Minute, func() string { return "the order service takes no order" }, func() bool {
		answer, err := http.Post("http://"+orders+"/order/submit", "application/json", strings.NewReader(goodOrder))
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusCreated
	})
	return metrics
}

// collector is a site's rendered gateway with room for few traces and a small queue,
// after it has sent some spans and lost others.
func collector(t *testing.T) string {
	t.Helper()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	t.Cleanup(backend.Close)
	program, subjects := rendered.Configurations(t, "otelcol", "otel-collector", siteName)
	var c map[string]any
	for _, s := range subjects {
		if text := s.Files["/etc/otel/gateway-config.yaml"]; text != "" {
			if err := yaml.Unmarshal([]byte(text), &c); err != nil {
				t.Fatal(err)
			}
		}
	}
	in, metrics, dir := freeAddress(t), freeAddress(t), t.TempDir()
	host, port, _ := strings.Cut(metrics, ":")
	number, _ := strconv.Atoi(port)
	set := func(value any, keys ...string) {
		at := c
		for _, k := range keys[:len(keys)-1] {
			at = at[k].(map[string]any)
		}
		at[keys[len(keys)-1]] = value
	}
	set(map[string]any{"http": map[string]any{"endpoint": in}}, "receivers", "otlp", "protocols")
	set(100, "processors", "tail_sampling", "num_traces")
	set("1s", "processors", "tail_sampling", "decision_wait")
	set(map[string]any{"endpoint": backend.URL, "sending_queue": map[string]any{"enabled": true, "sizer": "items", "queue_size": 50}}, "exporters", "otlp_http")
	set(map[string]any{"health_check": map[string]any{"endpoint": freeAddress(t)}}, "extensions")
	set([]any{"health_check"}, "service", "extensions")
	set([]any{map[string]any{"pull": map[string]any{"exporter": map[string]any{"prometheus": map[string]any{"host": host, "port": number}}}}},
		"service", "telemetry", "metrics", "readers")
	text, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, program, []string{"--config=" + file}, "SITE=edge-test", "POD_IP=127.0.0.1")
	until(t, time.Minute, func() string { return "the collector takes no spans" }, func() bool { return sendSpans(in, 500, 0) })
	time.Sleep(3 * time.Second) // the many are decided, and are too many for the queue; the few are not
	if !sendSpans(in, 20, 1000) {
		t.Error("the collector takes no more spans")
	}
	return metrics
}

// sendSpans sends traces of one span, which the sampler keeps.
func sendSpans(to string, n, from int) bool {
	var spans []map[string]any
	for i := range n {
		spans = append(spans, map[string]any{"traceId": fmt.Sprintf("%032x", from+i+1), "spanId": fmt.Sprintf("%016x", from+i+1), "name": "POST",
			"startTimeUnixNano": "1", "endTimeUnixNano": "2", "attributes": []any{map[string]any{"key": "http.route", "value": map[string]any{"stringValue": "/order/submit"}}}})
	}
	data, err := json.Marshal(map[string]any{"resourceSpans": []any{map[string]any{"scopeSpans": []any{map[string]any{"spans": spans}}}}})
	if err != nil {
		return false
	}
	answer, err := http.Post("http://"+to+"/v1/traces", "application/json", bytes.NewReader(data))
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// run runs a program until the test ends.
func run(t *testing.T, program string, args []string, env ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = env
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}
