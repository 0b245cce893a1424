package boards

const (
	gateway = `job="envoy-gateway",pod=~"$gateway"`
	ingress = gateway + `,envoy_http_conn_manager_prefix="ingress"`
	orders  = gateway + `,envoy_cluster_name="orders"`
	inbound = `job="order-service-envoy",envoy_http_conn_manager_prefix="inbound"`
	sidecar = `job="order-service-envoy",envoy_cluster_name="order_service"`
)

// mesh is the way of a request: gateway, sidecar, order service.
func mesh() Board {
	return Board{
		UID: "dualtrack-mesh", Title: "Mesh",
		Description: "The way of a request: the Envoy gateway, the Envoy beside each order service, the order service itself.",
		Alerts:      `ALERTS{alertstate="firing",team=~"shop|platform-traffic"}`,
		Variables:   []Variable{{Name: "gateway", Label: "Gateway", Metric: `envoy_server_uptime{job="envoy-gateway"}`, Of: "pod"}},
		Rows: []Row{
			{"Gateway: requests", meshRequests()},
			{"Gateway: upstream", meshUpstream()},
			{"Gateway: itself", meshGateway()},
			{"Sidecar", meshSidecar()},
			{"Order service", meshOrders()},
		},
	}
}

func quantiles(histogram, selector string) []Query {
	var out []Query
	for _, q := range []string{"0.5", "0.95", "0.99"} {
		out = append(out, Query{Expr: `histogram_quantile(` + q + `, sum by (le) (rate(` + histogram + `_bucket{` + selector + `}[$__rate_interval])))`, Legend: "p" + q[2:]})
	}
	out[0].Legend = "p50"
	return out
}

func meshRequests() []Panel {
	return []Panel{
		{Kind: Series, Title: "Requests by answer", Unit: "reqps", Width: 8,
			Description: "Requests a second, by the first digit of the answer.",
			Queries:     []Query{{Expr: `sum by (envoy_response_code_class) (rate(envoy_http_downstream_rq_xx{` + ingress + `}[$__rate_interval]))`, Legend: "{{envoy_response_code_class}}xx"}}},
		{Kind: Series, Title: "Time to answer", Unit: "ms", Width: 8, Runbook: "orders-slow",
			Description: "As customers see it, repeats included.",
			Queries:     quantiles("envoy_http_downstream_rq_time", ingress)},
		{Kind: Series, Title: "Connections", Unit: "short", Width: 8,
			Description: "Open connections from customers and sites, by listener.",
			Queries:     []Query{{Expr: `sum by (envoy_http_conn_manager_prefix) (envoy_http_downstream_cx_active{` + gateway + `})`, Legend: "{{envoy_http_conn_manager_prefix}}"}}},
	}
}

func meshUpstream() []Panel {
	return []Panel{
		{Kind: Series, Title: "Upstream time", Unit: "ms", Width: 8, Runbook: "orders-slow",
			Description: "One try at an order endpoint.",
			Queries:     quantiles("envoy_cluster_upstream_rq_time", orders)},
		{Kind: Series, Title: "Repeats", Unit: "reqps", Width: 8, Runbook: "gateway-retries",
			Description: "Requests a second that were tried again, those that then succeeded, and those that the budget forbade.",
			Queries: []Query{
				{Expr: `sum(rate(envoy_cluster_upstream_rq_retry{` + orders + `}[$__rate_interval]))`, Legend: "repeated"},
				{Expr: `sum(rate(envoy_cluster_upstream_rq_retry_success{` + orders + `}[$__rate_interval]))`, Legend: "with success"},
				{Expr: `sum(rate(envoy_cluster_upstream_rq_retry_overflow{` + orders + `}[$__rate_interval]))`, Legend: "over the budget"},
			}},
		{Kind: Series, Title: "Circuit breakers", Unit: "short", Width: 8, Max: 1, Bad: 1, Runbook: "gateway-circuit",
			Description: "1: the limit is reached and requests are refused at once.",
			Queries: []Query{
				{Expr: `max(envoy_cluster_circuit_breakers_default_rq_open{` + orders + `})`, Legend: "requests"},
				{Expr: `max(envoy_cluster_circuit_breakers_default_rq_pending_open{` + orders + `})`, Legend: "waiting requests"},
				{Expr: `max(envoy_cluster_circuit_breakers_default_cx_open{` + orders + `})`, Legend: "connections"},
				{Expr: `max(envoy_cluster_circuit_breakers_default_rq_retry_open{` + orders + `})`, Legend: "repeats"},
			}},
		{Kind: Series, Title: "Endpoints", Unit: "short", Width: 8, Runbook: "orders-endpoints",
			Description: "As the gateway that sees fewest knows them. Ejected ones are healthy pods that answered badly.",
			Queries: []Query{
				{Expr: `min(envoy_cluster_membership_total{` + orders + `})`, Legend: "known"},
				{Expr: `min(envoy_cluster_membership_healthy{` + orders + `})`, Legend: "healthy"},
				{Expr: `max(envoy_cluster_outlier_detection_ejections_active{` + orders + `})`, Legend: "ejected"},
			}},
		{Kind: Series, Title: "Failed tries", Unit: "reqps", Width: 8,
			Description: "Tries a second that ended without an answer, by why.",
			Queries: []Query{
				{Expr: `sum(rate(envoy_cluster_upstream_cx_connect_fail{` + orders + `}[$__rate_interval]))`, Legend: "no connection"},
				{Expr: `sum(rate(envoy_cluster_upstream_rq_per_try_timeout{` + orders + `}[$__rate_interval]))`, Legend: "one try too long"},
				{Expr: `sum(rate(envoy_cluster_upstream_rq_timeout{` + orders + `}[$__rate_interval]))`, Legend: "all tries too long"},
				{Expr: `sum(rate(envoy_cluster_upstream_rq_rx_reset{` + orders + `}[$__rate_interval]))`, Legend: "reset"},
			}},
		{Kind: Series, Title: "Zones", Unit: "reqps", Width: 8,
			Description: "Requests that left the gateway's own zone, and choices in panic, when too few endpoints are healthy to choose among.",
			Queries: []Query{
				{Expr: `sum(rate(envoy_cluster_lb_zone_routing_cross_zone{` + orders + `}[$__rate_interval]))`, Legend: "other zone"},
				{Expr: `sum(rate(envoy_cluster_lb_healthy_panic{` + orders + `}[$__rate_interval]))`, Legend: "in panic"},
			}},
	}
}

func meshGateway() []Panel {
	return []Panel{
		{Kind: Series, Title: "Memory", Unit: "bytes", Width: 8,
			Description: "Reserved heap of each gateway. Overload actions begin at 90 % of the heap that its bootstrap allows.",
			Queries:     []Query{{Expr: `max by (pod) (envoy_server_memory_heap_size{` + gateway + `})`, Legend: "{{pod}}"}}},
		{Kind: Series, Title: "Heap pressure", Unit: "percent", Width: 8, Max: 100, Bad: 95,
			Description: "Of the allowed heap. At 95 % requests are refused, at 98 % connections.",
			Queries:     []Query{{Expr: `max by (pod) (envoy_overload_envoy_resource_monitors_fixed_heap_pressure{` + gateway + `})`, Legend: "{{pod}}"}}},
		{Kind: Series, Title: "Days to the first certificate's end", Unit: "d", Width: 8,
			Description: "Of the certificates that a gateway holds. A site without one cannot reach the hub.",
			Queries:     []Query{{Expr: `min by (pod) (envoy_server_days_until_first_cert_expiring{` + gateway + `})`, Legend: "{{pod}}"}}},
	}
}

func meshSidecar() []Panel {
	return []Panel{
		{Kind: Series, Title: "Requests by answer", Unit: "reqps", Width: 8,
			Description: "What the Envoys beside the order services took.",
			Queries:     []Query{{Expr: `sum by (envoy_response_code_class) (rate(envoy_http_downstream_rq_xx{` + inbound + `}[$__rate_interval]))`, Legend: "{{envoy_response_code_class}}xx"}}},
		{Kind: Series, Title: "Time of the service alone", Unit: "ms", Width: 8,
			Description: "From the Envoy to the service in its pod and back: what is more than this is the way.",
			Queries:     quantiles("envoy_cluster_upstream_rq_time", sidecar)},
		{Kind: Series, Title: "Refused before the service", Unit: "reqps", Width: 8,
			Description: "Requests a second that the limits of a sidecar turned away.",
			Queries: []Query{
				{Expr: `sum(rate(envoy_cluster_upstream_rq_pending_overflow{` + sidecar + `}[$__rate_interval]))`, Legend: "too many"},
				{Expr: `sum(rate(envoy_http_downstream_rq_overload_close{` + inbound + `}[$__rate_interval]))`, Legend: "no memory"},
			}},
	}
}

func meshOrders() []Panel {
	latency := quantiles("http_request_duration_seconds", `job="order-service",route="/order/submit"`)
	for i := range latency {
		latency[i].Exemplar = true
	}
	return []Panel{
		{Kind: Series, Title: "Time of /order/submit", Unit: "s", Width: 8, Runbook: "orders-slow",
			Description: "As the service measures it. Points, where the service adds exemplars, lead to the trace.",
			Queries:     latency},
		{Kind: Series, Title: "Orders by outcome", Unit: "reqps", Width: 8,
			Description: "Orders a second, by what became of them.",
			Queries:     []Query{{Expr: `sum by (outcome) (rate(orders_total{job="order-service"}[$__rate_interval]))`, Legend: "{{outcome}}"}}},
		{Kind: Series, Title: "Spans", Unit: "short", Width: 8, Runbook: "telemetry-queue",
			Description: "Spans a second that the agent took, and those that were dropped because it did not.",
			Queries:     []Query{{Expr: `sum by (result) (rate(order_spans_total{job="order-service"}[$__rate_interval]))`, Legend: "{{result}}"}}},
	}
}
