//go:build real

package prometheus_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/tool"
	"dualtrack.internal/tests/real/alertmanager"
	"dualtrack.internal/tests/real/rendered"
)

// gateway says what Envoy would, a hundred requests more at every scrape.
type gateway struct {
	scrapes atomic.Int64
	open    atomic.Int64 // the circuit breaker
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/stats/prometheus" {
		http.Error(w, "Envoy serves its metrics below another path", http.StatusNotFound)
		return
	}
	n := g.scrapes.Add(1)
	fmt.Fprintf(w, `# TYPE envoy_http_downstream_rq_xx counter
envoy_http_downstream_rq_xx{envoy_response_code_class="2",envoy_http_conn_manager_prefix="ingress"} %d
# TYPE envoy_cluster_circuit_breakers_default_rq_open gauge
envoy_cluster_circuit_breakers_default_rq_open{envoy_cluster_name="orders"} %d
`, 100*n, g.open.Load())
}

// told remembers the alerts that an Alertmanager is handed.
type told struct {
	mu     sync.Mutex
	alerts map[string]map[string]string // alertname and site → labels
}

func (a *told) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var alerts []struct {
		Labels map[string]string `json:"labels"`
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, 16<<20)).Decode(&alerts); err != nil || r.URL.Path != "/api/v2/alerts" {
		http.Error(w, fmt.Sprint(r.URL, err), http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, one := range alerts {
		a.alerts[one.Labels["alertname"]+" "+one.Labels["alert"]+" "+one.Labels["site"]] = one.Labels
	}
}

func (a *told) get(name string) map[string]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.alerts[name]
}

func (a *told) names() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for name := range a.alerts {
		out = append(out, name)
	}
	return out
}

// pair is a site and the hub, on their rendered configurations, with short times.
type pair struct {
	site, hub       *server
	siteGW, hubGW   *gateway
	manager         *told
	between         *entrance
	siteEnd, hubEnd *httptest.Server
}

const siteName = "edge-berlin"

func newPair(t *testing.T) *pair {
	t.Helper()
	program, _ := programs(t)
	p := &pair{siteGW: &gateway{}, hubGW: &gateway{}, manager: &told{alerts: map[string]map[string]string{}}}
	p.siteEnd, p.hubEnd = httptest.NewServer(p.siteGW), httptest.NewServer(p.hubGW)
	manager := httptest.NewServer(p.manager)
	t.Cleanup(func() { p.siteEnd.Close(); p.hubEnd.Close(); manager.Close() })
	envoy := func(at string) []target {
		return []target{{address: strings.TrimPrefix(at, "http://"), app: "envoy-gateway", port: "metrics", namespace: "ingress", ip: "127.0.0.1"}}
	}
	p.hub = newServer(t, program, rendered.Subjects(t, "prometheus", "hub")[0], func(c map[string]any, self string) {
		quick(t, c, self, append(envoy(p.hubEnd.URL), realManager(t)), nil)
		one := c["alerting"].(map[string]any)["alertmanagers"].([]any)[0].(map[string]any)
		delete(one, "dns_sd_configs")
		one["static_configs"] = []any{map[string]any{"targets": []any{strings.TrimPrefix(manager.URL, "http://")}}}
	})
	keys := filepath.Join(t.TempDir(), "hub")
	p.between = newEntrance(t, p.hub.url, keys)
	p.between.listen(t)
	p.site = newServer(t, program, rendered.Subjects(t, "prometheus", siteName)[0], func(c map[string]any, self string) {
		quick(t, c, self, envoy(p.siteEnd.URL), nil)
		write := c["remote_write"].([]any)[0].(map[string]any)
		write["url"] = strings.Replace(write["url"].(string), "gateway.hub.dualtrack.internal:8443", p.between.addr, 1)
		secrets := write["tls_config"].(map[string]any)
		secrets["server_name"] = "gateway.hub.dualtrack.internal"
		for field, file := range map[string]string{"ca_file": "ca.crt", "cert_file": "tls.crt", "key_file": "tls.key"} {
			secrets[field] = filepath.Join(keys, file)
		}
		queue := write["queue_config"].(map[string]any)
		queue["batch_send_deadline"], queue["max_backoff"] = "1s", "2s"
	})
	return p
}

// realManager is an Alertmanager on what is rendered, for its metrics: what alerts
// are told stands in told.
func realManager(t *testing.T) target {
	t.Helper()
	program, subjects := rendered.Configurations(t, tool.Alertmanager, tool.Alertmanager, "hub")
	config, err := alertmanager.Here(t.TempDir(), subjects[0].Files, "http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	server, err := alertmanager.Start(t.Context(), program, config, t.TempDir(), "--cluster.listen-address="+freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Kill(); err != nil {
			t.Error(err)
		}
	})
	if err := server.Send(t.Context(), alertmanager.Alert{Labels: map[string]string{"alertname": "Loud", "severity": "page"}}); err != nil {
		t.Fatal(err)
	}
	return target{address: strings.TrimPrefix(server.URL, "http://"), app: "alertmanager", port: "metrics", namespace: "observability", ip: "127.0.0.1"}
}

// TestSiteToHub: what a site recorded is on the hub, no more than that, sample for
// sample, though the hub was killed meanwhile; and the hub says the site's alert.
func TestSiteToHub(t *testing.T) {
	p := newPair(t)
	p.siteGW.open.Store(1)
	p.hub.start(t)
	p.site.start(t)
	const requests = `site:orders_requests:rate5m`
	onHub := requests + `{site="` + siteName + `"}`
	arrived := func() bool { return len(p.hub.query(t, onHub)) == 1 }
	until(t, time.Minute, p.site.words, arrived)

	if code, err := p.between.get("/api/v1/query?query=up", true); code != http.StatusNotFound || err != nil {
		t.Errorf("a site may ask the hub: %d, %v", code, err)
	}
	if code, err := p.between.get("/api/v1/write", false); err == nil {
		t.Errorf("without a certificate the hub answers %d", code)
	}

	p.hub.stop(syscall.SIGKILL)
	time.Sleep(25 * time.Second)
	if len(p.site.query(t, requests)) != 1 {
		t.Error("without the hub the site records nothing")
	}
	p.hub.start(t)
	until(t, 2*time.Minute, func() string { return p.site.words() + strings.Join(p.manager.names(), "\n") }, func() bool {
		return p.manager.get("SiteAlertPages GatewayCircuitOpen "+siteName) != nil
	})
	want := map[string]string{"alertname": "SiteAlertPages", "alert": "GatewayCircuitOpen", "site": siteName, "severity": "page", "team": "platform-traffic", "role": "hub"}
	if diff := cmp.Diff(want, p.manager.get("SiteAlertPages GatewayCircuitOpen "+siteName)); diff != "" {
		t.Errorf("the alert that was handed over (-want +got):\n%s", diff)
	}
	if got := p.manager.get("GatewayCircuitOpen  hub"); got != nil {
		t.Errorf("the hub took the site's alert for its own: %v", got)
	}
	names, _ := asked(t, true)
	for name := range names {
		if len(p.hub.query(t, name)) == 0 {
			t.Errorf("the hub exports nothing that %s selects", name)
		}
	}
	p.compare(t, requests, onHub)
	p.little(t)
	if again := p.manager.get("SiteAlertPages SiteAlertPages " + siteName); again != nil {
		t.Errorf("the hub says what it said: %v", again)
	}
}

// compare holds that the hub has every sample that the site has, up to the newest
// that arrived, and that they reach over the hub's absence.
func (p *pair) compare(t *testing.T, requests, onHub string) {
	t.Helper()
	hub := p.hub.query(t, onHub+"[10m]")
	site := p.site.query(t, requests+"[10m]")
	if len(hub) != 1 || len(site) != 1 {
		t.Fatalf("%d series on the hub, %d on the site", len(hub), len(site))
	}
	got, want := hub[0].Values, site[0].Values
	last := got[len(got)-1][0].(float64)
	for len(want) > 0 && want[len(want)-1][0].(float64) > last {
		want = want[:len(want)-1]
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) < 60 {
		t.Errorf("%d samples on the site, %d on the hub (-site +hub):\n%s", len(want), len(got), diff)
	}
	t.Logf("%d of %d samples of %s arrived, with 25 s without the hub", len(got), len(want), requests)
}

// little holds what left the site: recorded series and alerts that fire.
func (p *pair) little(t *testing.T) {
	t.Helper()
	of := `{site="` + siteName + `",role="edge"}`
	for _, s := range p.hub.query(t, `count by (__name__, alertstate) (`+of+`)`) {
		name := s.Metric["__name__"]
		if !strings.HasPrefix(name, "site:") && (name != "ALERTS" || s.Metric["alertstate"] != "firing") {
			t.Errorf("the site sent %v", s.Metric)
		}
	}
	sent, scraped := p.hub.query(t, "count("+of+")"), p.site.query(t, `count({__name__=~".+"})`)
	t.Logf("%v series left the site of %v that it holds", sent[0].Value[1], scraped[0].Value[1])
}

// TestOldSamples: the hub takes what a site sends after two hours without a line;
// without the window for it, it does not.
func TestOldSamples(t *testing.T) {
	program, promtool := programs(t)
	for name, window := range map[string]bool{"as rendered": true, "without the window": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub := newServer(t, program, rendered.Subjects(t, "prometheus", "hub")[0], func(c map[string]any, self string) {
				quick(t, c, self, nil, nil)
				delete(c, "alerting")
				if !window {
					delete(c, "storage")
				}
			})
			hub.start(t)
			until(t, time.Minute, hub.words, func() bool { return len(hub.query(t, "up")) > 0 })
			file := filepath.Join(t.TempDir(), "old")
			text := fmt.Sprintf("# TYPE site_old gauge\nsite_old{site=\"edge-a\"} 1 %d\n", time.Now().Add(-2*time.Hour).UnixMilli())
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(promtool, "push", "metrics", hub.url+"/api/v1/write", file).CombinedOutput()
			if taken := err == nil; taken != window {
				t.Errorf("taken: %v: %s", taken, out)
			}
		})
	}
}

// TestUnitTests runs promtool's unit tests.
func TestUnitTests(t *testing.T) {
	_, promtool := programs(t)
	files, err := filepath.Glob(component + "/tests/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		cmd := exec.Command(promtool, "test", "rules", filepath.Base(f))
		cmd.Dir = filepath.Dir(f)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", filepath.Base(f), err, out)
		}
	}
}
