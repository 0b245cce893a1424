package boards

// rollout shows what a change does to the sites that took it: whether pods start
// anew, whether configurations are taken, and what customers notice.
func rollout() Board {
	return Board{
		UID: "dualtrack-rollout", Title: "Rollout",
		Description: "What a change does to the sites that took it: pods that start anew, configurations that are refused, what customers notice.",
		Alerts:      `ALERTS{alertstate="firing",team=~"shop|platform-traffic",site=~"$site"}`,
		Variables:   []Variable{site()},
		Rows: []Row{
			{"What customers notice, by site", []Panel{
				{Kind: Series, Title: "Error ratio, 5 minutes", Unit: "percentunit", Width: 8, Bad: 0.00144, Runbook: "orders-error-budget",
					Description: "A step at the time of the change is the change's. The line is the burn that pages.",
					Queries:     []Query{bySite(`max by (site) (site:orders_errors:ratio_rate5m{site=~"$site"})`)}},
				{Kind: Series, Title: "95th percentile against an hour ago", Unit: "short", Width: 8,
					Description: "1 is as before; 2 is twice as slow as an hour ago.",
					Queries: []Query{bySite(`max by (site) (site:orders_upstream_latency_ms:p95_5m{site=~"$site"})` +
						` / max by (site) (site:orders_upstream_latency_ms:p95_5m{site=~"$site"} offset 1h)`)}},
				{Kind: Series, Title: "Budget spent in the upgrade window", Unit: "percentunit", Width: 8, Bad: 1,
					Description: "Mean error ratio of 15 minutes, the longest a site may take, over the budget of 0.01 %. Above 1 the change costs more than the budget.",
					Queries:     []Query{bySite(`max by (site) (avg_over_time(site:orders_errors:ratio_rate5m{site=~"$site"}[15m])) / 0.0001`)}},
			}},
			{"What starts anew on the hub", rolloutPods()},
			{"What the hub takes and what it refuses", []Panel{
				{Kind: Series, Title: "Gateway configurations taken", Unit: "short", Width: 8,
					Description: "Files of listeners and clusters that Envoy took, in 5 minutes.",
					Queries: []Query{{Expr: `sum by (pod) (increase(envoy_listener_manager_lds_update_success[5m])` +
						` + increase(envoy_cluster_manager_cds_update_success[5m]))`, Legend: "{{pod}}"}}},
				{Kind: Series, Title: "Gateway configurations refused", Unit: "short", Width: 8, Bad: 1,
					Description: "A file that Envoy refuses leaves the last good one in force: the change did not happen.",
					Queries: []Query{{Expr: `sum by (pod) (increase(envoy_listener_manager_lds_update_rejected[5m])` +
						` + increase(envoy_cluster_manager_cds_update_rejected[5m]))`, Legend: "{{pod}}"}}},
				{Kind: Series, Title: "Prometheus runs on what it was given", Unit: "bool_yes_no", Width: 8, Max: 1,
					Description: "No: the last configuration or rule file could not be read, and the one before it is in force.",
					Queries:     []Query{{Expr: `min by (job) (prometheus_config_last_reload_successful)`, Legend: "{{job}}"}}},
			}},
		},
	}
}

func rolloutPods() []Panel {
	return []Panel{
		{Kind: Series, Title: "Targets that started in the last 15 minutes", Unit: "short", Width: 8,
			Description: "How far a change of the pods has come: it rises as old pods go, and falls when the last new one is old.",
			Queries: []Query{{Expr: `count by (job) (time() - process_start_time_seconds{job=~"order-service|otel-.*|jaeger|prometheus"} < 900)`,
				Legend: "{{job}}"}}},
		{Kind: Series, Title: "Order pods that are ready", Unit: "short", Width: 8,
			Description: "While a Deployment is renewed this must not fall: no pod goes before its successor is ready.",
			Queries:     []Query{{Expr: `sum(order_service_ready)`, Legend: "ready"}, {Expr: `count(order_service_ready)`, Legend: "all"}}},
		{Kind: Series, Title: "Starts in an hour", Unit: "short", Width: 8, Bad: 3,
			Description: "A pod that starts again and again does not come up: the change is to be taken back.",
			Queries:     []Query{{Expr: `max by (job) (changes(process_start_time_seconds{job=~"order-service|otel-.*|jaeger|prometheus"}[1h]))`, Legend: "{{job}}"}}},
		{Kind: Series, Title: "Envoys that started in the last 15 minutes", Unit: "short", Width: 12,
			Description: "The same of the gateways, which say their own age.",
			Queries:     []Query{{Expr: `count by (job) (envoy_server_uptime < 900)`, Legend: "{{job}}"}}},
		{Kind: Series, Title: "Endpoints that came or went", Unit: "short", Width: 12, Runbook: "orders-endpoints",
			Description: "Changes in 5 minutes of the order endpoints that the gateways know.",
			Queries:     []Query{{Expr: `sum by (pod) (increase(envoy_cluster_membership_change{envoy_cluster_name="orders"}[5m]))`, Legend: "{{pod}}"}}},
	}
}
