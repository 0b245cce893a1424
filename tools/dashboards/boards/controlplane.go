package boards

const server = `job="kube-apiserver",pod=~"$server"`

// controlPlane is what the API servers do, how fast, and whom they turn away.
func controlPlane() Board {
	return Board{
		UID: "dualtrack-control-plane", Title: "Control plane",
		Description: "The API servers: by site as its rules recorded it, then those of the hub. Their store is on the dashboard etcd.",
		Alerts:      `ALERTS{alertstate="firing",alertname=~"ApiServer.+|ClientCertificate.+"}`,
		Variables: []Variable{site(),
			{Name: "server", Label: "API server of the hub", Metric: `process_start_time_seconds{job="kube-apiserver"}`, Of: "pod"}},
		Rows: []Row{
			{"By site", controlPlaneSites()},
			{"Requests of the hub", controlPlaneRequests()},
			{"Fairness of the hub", controlPlaneFairness()},
			{"What the hub's servers wait for", controlPlaneWaits()},
			{"Processes of the hub", controlPlaneProcesses()},
		},
	}
}

// worst is the worst of a site's recorded series by one of their labels.
func worst(record, label string) Query {
	q := bySite(`max by (site, ` + label + `) (` + record + `{site=~"$site"})`)
	q.Legend += " {{" + label + "}}"
	return q
}

func controlPlaneSites() []Panel {
	return []Panel{
		{Kind: Series, Title: "Errors", Unit: "percentunit", Width: 8, Bad: 0.01, Runbook: "apiserver-errors",
			Description: "Share of the requests that end with a server error, by verb. 1 % for half an hour is a ticket, 5 % a page.",
			Queries:     []Query{worst("site:apiserver_errors:ratio_rate5m", "verb")}},
		{Kind: Series, Title: "Slower than promised", Unit: "percentunit", Width: 8, Bad: 0.01, Runbook: "apiserver-slow",
			Description: "Share of the requests that take longer than a second, of lists longer than 30 seconds. Queues and webhooks are not in it.",
			Queries:     []Query{worst("site:apiserver_slow:ratio_rate5m", "verb")}},
		{Kind: Series, Title: "Seats taken, of a level", Unit: "percentunit", Width: 8, Bad: 0.9, Max: 1.2, Runbook: "apiserver-overload",
			Description: "Of the seats that a priority level has and may borrow, on the fullest server. At 1 its requests wait.",
			Queries:     []Query{worst("site:apiserver_seats:ratio", "priority_level")}},
		{Kind: Series, Title: "Turned away", Unit: "reqps", Width: 8, Bad: 0.001, Zero: "none", Runbook: "apiserver-overload",
			Description: "Requests a second that found no seat and no place in a queue, or waited too long.",
			Queries:     []Query{worst("site:apiserver_turned_away:rate5m", "priority_level")}},
		{Kind: Series, Title: "Waits longer than a second for a seat", Unit: "percentunit", Width: 8, Bad: 0.01, Runbook: "apiserver-overload",
			Description: "Share of a priority level's requests.",
			Queries:     []Query{worst("site:apiserver_waits_long:ratio_rate5m", "priority_level")}},
		{Kind: Series, Title: "Requests to etcd longer than 400 ms", Unit: "percentunit", Width: 8, Bad: 0.01, Runbook: "etcd-disk",
			Description: "Share of the API servers' requests to their store, without lists. What is slow there is slow everywhere.",
			Queries:     []Query{worst("site:apiserver_store_slow:ratio_rate5m", "operation")}},
	}
}

func controlPlaneRequests() []Panel {
	slower := func(bound string) Query {
		const histogram = `apiserver_request_sli_duration_seconds_bucket{` + server
		return Query{Legend: "{{verb}} longer than " + bound + " s", Expr: `1 - sum by (verb) (rate(` + histogram + `,le="` + bound + `"}[$__rate_interval]))` +
			` / (sum by (verb) (rate(` + histogram + `,le="+Inf"}[$__rate_interval])) > 0)`}
	}
	return []Panel{
		{Kind: Series, Title: "Requests", Unit: "reqps", Width: 8,
			Description: "Answered requests a second, by verb. A watch counts when it ends.",
			Queries:     []Query{{Expr: `sum by (verb) (rate(apiserver_request_total{` + server + `}[$__rate_interval]))`, Legend: "{{verb}}"}}},
		{Kind: Series, Title: "Answers that are no success", Unit: "reqps", Width: 8, Runbook: "apiserver-errors",
			Description: "By code. 409 is a client that must read again; 429 was turned away; 5xx are the server's.",
			Queries:     []Query{{Expr: `sum by (code) (rate(apiserver_request_total{` + server + `,code=~"[45].."}[$__rate_interval]))`, Legend: "{{code}}"}}},
		{Kind: Series, Title: "Requests that take long", Unit: "percentunit", Width: 8, Runbook: "apiserver-slow",
			Description: "Share above 100 ms, which is early, and above a second, which is promised for all but lists.",
			Queries:     []Query{slower("0.1"), slower("1")}},
	}
}

func controlPlaneFairness() []Panel {
	return []Panel{
		{Kind: Series, Title: "In flight", Unit: "short", Width: 8, Runbook: "apiserver-overload",
			Description: "Requests that a server works on, and all the seats that it has.",
			Queries: []Query{
				{Expr: `sum by (pod, request_kind) (apiserver_current_inflight_requests{` + server + `})`, Legend: "{{pod}} {{request_kind}}"},
				{Expr: `sum by (pod) (apiserver_flowcontrol_nominal_limit_seats{` + server + `})`, Legend: "{{pod}} seats"},
			}},
		{Kind: Series, Title: "Waiting for a seat", Unit: "short", Width: 8, Runbook: "apiserver-overload",
			Description: "Requests in the queues of a priority level.",
			Queries:     []Query{{Expr: `sum by (priority_level) (apiserver_flowcontrol_current_inqueue_requests{` + server + `})`, Legend: "{{priority_level}}"}}},
		{Kind: Series, Title: "Turned away, by whom", Unit: "reqps", Width: 8, Zero: "none", Runbook: "apiserver-overload",
			Description: "By flow schema and reason: queue-full, concurrency-limit, time-out, cancelled.",
			Queries: []Query{{Expr: `sum by (flow_schema, reason) (rate(apiserver_flowcontrol_rejected_requests_total{` + server + `}[$__rate_interval]))`,
				Legend: "{{flow_schema}} {{reason}}"}}},
	}
}

func controlPlaneWaits() []Panel {
	const store, step = `etcd_request_duration_seconds_bucket{` + server, `apiserver_admission_step_admission_duration_seconds_bucket{` + server
	return []Panel{
		{Kind: Series, Title: "Requests to etcd that take long", Unit: "percentunit", Width: 8, Runbook: "etcd-disk",
			Description: "Share above 100 ms, by operation; lists are as long as what they list.",
			Queries: []Query{{Expr: `1 - sum by (operation) (rate(` + store + `,le="0.1"}[$__rate_interval]))` +
				` / (sum by (operation) (rate(` + store + `,le="+Inf"}[$__rate_interval])) > 0)`, Legend: "{{operation}}"}}},
		{Kind: Series, Title: "Admissions longer than half a second", Unit: "percentunit", Width: 8, Bad: 0.01, Runbook: "apiserver-admission",
			Description: "Share of the writes whose admission or validation takes that long, webhooks included.",
			Queries: []Query{{Expr: `1 - sum by (type, operation) (rate(` + step + `,le="0.5"}[$__rate_interval]))` +
				` / (sum by (type, operation) (rate(` + step + `,le="+Inf"}[$__rate_interval])) > 0)`, Legend: "{{type}} {{operation}}"}}},
		{Kind: Table, Title: "Deprecated APIs that are asked for", Unit: "short", Width: 8, Zero: "none",
			Description: "And the release that has them no more: what an upgrade to it breaks.",
			Queries: []Query{{Expr: `max by (group, version, resource, removed_release) (apiserver_requested_deprecated_apis{` + server + `})`,
				Legend: "{{resource}}"}}},
	}
}

func controlPlaneProcesses() []Panel {
	return []Panel{
		{Kind: Series, Title: "Requests with a certificate that ends soon", Unit: "short", Width: 6, Bad: 1, Runbook: "certificates",
			Description: "In an hour, of clients whose certificate ends within a week and within a day.",
			Queries: []Query{
				{Expr: `sum(increase(apiserver_client_certificate_expiration_seconds_bucket{` + server + `,le="604800"}[1h]))`, Legend: "a week"},
				{Expr: `sum(increase(apiserver_client_certificate_expiration_seconds_bucket{` + server + `,le="86400"}[1h]))`, Legend: "a day"},
			}},
		{Kind: Series, Title: "Objects", Unit: "short", Width: 6,
			Description: "The ten kinds with most objects. A line that never falls is somebody who does not clean up.",
			Queries:     []Query{{Expr: `topk(10, max by (resource) (apiserver_storage_objects{` + server + `}))`, Legend: "{{resource}}"}}},
		{Kind: Series, Title: "Memory", Unit: "bytes", Width: 6,
			Description: "Resident memory. It grows with objects and with watches.",
			Queries:     []Query{{Expr: `process_resident_memory_bytes{` + server + `}`, Legend: "{{pod}}"}}},
		{Kind: Series, Title: "CPU", Unit: "short", Width: 6,
			Description: "Cores in use.",
			Queries:     []Query{{Expr: `rate(process_cpu_seconds_total{` + server + `}[$__rate_interval])`, Legend: "{{pod}}"}}},
	}
}
