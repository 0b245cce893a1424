package boards

// firing are the alerts that fire, each once: the hub's rules say those of the sites
// again.
const firing = `ALERTS{alertstate="firing",alertname!~"SiteAlert(Pages|Tickets)",site=~"$site"`

// fleet is the first page: every site in one picture.
func fleet() Board {
	return Board{
		UID: "dualtrack-fleet", Title: "Fleet",
		Description: "Every site in one picture: what fires, what is down, how orders fare.",
		Alerts:      firing + `,severity="page"}`,
		Variables:   []Variable{site()},
		Rows: []Row{
			{"Now", []Panel{
				{Kind: Stat, Title: "Pages", Unit: "short", Width: 4, Bad: 1, Zero: "0",
					Description: "Alerts that fire and wake somebody.",
					Queries:     []Query{{Expr: `count(` + firing + `,severity="page"}) or vector(0)`, Legend: "pages"}}},
				{Kind: Stat, Title: "Tickets", Unit: "short", Width: 4, Bad: 1, Zero: "0",
					Description: "Alerts that fire and wait for the day.",
					Queries:     []Query{{Expr: `count(` + firing + `,severity="ticket"}) or vector(0)`, Legend: "tickets"}}},
				{Kind: Stat, Title: "Targets up", Unit: "percentunit", Width: 4, Warn: 1, Bad: 0.99, Falling: true, Runbook: "target-down",
					Description: "Share of the targets that answer their scrape, at the sites that report.",
					Queries:     []Query{{Expr: `sum(site:targets_up:count{site=~"$site"}) / sum(site:targets:count{site=~"$site"})`, Legend: "up"}}},
				{Kind: Stat, Title: "Orders a second", Unit: "reqps", Width: 4,
					Description: "Requests that reach the gateways.",
					Queries:     []Query{{Expr: `sum(site:orders_requests:rate5m{site=~"$site"})`, Legend: "orders"}}},
				{Kind: Stat, Title: "Worst error ratio, an hour", Unit: "percentunit", Width: 4, Warn: 0.0001, Bad: 0.00144, Runbook: "orders-error-budget",
					Description: "The worst site's share of failed requests. Orange: above the budget; red: the fast burn that pages.",
					Queries:     []Query{{Expr: `max(site:orders_errors:ratio_rate1h{site=~"$site"})`, Legend: "errors"}}},
				{Kind: Stat, Title: "Worst 95th percentile", Unit: "ms", Width: 4, Warn: 250, Bad: 500, Runbook: "orders-slow",
					Description: "Of the time that a site's order service takes, as its gateway sees it.",
					Queries:     []Query{{Expr: `max(site:orders_upstream_latency_ms:p95_5m{site=~"$site"})`, Legend: "p95"}}},
			}},
			{"What fires", []Panel{
				{Kind: Table, Title: "Alerts that fire", Unit: "short", Width: 12, Zero: "nothing fires",
					Description: "One line an alert and site; its runbook stands in the alert.",
					Queries:     []Query{{Expr: `sum by (site, alertname, severity, team) (` + firing + `})`, Legend: "{{alertname}}"}}},
				{Kind: Table, Title: "Jobs with targets that are down", Unit: "short", Width: 12, Zero: "all are up", Runbook: "target-down",
					Description: "How many targets of a job do not answer their scrape.",
					Queries: []Query{{Expr: `sum by (site, job) (site:targets:count{site=~"$site"}) - sum by (site, job) (site:targets_up:count{site=~"$site"}) > 0`,
						Legend: "{{job}}"}}},
			}},
			{"Orders, by site", fleetOrders()},
			{"Models and series, by site", []Panel{
				{Kind: Series, Title: "Inference, 95th percentile", Unit: "s", Width: 12, Bad: 0.1, Runbook: "inference-slow",
					Description: "Of the time that a site's model takes. Above 100 ms a ticket is opened.",
					Queries:     []Query{bySite(`max by (site) (site:inference_latency_seconds:p95_5m{site=~"$site"})`)}},
				{Kind: Series, Title: "Series behind, as the site sees it", Unit: "s", Width: 12, Bad: 1800, Runbook: "site-offline",
					Description: "What a site recorded and the hub has not taken yet. After about two hours the oldest is lost to the hub.",
					Queries:     []Query{bySite(`max by (site) (site:remote_write:behind_seconds{site=~"$site"})`)}},
			}},
			{"Telemetry, by site", []Panel{
				{Kind: Series, Title: "Fullest sending queue", Unit: "percentunit", Width: 12, Bad: 0.8, Max: 1, Runbook: "telemetry-queue",
					Description: "Beyond 80 % a ticket is opened; a full queue drops.",
					Queries:     []Query{bySite(`max by (site) (site:otel_queue:usage{site=~"$site"})`)}},
				{Kind: Series, Title: "Age of a site's last sample", Unit: "s", Width: 12, Bad: 1800, Runbook: "site-offline",
					Description: "How long ago the hub heard of a site; after half an hour a ticket is opened. A site that is offline sends its samples later.",
					Queries:     []Query{{Expr: `time() - max by (site) (fleet:site_heard:timestamp_seconds{site=~"$site"})`, Legend: "{{site}}"}}},
			}},
		},
	}
}

func fleetOrders() []Panel {
	return []Panel{
		{Kind: Series, Title: "Requests", Unit: "reqps", Width: 12,
			Description: "Requests a second that reach a site's gateway.",
			Queries:     []Query{bySite(`sum by (site) (site:orders_requests:rate5m{site=~"$site"})`)}},
		{Kind: Series, Title: "Error ratio, 5 minutes", Unit: "percentunit", Width: 12, Bad: 0.00144, Runbook: "orders-error-budget",
			Description: "Share of the requests that ended with a server error. The line is the burn that pages.",
			Queries:     []Query{bySite(`max by (site) (site:orders_errors:ratio_rate5m{site=~"$site"})`)}},
		{Kind: Series, Title: "95th percentile", Unit: "ms", Width: 12, Bad: 500, Runbook: "orders-slow",
			Description: "Of the order service's time, as the gateway sees it.",
			Queries:     []Query{bySite(`max by (site) (site:orders_upstream_latency_ms:p95_5m{site=~"$site"})`)}},
		{Kind: Series, Title: "Healthy order endpoints", Unit: "percentunit", Width: 12, Max: 1, Runbook: "orders-endpoints",
			Description: "The least share that a gateway of the site sees healthy; below a half it pages.",
			Queries:     []Query{bySite(`min by (site) (site:orders_endpoints:healthy_ratio{site=~"$site"})`)}},
	}
}
