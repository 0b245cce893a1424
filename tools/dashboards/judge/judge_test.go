package judge

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/tools/dashboards/boards"
	"dualtrack.internal/tools/dashboards/catalogue"
)

const (
	dashboards = "/var/lib/dashboards/"
	rulesFile  = "/etc/prometheus-rules/orders.yaml"
	sources    = provisioning + "/datasources/datasources.yaml"
	folders    = provisioning + "/dashboards/providers.yaml"
	settings   = "/etc/grafana/grafana.ini"
)

// own reads a file of the component.
func own(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "components", "grafana", "base", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// grafana is what the component gives Grafana, with one small dashboard.
func grafana(t testing.TB) Subject {
	t.Helper()
	return Subject{Name: "grafana", Opaque: []string{"/etc/grafana-secrets"}, Files: map[string]string{
		dashboards + "shop.json": shop(t), sources: own(t, "datasources.yaml"), folders: own(t, "providers.yaml"), settings: own(t, "grafana.ini"),
	}}
}

func prometheus() Subject {
	return Subject{Name: "prometheus", Args: []string{"--config.file=/etc/prometheus/prometheus.yml"}, Files: map[string]string{
		"/etc/prometheus/prometheus.yml": "rule_files: [/etc/prometheus-rules/*.yaml]\n",
		rulesFile: "groups:\n  - name: orders\n    rules:\n      - record: site:orders:rate5m\n        expr: sum by (outcome) (rate(orders_total[5m]))\n" +
			"      - alert: OrdersFail\n        expr: site:orders:rate5m > 1\n        labels: {severity: page, team: shop}\n" +
			"        annotations: {dashboard: '/d/shop-orders?var-site=x'}\n",
		"/etc/elsewhere/other.yaml": "groups: nonsense\n",
	}}
}

// lists are a small catalogue.
func lists(t testing.TB) []catalogue.List {
	t.Helper()
	l, err := catalogue.Parse("shop", "# program: shop\n# jobs: shop\n# state: exercised\n# source: a test\n"+
		"counter orders_total outcome\ngauge queue_size exporter\ngauge up\ngauge ALERTS alertname,alertstate,severity,team\n"+
		"histogram http_request_duration_seconds route,code\nsummary go_gc_duration_seconds\n")
	if err != nil {
		t.Fatal(err)
	}
	return []catalogue.List{l}
}

// shop is a dashboard of every kind of panel.
func shop(t testing.TB) string {
	t.Helper()
	board := boards.Board{
		UID: "shop-orders", Title: "Shop", Description: "d", Alerts: `ALERTS{team="shop"}`,
		Variables: []boards.Variable{{Name: "site", Label: "Site", Metric: "up", Of: "site"}},
		Rows: []boards.Row{{Title: "Row", Panels: []boards.Panel{
			{Kind: boards.Series, Title: "Orders", Description: "d", Unit: "reqps", Width: 12,
				Queries: []boards.Query{{Expr: `sum by (outcome) (rate(orders_total{site=~"$site"}[$__rate_interval]))`, Legend: "{{outcome}}"}}},
			{Kind: boards.Stat, Title: "Time", Description: "d", Unit: "s", Width: 12, Runbook: "x",
				Queries: []boards.Query{{Expr: `histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))`, Legend: "p95"}}},
			{Kind: boards.Table, Title: "Recorded", Description: "d", Unit: "short", Width: 12,
				Queries: []boards.Query{{Expr: `site:orders:rate5m`, Legend: "{{outcome}}"}}},
		}}},
	}
	d, err := boards.Build(board)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestAccepts(t *testing.T) {
	t.Parallel()
	got := Judge([]Subject{grafana(t), prometheus()}, lists(t))
	want := []Answer{
		{Name: "grafana", Accepted: []string{"1 dashboard", "3 panels", "7 queries", "6 metrics, all exported", "2 data sources"}, Problems: []Problem{}},
		{Name: "prometheus", Accepted: []string{"2 rules", "2 metrics, all exported"}, Problems: []Problem{}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

type fault struct{ name, file, old, new, want string }

const inPanel = `dashboard "Shop", panel "Orders", query A: `

func faults() []fault {
	file := dashboards + "shop.json"
	expr := `sum by (outcome) (rate(orders_total{site=~\"$site\"}[$__rate_interval]))`
	return []fault{
		{"not JSON", file, `"title": "Shop"`, `"title: Shop"`, `shop.json:0: : Grafana's types do not take it: invalid character`},
		{"unknown field", file, `"uid": "shop-orders"`, `"uidd": "shop-orders"`, `shop.json:0: : Grafana's types do not take it: Dashboard: unexpected field 'uidd'`},
		{"field of another type", file, `"title": "Orders"`, `"title": 7`, `shop.json:0: : Grafana's types do not take it: panels[1].title`},
		{"id", file, `"uid": "shop-orders"`, `"id": 3, "uid": "shop-orders"`, `shop.json:0: dashboard "Shop": its id must be null`},
		{"short uid", file, "shop-orders", "shop", `shop.json:0: dashboard "Shop": its uid "shop"`},
		{"long uid", file, "shop-orders", strings.Repeat("s", 41), `shop.json:0: dashboard "Shop": its uid "sss`},
		{"exported for sharing", file, `"Shop"`, `"${DS_SHOP}"`, `shop.json:0: dashboard "${DS_SHOP}": ${DS_ stands in it`},
		{"no unit", file, `"unit": "reqps"`, `"unit": ""`, `dashboard "Shop", panel "Orders": its unit is ""`},
		{"unknown unit", file, `"unit": "reqps"`, `"unit": "orders/s"`, `dashboard "Shop", panel "Orders": its unit is "orders/s"`},
		{"a data source by name", file, `"uid": "${datasource}"`, `"uid": "prometheus"`, `its data source is "prometheus", no variable of the dashboard`},
		{"a data source of another type", file, `"query": "prometheus"`, `"query": "jaeger"`, `its data source is a prometheus, the variable's a jaeger`},
		{"no title", file, `"title": "Orders"`, `"title": ""`, `panel "number 2": has no title`},
		{"id twice", file, `"id": 3`, `"id": 2`, `panel "Time": its id 2 is 0, or that of "Orders" too`},
		{"no width", file, `"w": 12`, `"w": 0`, `panel "Orders": its gridPos must have a width`},
		{"beyond the last column", file, `"x": 12`, `"x": 13`, `panel "Time": its gridPos must have a width and a height and end at column 24`},
		{"one over the other", file, `"x": 12`, `"x": 11`, `panel "Time": lies over "Orders"`},
		{"a link to nowhere", file, "https://runbooks", "runbooks", `panel "Time": its link "runbooks.dualtrack.internal/x" is neither`},
		{"refId twice", file, `"refId": "A"`, `"refId": ""`, `its refId is empty or another's too`},
		{"no PromQL", file, expr, "sum by (", inPanel + "Prometheus does not read it: "},
		{"empty query", file, expr, "", inPanel + "the query is empty"},
		{"unknown metric", file, "rate(orders_total", "rate(order_total", inPanel + "no program of the stack exports order_total, and no rule records it; is orders_total meant?; in: sum by (outcome)"},
		{"unknown record", file, `"expr": "site:orders:rate5m"`, `"expr": "site:orders:rate1h"`, `query A: no program of the stack exports site:orders:rate1h`},
		{"unknown by pattern", file, `"expr": "site:orders:rate5m"`, `"expr": "{__name__=~\"nothing.*\"}"`, `no program of the stack exports a metric that matches nothing.*`},
		{"no name", file, `"expr": "site:orders:rate5m"`, `"expr": "{job=\"x\"}"`, `the selector names no metric`},
		{"unknown label", file, `orders_total{site=`, `orders_total{outcom=\"x\",site=`, inPanel + "orders_total has no label outcom; it has instance, job, namespace, node, outcome, pod, role, site"},
		{"job of another program", file, `orders_total{site=`, `orders_total{job=\"till\",site=`, inPanel + `no job that job="till" has exports orders_total; shop do`},
		{"aggregates by an unknown label", file, "sum by (outcome)", "sum by (outcomes)", inPanel + "aggregates by outcomes, which orders_total has not"},
		{"matches on an unknown label", file, expr, "queue_size / on (exportr) queue_size", inPanel + "matches on exportr, which queue_size has not"},
		{"rate of a gauge", file, "rate(orders_total", "rate(queue_size", inPanel + "rate of queue_size, which is a gauge"},
		{"delta of a counter", file, "rate(orders_total", "delta(orders_total", inPanel + "delta of orders_total, which is a counter"},
		{"quantile without le", file, "sum by (le)", "sum by (route)", `panel "Time", query A: histogram_quantile of what has lost its label le`},
		{"quantile of no histogram", file, "http_request_duration_seconds_bucket", "http_request_duration_seconds_count", `histogram_quantile of http_request_duration_seconds_count, which is no bucket`},
		{"legend of a lost label", file, "{{outcome}}", "{{site}}", inPanel + "its legend names the label site, which the query has summed away"},
		{"unknown variable", file, `$site`, `$sites`, inPanel + "names the variable $sites, which the dashboard does not have"},
		{"unused variable", file, `{site=~\"$site\"}`, "", `dashboard "Shop": its variable site is used nowhere`},
		{"variable of an unknown metric", file, "label_values(up, site)", "label_values(upp, site)", `variable "site": no program of the stack exports upp`},
		{"variable of an unknown label", file, "label_values(up, site)", "label_values(up, sites)", `variable "site": aggregates by sites, which up has not`},
		{"variable of everything", file, "label_values(up, site)", "label_values(site)", `variable "site": its query "label_values(site)" names no metric`},
		{"variable that is no label_values", file, "label_values(up, site)", "metrics(up)", `variable "site": its query "metrics(up)" is no label_values`},
		{"annotation of an unknown team", file, `ALERTS{team=\"shop\"}`, `ALERTS{team=\"shops\"}`, `annotation "Alerts that fire": no rule makes an alert with team="shops"`},
		{"annotation of an unknown alert", file, `ALERTS{team=\"shop\"}`, `ALERTS{alertname=\"OrdersFailed\"}`, `no rule makes an alert with alertname="OrdersFailed"`},

		{"unknown field of a data source", sources, "isDefault: true", "isdefault: true", "datasources.yaml:10: : field isdefault not found"},
		{"no default", sources, "isDefault: true", "isDefault: false", "0 defaults; one must be the default"},
		{"exemplars to nowhere", sources, "datasourceUid: jaeger", "datasourceUid: tempo", `data source "Prometheus": exemplars with "trace_id" lead to "tempo"`},
		{"unknown jsonData", sources, "timeInterval: 15s", "timeIntervall: 15s", `data source "Prometheus": jsonData: `},
		{"from the browser", sources, "access: proxy", "access: direct", `its access is "direct"`},
		{"address without a port", sources, ":9090", "", `its url is "http://prometheus.observability.svc.cluster.local"`},
		{"editable source", sources, "editable: false", "editable: true", "editable lets people change what Git says"},
		{"unknown metric of a trace", sources, "rate(http_request_duration_seconds_count", "rate(http_requests_count", `data source "Jaeger", query "Requests of the service": no program of the stack exports http_requests_count`},
		{"other version of provisioning", sources, "apiVersion: 1", "apiVersion: 2", "apiVersion: is 2, must be 1"},
		{"a folder that is empty", folders, "path: /var/lib/dashboards", "path: /var/lib/boards", "/var/lib/boards:0: : a provider reads this folder, and it holds no dashboard"},
		{"a dashboard that nobody reads", folders, "path: /var/lib/dashboards", "path: /var/lib/boards", "shop.json:0: : no provider in"},
		{"no provider", folders, "providers:", "providers: []\nx:", "providers.yaml:3: : "},
		{"changes in the browser", folders, "allowUiUpdates: false", "allowUiUpdates: true", "allowUiUpdates lets people change"},

		{"misspelt setting", settings, "allow_sign_up = false", "allow_signup = false", "users: allow_signup is not among the settings"},
		{"anonymous", settings, "[auth.anonymous]\nenabled = false", "[auth.anonymous]\nenabled = true", `auth.anonymous: enabled is "true", must be false`},
		{"calls home", settings, "reporting_enabled = false", "reporting_enabled = true", `analytics: reporting_enabled is "true", must be false`},
		{"password in Git", settings, "$__file{/etc/grafana-secrets/admin-password}", "secret", "security: admin_password must be $__file{…} below a mounted Secret"},
		{"password from elsewhere", settings, "/etc/grafana-secrets/admin-password", "/etc/grafana/admin-password", "security: admin_password must be"},

		{"rule of an unknown metric", rulesFile, "rate(orders_total", "rate(order_total", `orders.yaml:5: record site:orders:rate5m: no program of the stack exports order_total`},
		{"alert of an unknown record", rulesFile, "expr: site:orders:rate5m > 1", "expr: site:order:rate5m > 1", `orders.yaml:7: alert OrdersFail: no program of the stack exports site:order:rate5m`},
		{"alert of an unknown dashboard", rulesFile, "/d/shop-orders", "/d/shop-order", `alert OrdersFail: its dashboard "/d/shop-order?var-site=x" is none that Grafana has; it has shop-orders`},
		{"alert with an unknown choice", rulesFile, "var-site", "var-sites", `has no choice "var-sites=x"`},
		{"alert with a whole address", rulesFile, "/d/shop", "https://grafana/d/shop", "is not /d/ and a uid"},
		{"no file of rules", rulesFile, "groups:", "groups: nonsense\nx:", "orders.yaml:0: : is no file of rules"},
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for _, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			subjects := []Subject{grafana(t), prometheus()}
			at := 0
			if f.file == rulesFile {
				at = 1
			}
			text, ok := subjects[at].Files[f.file]
			if !ok || !strings.Contains(text, f.old) {
				t.Fatalf("%s has no %q:\n%s", f.file, f.old, text)
			}
			n := 1
			if f.name == "a data source by name" || f.name == "refId twice" {
				n = -1
			}
			subjects[at].Files[f.file] = strings.Replace(text, f.old, f.new, n)
			var said []string
			answer := Judge(subjects, lists(t))[at]
			for _, p := range answer.Problems {
				said = append(said, p.String())
				if strings.Contains(said[len(said)-1], f.want) {
					if len(answer.Accepted) > 0 {
						t.Errorf("it is accepted too: %v", answer.Accepted)
					}
					return
				}
			}
			t.Errorf("want %s\ngot:\n%s", f.want, strings.Join(said, "\n"))
		})
	}
}

// TestEmpty holds what no replaced text shows: nothing below a row, and nothing
// at all.
func TestEmpty(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(b map[string]any)
		want   string
	}{
		"no panel":          {func(b map[string]any) { b["panels"] = []any{} }, `dashboard "Shop": has no panel`},
		"an empty row":      {func(b map[string]any) { b["panels"] = b["panels"].([]any)[:1] }, `panel "Row": the row has no panel`},
		"an empty panel":    {func(b map[string]any) { b["panels"].([]any)[1].(map[string]any)["targets"] = []any{} }, `panel "Orders": is empty: it has no query`},
		"no source":         {func(b map[string]any) { delete(b["panels"].([]any)[1].(map[string]any), "datasource") }, `panel "Orders": names no data source`},
		"no source to pick": {func(b map[string]any) { b["templating"] = map[string]any{"list": []any{}} }, `dashboard "Shop": has no variable for its data source`},
		"no description":    {func(b map[string]any) { delete(b["panels"].([]any)[1].(map[string]any), "description") }, `panel "Orders": has no description`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := grafana(t)
			var b map[string]any
			if err := json.Unmarshal([]byte(s.Files[dashboards+"shop.json"]), &b); err != nil {
				t.Fatal(err)
			}
			tt.change(b)
			data, err := json.Marshal(b)
			if err != nil {
				t.Fatal(err)
			}
			s.Files[dashboards+"shop.json"] = string(data)
			for _, p := range Judge([]Subject{s, prometheus()}, lists(t))[0].Problems {
				if strings.Contains(p.String(), tt.want) {
					return
				}
			}
			t.Errorf("nothing says %s", tt.want)
		})
	}
}

// TestUniqueUIDs holds that two dashboards are two.
func TestUniqueUIDs(t *testing.T) {
	t.Parallel()
	s := grafana(t)
	s.Files[dashboards+"shop2.json"] = s.Files[dashboards+"shop.json"]
	problems := Judge([]Subject{s, prometheus()}, lists(t))[0].Problems
	if len(problems) != 1 || !strings.Contains(problems[0].Message, "its uid or title is that of "+dashboards+"shop.json too") {
		t.Errorf("problems: %v", problems)
	}
}

// TestWithoutRules holds that names of alerts are judged only where rules are.
func TestWithoutRules(t *testing.T) {
	t.Parallel()
	s := grafana(t)
	s.Files[dashboards+"shop.json"] = strings.Replace(s.Files[dashboards+"shop.json"], "site:orders:rate5m", "up", 1)
	if problems := Judge([]Subject{s}, lists(t))[0].Problems; len(problems) > 0 {
		t.Errorf("problems: %v", problems)
	}
}

// FuzzJudge holds that no dashboard and no file of provisioning ends the judge.
func FuzzJudge(f *testing.F) {
	f.Add(shop(f), own(f, "datasources.yaml"), own(f, "grafana.ini"))
	f.Add(`{"panels":[{"type":"row","panels":[{}]}]}`, "datasources: [{jsonData: []}]", "[a]\nb")
	f.Add(`{"templating":{"list":[null]},"annotations":{"list":[{}]}}`, "- a", "=")
	f.Fuzz(func(t *testing.T, board, source, ini string) {
		s := grafana(t)
		s.Files[dashboards+"shop.json"], s.Files[sources], s.Files[settings] = board, source, ini
		if answers := Judge([]Subject{s}, lists(t)); len(answers) != 1 {
			t.Errorf("%d answers", len(answers))
		}
	})
}

// FuzzExpression holds that no query ends the judge.
func FuzzExpression(f *testing.F) {
	for _, seed := range []string{"up", "sum by (a) (rate(up[5m]))", "histogram_quantile(0.9, up)", "label_replace(up, \"a\", \"b\", \"c\", \"d\")", "a / on (b) c", "1", "$x", "count_values(\"a\", up)"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := prometheus()
		s.Files[rulesFile] = "groups: [{rules: [{alert: A, expr: " + text + "}]}]"
		Judge([]Subject{s}, lists(t))
	})
}
