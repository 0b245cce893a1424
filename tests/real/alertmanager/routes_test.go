//go:build real

package alertmanager

import (
	"context"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/tool"
	"dualtrack.internal/tests/real/rendered"
)

// hub gives the program and what the hub's Alertmanager reads.
func hub(t *testing.T) (program string, files map[string]string) {
	t.Helper()
	program, subjects := rendered.Configurations(t, tool.Alertmanager, "alertmanager", "hub")
	if len(subjects) != 1 {
		t.Fatalf("the hub's bundle has %d Alertmanagers, want 1", len(subjects))
	}
	return program, subjects[0].Files
}

// TestRoutes asks amtool who is told about which alerts, and holds that every
// receiver is told about some.
func TestRoutes(t *testing.T) {
	t.Parallel()
	_, files := hub(t)
	store, err := tool.New(tool.Config{ToolsDir: "../../../tools", Named: tool.CheckPrograms()})
	if err != nil {
		t.Fatal(err)
	}
	built, err := store.Ensure(t.Context(), []string{tool.Amtool}, tool.Events{})
	if err != nil {
		t.Fatal(err)
	}
	config, err := Here(t.TempDir(), files, "http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct{ labels, receiver string }{
		{"alertname=OrdersErrorBudgetFastBurn severity=page site=hub team=shop", "oncall"},
		{"alertname=GatewayCircuitOpen severity=page site=edge-lima team=platform-traffic", "oncall-sites"},
		{"alertname=GatewayCircuitOpen severity=page", "oncall"}, // of no site
		{"alertname=SiteGone severity=page site=edge-lima scope=site", "oncall-sites"},
		{"alertname=OrdersSlow severity=ticket site=hub team=shop", "desk"},
		{"alertname=OrdersSlow severity=ticket site=edge-lima team=shop", "desk"},
		{"alertname=Something severity=info site=hub", "nobody"},
		{"alertname=Something severity=info site=edge-lima", "nobody"},
		{"alertname=Something severity=critical site=hub", "desk"}, // a severity that nobody knows
		{"alertname=Something", "desk"},
	}
	told := map[string]bool{}
	for _, c := range cases {
		args := append([]string{"config", "routes", "test", "--config.file=" + config}, strings.Fields(c.labels)...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		out, err := exec.CommandContext(ctx, built[tool.Amtool], args...).Output()
		cancel()
		if err != nil {
			t.Fatalf("%s: %v", c.labels, err)
		}
		if diff := cmp.Diff(c.receiver, strings.TrimSpace(string(out))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.labels, diff)
		}
		told[c.receiver] = true
	}
	var receivers []string
	for _, m := range regexp.MustCompile(`(?m)^  - name: (\S+)\n(?:    wechat_configs|\n|$)`).FindAllStringSubmatch(files[configPath], -1) {
		receivers = append(receivers, m[1])
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(receivers)), slices.Sorted(maps.Keys(told))); diff != "" {
		t.Errorf("receivers of the configuration and of this table (-want +got):\n%s", diff)
	}
}

// running is the hub's Alertmanager before a stand-in for WeCom.
func running(t *testing.T) (*Server, *WeCom) {
	t.Helper()
	program, files := hub(t)
	wecom, err := NewWeCom(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := wecom.Close(); err != nil {
			t.Error(err)
		}
	})
	dir := t.TempDir()
	config, err := Here(dir, files, wecom.URL)
	if err != nil {
		t.Fatal(err)
	}
	return started(t, program, config, dir), wecom
}

func started(t *testing.T, program, config, dir string, args ...string) *Server {
	t.Helper()
	s, err := Start(t.Context(), program, config, dir, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// firing is an alert as the hub's Prometheus sends it.
func firing(name, severity, site, team string, more ...string) Alert {
	a := Alert{Labels: map[string]string{"alertname": name, "severity": severity, "site": site, "team": team},
		Annotations: map[string]string{"summary": "Summary of " + name, "runbook_url": "https://runbooks.dualtrack.internal/" + name, "dashboard": "/d/" + name}}
	for i := 0; i+1 < len(more); i += 2 {
		a.Labels[more[i]] = more[i+1]
	}
	return a
}

// await waits until something holds.
func await(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !holds(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}

// states are the alerts' states by name and site, with what mutes them.
func states(t *testing.T, s *Server) map[string]string {
	t.Helper()
	alerts, err := s.Alerts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, a := range alerts {
		word := a.Status.State
		if len(a.Status.InhibitedBy) > 0 {
			word += ", inhibited"
		}
		if len(a.Status.SilencedBy) > 0 {
			word += ", silenced"
		}
		out[a.Labels["alertname"]+" "+a.Labels["site"]] = word
	}
	return out
}

// TestMessages sends alerts to the real server: the right department reads one
// message a group, rendered, by the right application, and nothing of what is
// inhibited or never sent.
func TestMessages(t *testing.T) {
	t.Parallel()
	s, wecom := running(t)
	err := s.Send(t.Context(),
		firing("OrdersErrorBudgetFastBurn", "page", "hub", "shop"),
		// A page inhibits the team's tickets of that site, and no others.
		firing("OrdersSlow", "ticket", "hub", "shop"),
		firing("OrdersSlow", "ticket", "edge-osaka", "shop"),
		firing("TargetDown", "ticket", "hub", "platform-observability"),
		// A site that is gone says only that; two alerts of another one are one message.
		firing("SiteGone", "page", "edge-lima", "platform", "scope", "site"),
		firing("GatewayCircuitOpen", "page", "edge-lima", "platform-traffic"),
		firing("GatewayCircuitOpen", "page", "edge-osaka", "platform-traffic"),
		firing("OrdersEndpointsUnhealthy", "page", "edge-osaka", "platform-traffic"),
		firing("Curious", "info", "edge-perth", "shop"),
	)
	if err != nil {
		t.Fatal(err)
	}
	await(t, 40*time.Second, "three messages", func() bool { return len(wecom.Messages()) >= 3 })
	want := map[string]string{
		"OrdersErrorBudgetFastBurn hub": "active", "OrdersSlow hub": "suppressed, inhibited", "OrdersSlow edge-osaka": "active", "TargetDown hub": "active",
		"SiteGone edge-lima": "active", "GatewayCircuitOpen edge-lima": "suppressed, inhibited", "GatewayCircuitOpen edge-osaka": "active",
		"OrdersEndpointsUnhealthy edge-osaka": "active",
	}
	got := states(t, s)
	delete(got, "Curious edge-perth") // its route tells nobody; the server may call it unprocessed
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	texts := map[string]string{}
	for _, m := range wecom.Messages() {
		texts[m.Party+" "+m.Agent+" "+m.Type+" "+strings.SplitN(m.Markdown.Content, "\n", 2)[0]] = m.Markdown.Content
	}
	wantTexts := map[string]string{
		"10 1000002 markdown **PAGE, 1 firing** hub OrdersErrorBudgetFastBurn": "**PAGE, 1 firing** hub OrdersErrorBudgetFastBurn\n" +
			"> OrdersErrorBudgetFastBurn hub: Summary of OrdersErrorBudgetFastBurn\n" +
			"[runbook](https://runbooks.dualtrack.internal/OrdersErrorBudgetFastBurn) [dashboard](http://localhost:3000/d/OrdersErrorBudgetFastBurn)",
		"10|20 1000002 markdown **PAGE, 1 firing** edge-lima": "**PAGE, 1 firing** edge-lima\n" +
			"> SiteGone edge-lima: Summary of SiteGone\n[runbook](https://runbooks.dualtrack.internal/SiteGone) [dashboard](http://localhost:3000/d/SiteGone)",
		"10|20 1000002 markdown **PAGE, 2 firing** edge-osaka": "**PAGE, 2 firing** edge-osaka\n" +
			"> GatewayCircuitOpen edge-osaka: Summary of GatewayCircuitOpen\n> OrdersEndpointsUnhealthy edge-osaka: Summary of OrdersEndpointsUnhealthy\n",
	}
	if diff := cmp.Diff(wantTexts, texts); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	if n := wecom.Refused(); n > 0 {
		t.Errorf("%d requests had a wrong secret or token", n)
	}
}

// TestLongMessage holds what WeCom takes of a text, for a site of which
// everything fires.
func TestLongMessage(t *testing.T) {
	t.Parallel()
	s, wecom := running(t)
	var alerts []Alert
	for i := range 60 {
		alerts = append(alerts, firing("Alert"+string(rune('A'+i%26))+string(rune('a'+i/26))+strings.Repeat("x", 30), "page", "edge-lima", "shop"))
		alerts[i].Annotations["summary"] += strings.Repeat(" and so on", 8)
	}
	if err := s.Send(t.Context(), alerts...); err != nil {
		t.Fatal(err)
	}
	await(t, 40*time.Second, "a message", func() bool { return len(wecom.Messages()) > 0 })
	text := wecom.Messages()[0].Markdown.Content
	if len(text) > 2048 || !strings.HasPrefix(text, "**PAGE, 60 firing** edge-lima\n") || !strings.Contains(text, "\nand 52 more\n") || strings.Count(text, "\n> ") != 8 {
		t.Errorf("%d bytes:\n%s", len(text), text)
	}
}

// TestSecretRefused holds that a wrong secret is no message, and that the server
// says so without it.
func TestSecretRefused(t *testing.T) {
	t.Parallel()
	program, files := hub(t)
	wecom, err := NewWeCom(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer wecom.Close()
	dir := t.TempDir()
	config, err := Here(dir, files, wecom.URL)
	if err != nil {
		t.Fatal(err)
	}
	const wrong = "hunter2hunter2"
	write(t, filepath.Join(dir, "secret"), wrong)
	s := started(t, program, config, dir)
	if err := s.Send(t.Context(), firing("A", "page", "hub", "shop")); err != nil {
		t.Fatal(err)
	}
	await(t, 40*time.Second, "a refusal", func() bool { return wecom.Refused() > 0 })
	await(t, 10*time.Second, "a word about it", func() bool { return strings.Contains(read(t, s.log), "invalid APISecret") })
	if strings.Contains(read(t, s.log), wrong) || len(wecom.Messages()) > 0 {
		t.Errorf("%d messages; the log:\n%s", len(wecom.Messages()), read(t, s.log))
	}
}
