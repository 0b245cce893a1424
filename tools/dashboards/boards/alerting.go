package boards

const manager = `job="alertmanager"`

// alerting is the way of an alert: rules, Prometheus, Alertmanager, people.
func alerting() Board {
	return Board{
		UID: "dualtrack-alerting", Title: "Alerting",
		Description: "The way of an alert on the hub: rules are judged, Prometheus tells Alertmanager, Alertmanager tells people.",
		Alerts:      `ALERTS{alertstate="firing",alertname=~"Alert.+|Rule.+"}`,
		Rows: []Row{
			{"Is anybody told", []Panel{
				{Kind: Stat, Title: "Members that answer", Unit: "short", Width: 6, Warn: 2, Bad: 1, Falling: true, Zero: "0", Runbook: "alertmanager",
					Description: "None: nobody is told anything. One of two: who drains its node mutes everybody.",
					Queries:     []Query{{Expr: `sum(up{` + manager + `})`, Legend: "members"}}},
				{Kind: Stat, Title: "Tries that fail", Unit: "percentunit", Width: 6, Warn: 0.1, Bad: 0.5, Zero: "nothing is sent", Runbook: "alertmanager-sending",
					Description: "Share of the tries to send a message in 10 minutes. A try is made again until the message is given up.",
					Queries:     []Query{{Expr: `max(site:alertmanager_requests_failed:ratio_rate10m{site=""})`, Legend: "failed"}}},
				{Kind: Stat, Title: "Given up, an hour", Unit: "short", Width: 6, Bad: 1, Runbook: "alertmanager-sending",
					Description: "Messages that were not sent. The group's next message tells what still fires.",
					Queries:     []Query{{Expr: `sum(increase(alertmanager_notifications_failed_total{` + manager + `}[1h]))`, Legend: "messages"}}},
				{Kind: Stat, Title: "Runs on what it was given", Unit: "bool_yes_no", Width: 6, Runbook: "alertmanager-configuration",
					Description: "No: a member could not read its configuration and keeps to the one before it.",
					Queries:     []Query{{Expr: `min(alertmanager_config_last_reload_successful{` + manager + `})`, Legend: "all"}}},
			}},
			{"From Prometheus", alertingIn()},
			{"To people", alertingOut()},
			{"Members and silences", alertingState()},
			{"Prometheus of the hub", alertingStore()},
		},
	}
}

func alertingIn() []Panel {
	return []Panel{
		{Kind: Series, Title: "Alerts handed over", Unit: "short", Width: 8, Runbook: "alertmanager",
			Description: "Alerts a second that the hub's Prometheus sends to a member, those that a member does not take, and those that never left: each firing alert is sent again every minute or so.",
			Queries: []Query{
				{Expr: `sum by (alertmanager) (rate(prometheus_notifications_sent_total{job="prometheus"}[$__rate_interval]))`, Legend: "sent to {{alertmanager}}"},
				{Expr: `sum by (alertmanager) (rate(prometheus_notifications_errors_total{job="prometheus"}[$__rate_interval]))`, Legend: "not taken by {{alertmanager}}"},
				{Expr: `rate(prometheus_notifications_dropped_total{job="prometheus"}[$__rate_interval])`, Legend: "dropped"},
			}},
		{Kind: Series, Title: "Alerts taken and refused", Unit: "short", Width: 8,
			Description: "As the members see it. What a member refuses nobody is told of.",
			Queries: []Query{
				{Expr: `sum by (pod, status) (rate(alertmanager_alerts_received_total{` + manager + `}[$__rate_interval]))`, Legend: "{{pod}} {{status}}"},
				{Expr: `sum by (pod) (rate(alertmanager_alerts_invalid_total{` + manager + `}[$__rate_interval]))`, Legend: "{{pod}} refused"},
			}},
		{Kind: Series, Title: "Rules: time of an evaluation over its interval", Unit: "percentunit", Width: 8, Bad: 1, Runbook: "rule-evaluation",
			Description: "Above 1 evaluations are left out, and alerts come late.",
			Queries: []Query{{Expr: `max by (rule_group) (prometheus_rule_group_last_duration_seconds{job="prometheus"}` +
				` / prometheus_rule_group_interval_seconds{job="prometheus"})`, Legend: "{{rule_group}}"}}},
	}
}

func alertingOut() []Panel {
	return []Panel{
		{Kind: Series, Title: "Messages", Unit: "short", Width: 8, Runbook: "alertmanager-sending",
			Description: "In an hour, by the way they go, and those that were given up.",
			Queries: []Query{
				{Expr: `sum by (integration) (increase(alertmanager_notifications_total{` + manager + `}[1h])) > 0`, Legend: "{{integration}}"},
				{Expr: `sum by (integration, reason) (increase(alertmanager_notifications_failed_total{` + manager + `}[1h])) > 0`, Legend: "{{integration}} given up, {{reason}}"},
			}},
		{Kind: Series, Title: "Time to send, 95th percentile", Unit: "s", Width: 8,
			Description: "Of a message, with all its tries.",
			Queries: []Query{{Expr: `histogram_quantile(0.95, sum by (le, integration) (rate(alertmanager_notification_latency_seconds_bucket{` + manager + `}[1h])))`,
				Legend: "{{integration}}"}}},
		{Kind: Series, Title: "Time to put an alert into its group", Unit: "s", Width: 8, Bad: 0.1,
			Description: "Mean time from an alert's arrival to its group. Above 100 ms alerts wait.",
			Queries:     []Query{{Expr: `site:alertmanager_dispatch_seconds:mean10m{site=""}`, Legend: "{{pod}}"}}},
	}
}

func alertingState() []Panel {
	return []Panel{
		{Kind: Series, Title: "Members that a member sees", Unit: "short", Width: 8, Runbook: "alertmanager-cluster",
			Description: "Itself included. Fewer than there are: messages come twice, silences hold on one side.",
			Queries:     []Query{{Expr: `alertmanager_cluster_members{` + manager + `}`, Legend: "{{pod}}"}}},
		{Kind: Series, Title: "What members tell each other", Unit: "short", Width: 8, Runbook: "alertmanager-cluster",
			Description: "Messages that wait, and those that were dropped in 15 minutes.",
			Queries: []Query{
				{Expr: `alertmanager_cluster_messages_queued{` + manager + `}`, Legend: "{{pod}} wait"},
				{Expr: `increase(alertmanager_cluster_messages_pruned_total{` + manager + `}[15m])`, Legend: "{{pod}} dropped"},
			}},
		{Kind: Series, Title: "Silences", Unit: "short", Width: 8, Bad: 800, Runbook: "alertmanager-silences",
			Description: "By state. All together may be 1,000, those that ended in the last five days too.",
			Queries:     []Query{{Expr: `max by (state) (alertmanager_silences{` + manager + `})`, Legend: "{{state}}"}}},
		{Kind: Series, Title: "Alerts and groups", Unit: "short", Width: 12,
			Description: "Alerts that a member holds by what becomes of them, and the groups that they are in.",
			Queries: []Query{
				{Expr: `max by (state) (alertmanager_marked_alerts{` + manager + `})`, Legend: "alerts {{state}}"},
				{Expr: `max(alertmanager_dispatcher_aggregation_groups{` + manager + `})`, Legend: "groups"},
			}},
		{Kind: Series, Title: "Memory", Unit: "bytes", Width: 12,
			Description: "Resident memory of the members.",
			Queries:     []Query{{Expr: `process_resident_memory_bytes{` + manager + `}`, Legend: "{{pod}}"}}},
	}
}

func alertingStore() []Panel {
	return []Panel{
		{Kind: Series, Title: "How far back it remembers", Unit: "s", Width: 8, Runbook: "prometheus-disk",
			Description: "The longest rule looks back three days, 259,200 s; less is a disk that is too small.",
			Queries:     []Query{{Expr: `time() - prometheus_tsdb_lowest_timestamp_seconds{job="prometheus"}`, Legend: "{{instance}}"}}},
		{Kind: Series, Title: "Blocks on the disk", Unit: "bytes", Width: 8, Runbook: "prometheus-disk",
			Description: "RETENTION_SIZE ends it; then the oldest block goes.",
			Queries:     []Query{{Expr: `prometheus_tsdb_storage_blocks_bytes{job="prometheus"}`, Legend: "{{instance}}"}}},
		{Kind: Series, Title: "Series, and exemplars kept", Unit: "short", Width: 8,
			Description: "Series decide over memory. Of exemplars the newest are kept, as many as the configuration says.",
			Queries: []Query{
				{Expr: `prometheus_tsdb_head_series{job="prometheus"}`, Legend: "{{instance}} series"},
				{Expr: `prometheus_tsdb_exemplar_exemplars_in_storage{job="prometheus"}`, Legend: "{{instance}} exemplars"},
			}},
	}
}
