package programs

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"dualtrack.internal/tools/dashboards/catalogue"
)

// alertmanager runs two members with the component's own configuration, WeCom out
// of reach, and has them hold alerts and a silence.
func (r *runner) alertmanager(ctx context.Context, paths map[string]string) ([]catalogue.List, error) {
	defer r.stop()
	config, err := r.alertmanagerConfig()
	if err != nil {
		return nil, err
	}
	var targets []target
	var peers []string
	for i := range 2 {
		name := fmt.Sprint("alertmanager-", i)
		dir, err := r.dir(name)
		if err != nil {
			return nil, err
		}
		web, err := freePort(ctx)
		if err != nil {
			return nil, err
		}
		gossip, err := freePort(ctx)
		if err != nil {
			return nil, err
		}
		args := append([]string{"--config.file=" + config, "--storage.path=" + dir, "--web.listen-address=127.0.0.1:" + web,
			"--cluster.listen-address=127.0.0.1:" + gossip, "--enable-feature=utf8-strict-mode", "--silences.max-silences=1000"}, peers...)
		p, err := r.start(ctx, name, paths["alertmanager"], args, nil)
		if err != nil {
			return nil, err
		}
		p.serves = "http://127.0.0.1:" + web
		if err := p.ready(ctx, http.DefaultClient, p.serves+"/-/ready", ""); err != nil {
			return nil, err
		}
		peers = []string{"--cluster.peer=127.0.0.1:" + gossip}
		targets = append(targets, target{process: p, client: http.DefaultClient, url: p.serves + "/metrics"})
	}
	metrics, err := observe(ctx, func(ctx context.Context) error {
		for _, t := range targets {
			if err := useAlertmanager(ctx, t.process.serves); err != nil {
				return err
			}
		}
		return nil
	}, targets...)
	if err != nil {
		return nil, err
	}
	return []catalogue.List{list("alertmanager", "alertmanager", "/metrics of two members of a cluster with alerts and silences, whose receiver was not there", metrics)}, nil
}

// alertmanagerConfig writes the component's configuration with paths of this
// machine, a WeCom that is not there, and no wait before a page.
func (r *runner) alertmanagerConfig() (string, error) {
	base := filepath.Join(r.cfg.Components, "alertmanager", "base")
	data, err := os.ReadFile(filepath.Join(base, "alertmanager.yml"))
	if err != nil {
		return "", fmt.Errorf("reading Alertmanager's configuration: %w", err)
	}
	base, err = filepath.Abs(base)
	if err != nil {
		return "", fmt.Errorf("reading Alertmanager's configuration: %w", err)
	}
	secret := filepath.Join(r.scratch, "wecom-secret")
	text, err := here(string(data), nil, "", []string{
		"/etc/alertmanager-templates", base,
		"/etc/alertmanager-secrets/wecom-api-secret", secret,
		"\nglobal:\n", "\nglobal:\n  wechat_api_url: http://127.0.0.1:1/\n",
		"group_wait: 10s", "group_wait: 0s",
	})
	if err != nil {
		return "", fmt.Errorf("alertmanager/base/alertmanager.yml: %w", err)
	}
	config := filepath.Join(r.scratch, "alertmanager.yml")
	for name, text := range map[string]string{config: text, secret: "secret\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return "", fmt.Errorf("writing Alertmanager's configuration: %w", err)
		}
	}
	return config, nil
}

// useAlertmanager tells a member of an alert, of one that it must refuse, and of a
// silence, and asks what it holds.
func useAlertmanager(ctx context.Context, url string) error {
	now := time.Now().UTC()
	silence := fmt.Sprintf(`{"matchers":[{"name":"alertname","value":"Quiet","isRegex":false}],"startsAt":%q,"endsAt":%q,"createdBy":"catalogue","comment":"catalogue"}`,
		now.Format(time.RFC3339), now.Add(time.Minute).Format(time.RFC3339))
	for _, call := range []struct {
		method, path, body string
		refused            bool
	}{
		{http.MethodPost, "/api/v2/alerts", `[{"labels":{"alertname":"Loud","severity":"page","team":"shop"}},{"labels":{"alertname":"Quiet","severity":"page"}}]`, false},
		{http.MethodPost, "/api/v2/alerts", `[{"labels":{}}]`, true},
		{http.MethodPost, "/api/v2/silences", silence, false},
		{http.MethodGet, "/api/v2/alerts", "", false},
		{http.MethodPost, "/-/reload", "", false},
	} {
		if out, err := ask(ctx, http.DefaultClient, call.method, url+call.path, "", call.body); err != nil && !call.refused {
			return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
		}
	}
	return nil
}
