package dualtrack.rules.dt_obs_004_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_obs_004

sound := {
	"processors": {"tail_sampling": {
		"decision_wait": "10s", "num_traces": 15000, "expected_new_traces_per_sec": 1000,
		"policies": [{"name": "order", "type": "string_attribute", "string_attribute": {"key": "http.route", "values": ["/order/submit"]}}],
	}},
	"exporters": {"otlp_http/hub": {"sending_queue": {"enabled": true, "sizer": "items", "queue_size": 1000}}, "debug": {}},
	"service": {"pipelines": {
		"traces": {"processors": ["memory_limiter", "tail_sampling"], "exporters": ["otlp_http/hub", "debug"]},
		"logs": {"processors": ["probabilistic_sampler"], "exporters": ["otlp_http/logs"]},
	}},
}

found(changed) := of(object.union(sound, changed))

of(config) := said if {
	o := {"apiVersion": "v1", "kind": "ConfigMap", "metadata": fx.meta}
	holding := object.union(fx.of(o), {"collectors": [{"pointer": "/data/g.yaml", "object": config}]})
	said := {[f.pointer, f.message] | some f in dt_obs_004.findings} with input as holding with data.context as fx.facts
}

sampler(changed) := found({"processors": {"tail_sampling": changed}})

policy(p) := sampler({"policies": [object.union({"name": "p"}, p)]})

exporter(e) := found({"exporters": {"otlp_http/hub": {"sending_queue": e}}})

one(findings, words) if {
	count(findings) == 1
	some f in findings
	f[0] == "/data/g.yaml"
	contains(f[1], words)
}

test_pass_sound if found({}) == set()

test_pass_no_sampler if of({"processors": {"batch": {}}, "service": {}}) == set()

test_pass_odd_parts if of({"processors": {"tail_sampling": 3}, "service": {"pipelines": {"traces": "tail_sampling", "logs": {"processors": [3]}}}}) == set()

test_pass_none if {
	count(dt_obs_004.findings) == 0 with input as fx.of({"apiVersion": "v1", "kind": "ConfigMap"}) with data.context as fx.facts
}

test_pass_queue_of_bytes if exporter({"sizer": "bytes"}) == set()

test_fail_queue_of_requests if one(exporter({"sizer": "requests"}), "otlp_http/hub waits in a queue")

test_fail_queue_off if one(exporter({"enabled": false}), "otlp_http/hub waits in a queue")

# Without a word the queue counts requests.
test_fail_queue_unsaid if one(found({"service": {"pipelines": {"traces": {"exporters": ["otlp"]}}}}), "otlp waits in a queue")

test_fail_drawn_too if one(
	found({"service": {"pipelines": {"traces": {"processors": ["probabilistic_sampler/a", "tail_sampling"]}}}}),
	"draws spans with probabilistic_sampler/a",
)

test_fail_second_sampler if one(
	found({"processors": {"tail_sampling/b": {"expected_new_traces_per_sec": 1, "block_on_overflow": true}}}),
	"tail_sampling/b blocks on overflow",
)

test_pass_not_blocking if sampler({"block_on_overflow": false}) == set()

test_fail_nanoseconds if one(sampler({"decision_wait": 10}), "the number 10, which are nanoseconds")

test_fail_nothing_expected if one(sampler({"expected_new_traces_per_sec": 0}), "does not say how many")

test_fail_no_room if one(sampler({"num_traces": 14999}), "room for 14999 traces, and 10000 come")

test_fail_minutes if one(sampler({"decision_wait": "1m"}), "room for 15000 traces, and 60000 come")

test_unknown_other_units if {
	every odd in ["1m30s", "500ms", "soon"] {
		one(sampler({"decision_wait": odd}), "not judged against num_traces")
	}
}

# By itself a sampler waits 30 seconds and has room for 50,000.
test_fail_default_room if one(
	found({"processors": {"tail_sampling/b": {"expected_new_traces_per_sec": 1112}}}),
	"room for 50000 traces, and 33360 come",
)

test_pass_default_room if found({"processors": {"tail_sampling/b": {"expected_new_traces_per_sec": 1111}}}) == set()

test_fail_inverted if {
	every field in ["string_attribute", "numeric_attribute", "boolean_attribute"] {
		one(policy({"type": field, field: {"key": "k", "invert_match": true}}), "policy \"p\" inverts its match")
	}
}

test_pass_inverted_below_and if policy({"type": "and", "and": {"and_sub_policy": [{"string_attribute": {"invert_match": true}}]}}) == set()

test_fail_no_end if one(policy({"string_attribute": {"enabled_regex_matching": true, "values": ["^/order/submit", "^/a$"]}}), "\"^/order/submit\" has no begin or no end")

test_fail_no_begin if one(policy({"string_attribute": {"enabled_regex_matching": true, "values": ["/order/submit$"]}}), "has no begin or no end")

test_pass_whole if policy({"string_attribute": {"enabled_regex_matching": true, "values": ["^/order/submit$"]}}) == set()

test_pass_no_expression if policy({"string_attribute": {"enabled_regex_matching": false, "values": ["/order"]}}) == set()

test_fail_composite if one(policy({"type": "composite"}), "bounds spans a second")

test_pass_odd_policy if sampler({"policies": ["odd"]}) == set()

test_fail_each_exporter if {
	every kind in ["otlp", "otlp_grpc", "otlphttp", "otlp_http"] {
		one(found({"service": {"pipelines": {"traces": {"exporters": [kind]}}}}), "waits in a queue")
	}
}

test_pass_queue_enabled_unsaid if found({
	"exporters": {"otlp/b": {"sending_queue": {"sizer": "items"}}},
	"service": {"pipelines": {"traces": {"exporters": ["otlp/b"]}}},
}) == set()

test_fail_expected_unsaid if one(found({"processors": {"tail_sampling/b": {"decision_wait": "10s"}}}), "tail_sampling/b does not say how many")

test_pass_odd_numbers if {
	sampler({"expected_new_traces_per_sec": "many"}) == set()
	sampler({"num_traces": "many"}) == set()
}

test_fail_no_name if one(sampler({"policies": [{"type": "composite"}]}), `policy "" is composite`)

test_unknown_result if {
	config := object.union(sound, {"processors": {"tail_sampling": {"decision_wait": "soon"}}})
	holding := object.union(fx.of({"apiVersion": "v1", "kind": "ConfigMap"}), {"collectors": [{"pointer": "/data/g.yaml", "object": config}]})
	findings := dt_obs_004.findings with input as holding with data.context as fx.facts
	fx.results(findings) == {"unknown"}
}
