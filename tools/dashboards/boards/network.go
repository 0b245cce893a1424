package boards

const (
	agent = `job="cilium-agent",pod=~"$agent"`
	flows = `job="hubble",pod=~"$agent"`
)

// network is what Cilium's agents let through, drop, refuse and have room for.
func network() Board {
	return Board{
		UID: "dualtrack-network", Title: "Network",
		Description: "Cilium's agents, one a node: by site as its rules recorded it, then those of the hub, with what Hubble saw there.",
		Alerts:      `ALERTS{alertstate="firing",alertname=~"Cilium.+"}`,
		Variables: []Variable{site(),
			{Name: "agent", Label: "Agent of the hub", Metric: `cilium_process_start_time_seconds{job="cilium-agent"}`, Of: "pod"}},
		Rows: []Row{
			{"By site", networkSites()},
			{"Reach and drops of the hub", networkReach()},
			{"Policies of the hub", networkPolicies()},
			{"Maps of the hub", networkMaps()},
			{"Names and connections of the hub", networkFlows()},
			{"Processes of the hub", networkProcesses()},
		},
	}
}

func networkSites() []Panel {
	return []Panel{
		{Kind: Series, Title: "Nodes that a node does not reach", Unit: "short", Width: 8, Bad: 1, Runbook: "cilium-reach",
			Description: "Of the node that is worst off. Ten minutes above 0 open a ticket.",
			Queries:     []Query{bySite(`max by (site) (site:cilium_nodes_unreachable:max{site=~"$site"})`)}},
		{Kind: Series, Title: "Drops", Unit: "pps", Width: 8, Zero: "none", Runbook: "cilium-drops",
			Description: "Packets a second, by reason. Three times those of the day before open a ticket.",
			Queries:     []Query{worst("site:cilium_drops:rate5m", "reason")}},
		{Kind: Series, Title: "Forwarded", Unit: "pps", Width: 8,
			Description: "Packets a second that all agents let through.",
			Queries:     []Query{bySite(`sum by (site) (site:cilium_forwarded:rate5m{site=~"$site"})`)}},
		{Kind: Series, Title: "Maps more than half full", Unit: "percentunit", Width: 12, Bad: 0.75, Max: 1, Zero: "none", Runbook: "cilium-maps",
			Description: "Of services, policies, addresses and translations, on the node where they are fullest. What does not fit is not taken.",
			Queries:     []Query{worst("site:cilium_map:ratio", "map_name")}},
		{Kind: Series, Title: "Connections, of what can be tracked", Unit: "percentunit", Width: 12, Bad: 0.8, Max: 1, Runbook: "cilium-maps",
			Description: "On the fullest node, as of the last round of their collector. A full map forgets open connections.",
			Queries:     []Query{worst("site:cilium_connections:ratio", "protocol")}},
	}
}

func networkReach() []Panel {
	return []Panel{
		{Kind: Series, Title: "Not reached", Unit: "short", Width: 8, Bad: 1, Runbook: "cilium-reach",
			Description: "Nodes, and test endpoints on nodes. Endpoints alone: the tunnel or the routes are broken, the network below is not.",
			Queries: []Query{
				{Expr: `cilium_unreachable_nodes{` + agent + `}`, Legend: "{{node}} nodes"},
				{Expr: `cilium_unreachable_health_endpoints{` + agent + `}`, Legend: "{{node}} endpoints"},
			}},
		{Kind: Series, Title: "Drops, by reason and direction", Unit: "pps", Width: 8, Zero: "none", Runbook: "cilium-drops",
			Description: "As the programs in the kernel count. Policy denied is a policy at work, or one that is missing.",
			Queries:     []Query{{Expr: `sum by (reason, direction) (rate(cilium_drop_count_total{` + agent + `}[$__rate_interval]))`, Legend: "{{reason}} {{direction}}"}}},
		{Kind: Series, Title: "Bytes forwarded", Unit: "binBps", Width: 8,
			Description: "By direction, as a pod or the node sees it.",
			Queries:     []Query{{Expr: `sum by (direction) (rate(cilium_forward_bytes_total{` + agent + `}[$__rate_interval]))`, Legend: "{{direction}}"}}},
		{Kind: Series, Title: "Drops that Hubble saw", Unit: "pps", Width: 12, Zero: "none", Runbook: "cilium-drops",
			Description: "By reason and protocol. Less than the kernel counts: Hubble loses events under load.",
			Queries:     []Query{{Expr: `sum by (reason, protocol) (rate(hubble_drop_total{` + flows + `}[$__rate_interval]))`, Legend: "{{reason}} {{protocol}}"}}},
		{Kind: Series, Title: "Events that Hubble lost", Unit: "short", Width: 12, Zero: "none",
			Description: "A second, by the queue that was full. What is lost is missing in every graph of flows.",
			Queries:     []Query{{Expr: `sum by (source) (rate(hubble_lost_events_total{` + flows + `}[$__rate_interval]))`, Legend: "{{source}}"}}},
	}
}

func networkPolicies() []Panel {
	return []Panel{
		{Kind: Series, Title: "Verdicts", Unit: "pps", Width: 8,
			Description: "What policies decided of new connections, by direction, kind of rule and outcome.",
			Queries: []Query{{Expr: `sum by (direction, match, action) (rate(hubble_policy_verdicts_total{` + flows + `}[$__rate_interval]))`,
				Legend: "{{direction}} {{match}} {{action}}"}}},
		{Kind: Series, Title: "Requests at the proxies", Unit: "reqps", Width: 8,
			Description: "Names asked for and HTTP that policies send through a proxy, by what became of it.",
			Queries:     []Query{{Expr: `sum by (proxy_type, rule) (rate(cilium_policy_l7_total{` + agent + `}[$__rate_interval]))`, Legend: "{{proxy_type}} {{rule}}"}}},
		{Kind: Series, Title: "Pods by policy in force", Unit: "short", Width: 8,
			Description: "Policy is always in force here: none is a pod that it does not reach.",
			Queries:     []Query{{Expr: `sum by (enforcement) (cilium_policy_endpoint_enforcement_status{` + agent + `})`, Legend: "{{enforcement}}"}}},
		{Kind: Series, Title: "Policies loaded", Unit: "short", Width: 8,
			Description: "Of each agent. After a change they are to be alike again within seconds.",
			Queries:     []Query{{Expr: `cilium_policy{` + agent + `}`, Legend: "{{node}}"}}},
		{Kind: Series, Title: "Changes not taken", Unit: "short", Width: 8, Bad: 1, Zero: "none", Runbook: "cilium-policy",
			Description: "Of policies, and of pods' programs, in a quarter of an hour. Each is a ticket.",
			Queries: []Query{
				{Expr: `increase((sum by (node) (cilium_policy_change_total{` + agent + `,outcome!="success"}))[15m:1m])`, Legend: "{{node}} policies"},
				{Expr: `increase((sum by (node) (cilium_endpoint_regenerations_total{` + agent + `,outcome!="success"}))[15m:1m])`, Legend: "{{node}} programs"},
			}},
		{Kind: Series, Title: "Pods by state", Unit: "short", Width: 8,
			Description: "Pods that are not ready for long wait for their programs or their identity.",
			Queries:     []Query{{Expr: `sum by (endpoint_state) (cilium_endpoint_state{` + agent + `})`, Legend: "{{endpoint_state}}"}}},
	}
}

func networkMaps() []Panel {
	const alive = `cilium_datapath_conntrack_gc_entries{` + agent + `,family="ipv4",status="alive"}`
	return []Panel{
		{Kind: Series, Title: "Fullest maps of a node", Unit: "percentunit", Width: 8, Bad: 0.75, Max: 1, Runbook: "cilium-maps",
			Description: "The ten fullest. Sizes stand in cilium-config; a change drops connections for a moment.",
			Queries:     []Query{{Expr: `topk(10, max by (node, map_name) (cilium_bpf_map_pressure{` + agent + `}))`, Legend: "{{node}} {{map_name}}"}}},
		{Kind: Series, Title: "Connections", Unit: "short", Width: 8, Runbook: "cilium-maps",
			Description: "That are tracked, as of the last round of the collector, and how many TCP's map holds.",
			Queries: []Query{
				{Expr: `sum by (node, protocol) (` + alive + `)`, Legend: "{{node}} {{protocol}}"},
				{Expr: `max by (map_group) (cilium_bpf_map_capacity{` + agent + `,map_group=~"cilium_ct.+"})`, Legend: "room in {{map_group}}"},
			}},
		{Kind: Series, Title: "Memory of maps and programs", Unit: "bytes", Width: 8,
			Description: "What the kernel holds for them at most, beside the agent's own memory.",
			Queries: []Query{
				{Expr: `cilium_bpf_maps_virtual_memory_max_bytes{` + agent + `}`, Legend: "{{node}} maps"},
				{Expr: `cilium_bpf_progs_virtual_memory_max_bytes{` + agent + `}`, Legend: "{{node}} programs"},
			}},
		{Kind: Series, Title: "Rounds of the collector", Unit: "short", Width: 12, Runbook: "cilium-maps",
			Description: "Of ended connections, in an hour. One that does not complete is a ticket; few are no fault where little ends.",
			Queries: []Query{{Expr: `sum by (protocol, status) (increase(cilium_datapath_conntrack_gc_runs_total{` + agent + `,family="ipv4"}[1h]))`,
				Legend: "{{protocol}} {{status}}"}}},
		{Kind: Series, Title: "Time of a round", Unit: "s", Width: 12, Runbook: "cilium-maps",
			Description: "The mean of an hour. It grows with the map.",
			Queries: []Query{{Expr: `sum by (node) (increase(cilium_datapath_conntrack_gc_duration_seconds_sum{` + agent + `}[1h]))` +
				` / (sum by (node) (increase(cilium_datapath_conntrack_gc_duration_seconds_count{` + agent + `}[1h])) > 0)`, Legend: "{{node}}"}}},
	}
}

func networkFlows() []Panel {
	return []Panel{
		{Kind: Series, Title: "Names: answers that are no success", Unit: "reqps", Width: 8, Zero: "none",
			Description: "Answers of name servers with an error, by code, where a policy has names go through the proxy.",
			Queries:     []Query{{Expr: `sum by (rcode) (rate(hubble_dns_responses_total{` + flows + `,rcode!="No Error"}[$__rate_interval]))`, Legend: "{{rcode}}"}}},
		{Kind: Series, Title: "TCP: opened, ended, reset", Unit: "pps", Width: 8,
			Description: "Packets with such a flag. Opened without an answer is a server that is away, or a policy on its side.",
			Queries:     []Query{{Expr: `sum by (flag) (rate(hubble_tcp_flags_total{` + flows + `}[$__rate_interval]))`, Legend: "{{flag}}"}}},
		{Kind: Series, Title: "ICMP", Unit: "pps", Width: 8, Zero: "none",
			Description: "By type. Destinations that can't be reached and packets that are too large show here.",
			Queries:     []Query{{Expr: `sum by (type) (rate(hubble_icmp_total{` + flows + `}[$__rate_interval]))`, Legend: "{{type}}"}}},
		{Kind: Series, Title: "Flows", Unit: "ops", Width: 24,
			Description: "That Hubble counted, by protocol and verdict: what its figures above are made of.",
			Queries:     []Query{{Expr: `sum by (protocol, verdict) (rate(hubble_flows_processed_total{` + flows + `}[$__rate_interval]))`, Legend: "{{protocol}} {{verdict}}"}}},
	}
}

func networkProcesses() []Panel {
	return []Panel{
		{Kind: Series, Title: "Memory of agents", Unit: "bytes", Width: 6,
			Description: "Resident memory. It grows with policies, identities and services.",
			Queries:     []Query{{Expr: `cilium_process_resident_memory_bytes{` + agent + `}`, Legend: "{{node}}"}}},
		{Kind: Series, Title: "CPU of agents", Unit: "short", Width: 6,
			Description: "Cores in use. Packets cost none of it: the kernel forwards them.",
			Queries:     []Query{{Expr: `rate(cilium_process_cpu_seconds_total{` + agent + `}[$__rate_interval])`, Legend: "{{node}}"}}},
		{Kind: Series, Title: "Failing controllers", Unit: "short", Width: 6, Bad: 1, Runbook: "cilium-agent",
			Description: "Loops of an agent whose last run failed. For long is a fault; `cilium-dbg status --all-controllers` names them.",
			Queries:     []Query{{Expr: `cilium_controllers_failing{` + agent + `}`, Legend: "{{node}}"}}},
		{Kind: Series, Title: "Nodes that agents know", Unit: "short", Width: 6,
			Description: "Each is to know all of the cluster, itself too.",
			Queries:     []Query{{Expr: `cilium_nodes_all_num{` + agent + `}`, Legend: "{{node}}"}}},
		{Kind: Series, Title: "Memory of operators", Unit: "bytes", Width: 8,
			Description: "Resident memory of each operator.",
			Queries:     []Query{{Expr: `cilium_operator_process_resident_memory_bytes{job="cilium-operator"}`, Legend: "{{pod}}"}}},
		{Kind: Series, Title: "Identities", Unit: "short", Width: 8,
			Description: "That the operator found in its last round, and those that it removed.",
			Queries:     []Query{{Expr: `max by (status) (cilium_operator_identity_gc_entries{job="cilium-operator"})`, Legend: "{{status}}"}}},
		{Kind: Series, Title: "Rounds of the operator that failed", Unit: "short", Width: 8, Zero: "none",
			Description: "Rounds in which identities that are no longer used were to be removed, and endpoints that were left behind.",
			Queries: []Query{
				{Expr: `sum(cilium_operator_identity_gc_runs{job="cilium-operator",outcome!="success"})`, Legend: "identities"},
				{Expr: `sum(increase(cilium_operator_endpoint_gc_objects{job="cilium-operator",outcome!="success"}[1h]))`, Legend: "endpoints, in an hour"},
			}},
	}
}
