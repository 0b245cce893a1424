package programs

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"dualtrack.internal/tools/dashboards/catalogue"
)

// prometheusConfig has a server scrape itself, judge a rule, tell an Alertmanager
// and send to a hub, neither of which is there, and send to itself, which is: some
// names are only shown after a success.
const prometheusConfig = `global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yaml]
scrape_configs:
  - job_name: prometheus
    static_configs: [{targets: ["127.0.0.1:%[1]s"]}]
alerting:
  alertmanagers:
    - static_configs: [{targets: ["127.0.0.1:1"]}]
remote_write:
  - {name: hub, url: "http://127.0.0.1:1/api/v1/write"}
  - {name: itself, url: "http://127.0.0.1:%[1]s/api/v1/write", write_relabel_configs: [{source_labels: [__name__], regex: "site:.+", action: keep}]}
`

const prometheusRules = `groups:
  - name: rules
    rules:
      - {alert: Always, expr: vector(1)}
      - {record: site:up:count, expr: count(up)}
`

// prometheus runs a server.
func (r *runner) prometheus(ctx context.Context, paths map[string]string) ([]catalogue.List, error) {
	defer r.stop()
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := r.dir("prometheus")
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "prometheus.yml")
	for name, text := range map[string]string{config: fmt.Sprintf(prometheusConfig, port), filepath.Join(dir, "rules.yaml"): prometheusRules} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("writing Prometheus' configuration: %w", err)
		}
	}
	p, err := r.start(ctx, "prometheus", paths["prometheus"], []string{
		"--config.file=" + config, "--storage.tsdb.path=" + filepath.Join(dir, "data"), "--web.listen-address=127.0.0.1:" + port,
		"--web.enable-remote-write-receiver",
	}, nil)
	if err != nil {
		return nil, err
	}
	url := "http://127.0.0.1:" + port
	if err := p.ready(ctx, http.DefaultClient, url+"/-/ready", ""); err != nil {
		return nil, err
	}
	metrics, err := observe(ctx, func(ctx context.Context) error {
		_, err := ask(ctx, http.DefaultClient, http.MethodGet, url+"/api/v1/query?query=count(up)", "", "")
		return err
	}, target{process: p, client: http.DefaultClient, url: url + "/metrics"})
	if err != nil {
		return nil, err
	}
	return []catalogue.List{list("prometheus", "prometheus", "/metrics of a server that scraped itself, with a rule, an alert, a query, an Alertmanager and a hub that were not there, and itself as a hub", metrics)}, nil
}
