package boards

const (
	collectors = `job=~"$job"`
	tails      = `job=~"otel-gateway|otel-sampler"`
)

// collector is the way of telemetry: agents, gateways, Jaeger.
func collector() Board {
	return Board{
		UID: "dualtrack-collector", Title: "Collector",
		Description: "The way of traces and logs: the agents on the nodes, the gateways, Jaeger.",
		Alerts:      `ALERTS{alertstate="firing",team="platform-observability"}`,
		Variables:   []Variable{{Name: "job", Label: "Collector", Metric: `otelcol_process_uptime_seconds_total{job=~"otel-.*|jaeger"}`, Of: "job"}},
		Rows: []Row{
			{"In and out", collectorFlow()},
			{"Queues", collectorQueues()},
			{"Sampling", collectorSampling()},
			{"Jaeger", collectorStore()},
			{"Processes", collectorProcesses()},
		},
	}
}

// both are a query for spans and one for log records.
func both(before, after, legend string) []Query {
	var out []Query
	for _, what := range []string{"spans", "log_records"} {
		out = append(out, Query{Expr: before + what + after, Legend: "{{job}} " + map[string]string{"spans": "spans", "log_records": "log records"}[what] + legend})
	}
	return out
}

func collectorFlow() []Panel {
	return []Panel{
		{Kind: Series, Title: "Taken", Unit: "short", Width: 8,
			Description: "Items a second that were taken from senders.",
			Queries:     both(`sum by (job) (rate(otelcol_receiver_accepted_`, `_total{`+collectors+`}[$__rate_interval]))`, "")},
		{Kind: Series, Title: "Sent", Unit: "short", Width: 8,
			Description: "Items a second that the next one took. A gateway of a site sends fewer spans than it takes: it samples.",
			Queries:     both(`sum by (job) (rate(otelcol_exporter_sent_`, `_total{`+collectors+`}[$__rate_interval]))`, "")},
		{Kind: Series, Title: "Not taken", Unit: "short", Width: 8, Runbook: "telemetry-queue",
			Description: "Items a second that were refused, as without memory. The sender keeps and repeats them.",
			Queries:     both(`sum by (job) (rate(otelcol_receiver_refused_`, `_total{`+collectors+`}[$__rate_interval]))`, "")},
	}
}

func collectorQueues() []Panel {
	return []Panel{
		{Kind: Series, Title: "Fullest queue", Unit: "percentunit", Width: 8, Max: 1, Bad: 0.8, Runbook: "telemetry-queue",
			Description: "Beyond 80 % a ticket is opened. On a site a filling queue is a hub that cannot be reached.",
			Queries:     []Query{{Expr: `max by (job, exporter) (otelcol_exporter_queue_size{` + collectors + `} / (otelcol_exporter_queue_capacity{` + collectors + `} > 0))`, Legend: "{{job}} {{exporter}}"}}},
		{Kind: Series, Title: "Waiting", Unit: "short", Width: 8, Runbook: "site-offline",
			Description: "Items in the queues, on the disk.",
			Queries:     []Query{{Expr: `sum by (job, exporter) (otelcol_exporter_queue_size{` + collectors + `})`, Legend: "{{job}} {{exporter}}"}}},
		{Kind: Series, Title: "Lost", Unit: "short", Width: 8, Bad: 0.001, Runbook: "telemetry-queue",
			Description: "Items a second that found the queue full. They are gone.",
			Queries:     both(`sum by (job) (rate(otelcol_exporter_enqueue_failed_`, `_total{`+collectors+`}[$__rate_interval]))`, "")},
	}
}

func collectorSampling() []Panel {
	return []Panel{
		{Kind: Series, Title: "Traces by policy", Unit: "short", Width: 8,
			Description: "Traces a second that a policy kept. /order/submit must all be kept.",
			Queries:     []Query{{Expr: `sum by (policy) (rate(otelcol_processor_tail_sampling_count_traces_sampled_total{` + tails + `,sampled="true"}[$__rate_interval]))`, Legend: "{{policy}}"}}},
		{Kind: Series, Title: "Traces in memory", Unit: "short", Width: 8,
			Description: "Traces that wait for their verdict; num_traces is the most.",
			Queries:     []Query{{Expr: `sum by (pod) (otelcol_processor_tail_sampling_sampling_traces_on_memory{` + tails + `})`, Legend: "{{pod}}"}}},
		{Kind: Series, Title: "Traces dropped unjudged", Unit: "short", Width: 8, Bad: 0.001, Runbook: "tail-sampling",
			Description: "Traces a second that left the memory before their verdict; orders may be among them.",
			Queries:     []Query{{Expr: `sum by (pod) (rate(otelcol_processor_tail_sampling_sampling_trace_dropped_too_early_total{` + tails + `}[$__rate_interval]))`, Legend: "{{pod}}"}}},
	}
}

func collectorStore() []Panel {
	return []Panel{
		{Kind: Series, Title: "Asked of the store", Unit: "reqps", Width: 8,
			Description: "Writes and queries a second, by how they ended. A failed write is repeated by the gateway.",
			Queries:     []Query{{Expr: `sum by (operation, result) (rate(jaeger_storage_requests_total{job="jaeger"}[$__rate_interval]))`, Legend: "{{operation}} {{result}}"}}},
		{Kind: Series, Title: "Time of the store, 95th percentile", Unit: "s", Width: 8,
			Description: "How long the store takes, by what is asked.",
			Queries:     []Query{{Expr: `histogram_quantile(0.95, sum by (le, operation) (rate(jaeger_storage_latency_seconds_bucket{job="jaeger"}[$__rate_interval])))`, Legend: "{{operation}}"}}},
		{Kind: Series, Title: "Size of the store", Unit: "bytes", Width: 8,
			Description: "On the disk, keys and values. A volume that is full pushes back to the gateways.",
			Queries:     []Query{{Expr: `sum by (pod) (jaeger_storage_badger_size_bytes_lsm{job="jaeger"} + jaeger_storage_badger_size_bytes_vlog{job="jaeger"})`, Legend: "{{pod}}"}}},
	}
}

func collectorProcesses() []Panel {
	return []Panel{
		{Kind: Series, Title: "Memory", Unit: "bytes", Width: 8,
			Description: "Resident memory. At 80 % of a container's limit the collector refuses.",
			Queries:     []Query{{Expr: `max by (job) (otelcol_process_memory_rss_bytes{` + collectors + `})`, Legend: "{{job}}"}}},
		{Kind: Series, Title: "CPU", Unit: "short", Width: 8,
			Description: "Cores in use, all pods of a job together.",
			Queries:     []Query{{Expr: `sum by (job) (rate(otelcol_process_cpu_seconds_total{` + collectors + `}[$__rate_interval]))`, Legend: "{{job}}"}}},
		{Kind: Series, Title: "Log files read", Unit: "short", Width: 8,
			Description: "Files that the agents follow.",
			Queries:     []Query{{Expr: `sum by (job) (otelcol_fileconsumer_open_files{` + collectors + `})`, Legend: "{{job}}"}}},
	}
}
