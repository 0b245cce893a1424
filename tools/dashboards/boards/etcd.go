package boards

const member = `job="etcd",pod=~"$member"`

// etcd is the store, and what its garbage collector costs.
func etcd() Board {
	return Board{
		UID: "dualtrack-etcd", Title: "etcd",
		Description: "The store of the control plane: its disk, its size, and what garbage collection costs it. GOGC and GOMEMLIMIT are the knobs of `platform tune`.",
		Alerts:      `ALERTS{alertstate="firing",team="platform"}`,
		Variables:   []Variable{{Name: "member", Label: "Member", Metric: `etcd_server_has_leader{job="etcd"}`, Of: "pod"}},
		Rows: []Row{
			{"Is it well", []Panel{
				{Kind: Stat, Title: "Members with a leader", Unit: "short", Width: 6,
					Description: "Fewer than there are: a member is cut off.",
					Queries:     []Query{{Expr: `sum(etcd_server_has_leader{` + member + `})`, Legend: "members"}}},
				{Kind: Stat, Title: "Leader changes, an hour", Unit: "short", Width: 6, Bad: 3, Runbook: "etcd-leader",
					Description: "More than 3 in an hour: the disk or the network is too slow for the heartbeat.",
					Queries:     []Query{{Expr: `max(increase(etcd_server_leader_changes_seen_total{` + member + `}[1h]))`, Legend: "changes"}}},
				{Kind: Stat, Title: "Fullest database", Unit: "percentunit", Width: 6, Warn: 0.8, Bad: 0.95, Runbook: "etcd-quota",
					Description: "Of the quota. At 100 % the API server cannot write.",
					Queries:     []Query{{Expr: `max(etcd_mvcc_db_total_size_in_bytes{` + member + `} / etcd_server_quota_backend_bytes{` + member + `})`, Legend: "of the quota"}}},
				{Kind: Stat, Title: "Longest pause", Unit: "s", Width: 6, Bad: 0.01,
					Description: "Of the last garbage collections. A summary of the Go runtime has no 99th percentile; more than 10 ms is a finding.",
					Queries:     []Query{{Expr: `max(go_gc_duration_seconds{` + member + `,quantile="1"})`, Legend: "longest"}}},
			}},
			{"Garbage collection", etcdMemory()},
			{"Disk", etcdDisk()},
			{"Work", etcdWork()},
		},
	}
}

func etcdMemory() []Panel {
	return []Panel{
		{Kind: Series, Title: "CPU time for garbage", Unit: "percentunit", Width: 8, Bad: 0.25, Runbook: "etcd-gc",
			Description: "Share of a member's CPU time, without what it does while idle. Above a quarter a ticket is opened: a larger GOGC or limit takes it down.",
			Queries:     []Query{{Expr: `site:etcd_gc_cpu:ratio_rate5m{pod=~"$member",site=""}`, Legend: "{{pod}}"}}},
		{Kind: Series, Title: "Garbage collections a minute", Unit: "short", Width: 8,
			Description: "Many short ones are no fault: under load a member does more than a thousand a minute.",
			Queries:     []Query{{Expr: `60 * rate(go_gc_duration_seconds_count{` + member + `}[$__rate_interval])`, Legend: "{{pod}}"}}},
		{Kind: Series, Title: "Longest pause", Unit: "s", Width: 8, Bad: 0.01, Runbook: "etcd-gc",
			Description: "Of the last collections of a member.",
			Queries:     []Query{{Expr: `go_gc_duration_seconds{` + member + `,quantile="1"}`, Legend: "{{pod}}"}}},
		{Kind: Series, Title: "Memory against GOMEMLIMIT", Unit: "percentunit", Width: 8, Bad: 0.9, Max: 1.2, Runbook: "etcd-memory",
			Description: "Resident memory over the limit. At 1 the collector runs ever more often; the limit or the load must change.",
			Queries:     []Query{{Expr: `process_resident_memory_bytes{` + member + `} / (go_gc_gomemlimit_bytes{` + member + `} < 1e15)`, Legend: "{{pod}}"}}},
		{Kind: Series, Title: "Heap: live and next collection", Unit: "bytes", Width: 8,
			Description: "GOGC says how far the heap may grow over what lives before the next collection.",
			Queries: []Query{
				{Expr: `go_memstats_heap_alloc_bytes{` + member + `}`, Legend: "{{pod}} allocated"},
				{Expr: `go_memstats_next_gc_bytes{` + member + `}`, Legend: "{{pod}} next"},
			}},
		{Kind: Series, Title: "Goroutines and watchers", Unit: "short", Width: 8, Runbook: "etcd-growth",
			Description: "Both grow with watches. A line that never falls is a client that leaks them.",
			Queries: []Query{
				{Expr: `go_goroutines{` + member + `}`, Legend: "{{pod}} goroutines"},
				{Expr: `etcd_debugging_mvcc_watcher_total{` + member + `}`, Legend: "{{pod}} watchers"},
			}},
	}
}

func etcdDisk() []Panel {
	p99 := func(histogram string) []Query {
		return []Query{{Expr: `histogram_quantile(0.99, sum by (le, pod) (rate(` + histogram + `_bucket{` + member + `}[$__rate_interval])))`, Legend: "{{pod}}"}}
	}
	return []Panel{
		{Kind: Series, Title: "WAL fsync, 99th percentile", Unit: "s", Width: 8, Bad: 0.1, Runbook: "etcd-disk",
			Description: "Every write waits for it. 10 ms is a good disk; at 100 ms, a heartbeat, followers may take the leader for dead.",
			Queries:     p99("etcd_disk_wal_fsync_duration_seconds")},
		{Kind: Series, Title: "Backend commit, 99th percentile", Unit: "s", Width: 8, Bad: 0.25, Runbook: "etcd-disk",
			Description: "The write of a batch to the database. Batch interval and limit shape it.",
			Queries:     p99("etcd_disk_backend_commit_duration_seconds")},
		{Kind: Series, Title: "Database", Unit: "bytes", Width: 8, Runbook: "etcd-quota",
			Description: "The file, and what of it is in use: a defragmentation gives the difference back.",
			Queries: []Query{
				{Expr: `etcd_mvcc_db_total_size_in_bytes{` + member + `}`, Legend: "{{pod}} file"},
				{Expr: `etcd_mvcc_db_total_size_in_use_in_bytes{` + member + `}`, Legend: "{{pod}} in use"},
			}},
	}
}

func etcdWork() []Panel {
	return []Panel{
		{Kind: Series, Title: "Writes", Unit: "ops", Width: 8,
			Description: "Puts and deletions a second that were applied, and proposals that failed, as without a leader.",
			Queries: []Query{
				{Expr: `rate(etcd_mvcc_put_total{` + member + `}[$__rate_interval])`, Legend: "{{pod}} puts"},
				{Expr: `rate(etcd_mvcc_delete_total{` + member + `}[$__rate_interval])`, Legend: "{{pod}} deletions"},
				{Expr: `rate(etcd_server_proposals_failed_total{` + member + `}[$__rate_interval])`, Legend: "{{pod}} failed"},
			}},
		{Kind: Series, Title: "Proposals that wait", Unit: "short", Width: 8,
			Description: "Writes that are not applied yet. A rising line: the disk cannot follow.",
			Queries:     []Query{{Expr: `etcd_server_proposals_pending{` + member + `}`, Legend: "{{pod}}"}}},
		{Kind: Series, Title: "Keys", Unit: "short", Width: 8,
			Description: "Keys that a member holds.",
			Queries:     []Query{{Expr: `etcd_debugging_mvcc_keys_total{` + member + `}`, Legend: "{{pod}}"}}},
	}
}
