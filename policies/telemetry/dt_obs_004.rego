package dualtrack.rules.dt_obs_004

import data.dualtrack.object as obj

meta := {
	"id": "DT-OBS-004",
	"title": "Sampler that loses or keeps other traces than it says",
	"severity": "error",
	"profile": "fleet",
	"why": "The collector takes each of these settings without a word, and traces that must be kept are dropped, or all are kept.",
	"mend": "change the setting that the finding names; components/otel/README.md says why it is as it is",
	"refs": [],
}

# configurations are the collectors' in a ConfigMap, by pointer.
configurations[c.pointer] := c.object if {
	input.kind == "ConfigMap"
	some c in input.collectors
}

kind_of(name) := split(obj.text(name), "/")[0]

samplers contains {"pointer": pointer, "name": name, "of": sampler} if {
	some pointer, c in configurations
	some name, sampler in obj.member(c, "processors")
	kind_of(name) == "tail_sampling"
	is_object(sampler)
}

# sampling are the pipelines that have a sampler of whole traces.
sampling contains {"pointer": pointer, "name": name, "of": pipeline} if {
	some pointer, c in configurations
	some name, pipeline in obj.member(c, ["service", "pipelines"])
	some processor in obj.items(pipeline, "processors")
	kind_of(processor) == "tail_sampling"
}

findings contains {
	"pointer": p.pointer,
	"message": sprintf("%s waits in a queue that does not count spans, and the sampler hands on each trace as a request of its own", [name]),
	"mend": "set sizer: items in its sending_queue, and a queue_size of spans",
} if {
	input.kind == "ConfigMap"
	some p in sampling
	some name in obj.items(p.of, "exporters")
	kind_of(name) in {"otlp", "otlp_grpc", "otlphttp", "otlp_http"}
	queue := obj.member(configurations[p.pointer], ["exporters", name, "sending_queue"])
	not counted(queue)
}

counted(queue) if {
	queue.sizer in {"items", "bytes"}
	object.get(queue, "enabled", true) != false
}

findings contains {
	"pointer": p.pointer,
	"message": sprintf("pipeline %s draws spans with %s beside a sampler of whole traces: traces come in part", [p.name, name]),
	"mend": "leave the draw to a probabilistic policy of tail_sampling",
} if {
	input.kind == "ConfigMap"
	some p in sampling
	some name in obj.items(p.of, "processors")
	kind_of(name) == "probabilistic_sampler"
}

findings contains {
	"pointer": s.pointer,
	"message": sprintf("%s blocks on overflow: the collector takes nothing more, and does not end when it is asked to", [s.name]),
	"mend": "remove block_on_overflow and give num_traces room",
} if {
	input.kind == "ConfigMap"
	some s in samplers
	object.get(s.of, "block_on_overflow", false) == true
}

wait(s) := object.get(s.of, "decision_wait", "30s")

traces(s) := object.get(s.of, "num_traces", 50000)

expected(s) := object.get(s.of, "expected_new_traces_per_sec", 0)

findings contains {
	"pointer": s.pointer,
	"message": sprintf("decision_wait of %s is the number %v, which are nanoseconds", [s.name, wait(s)]),
	"mend": "write a unit: 10s",
} if {
	input.kind == "ConfigMap"
	some s in samplers
	is_number(wait(s))
}

findings contains {
	"pointer": s.pointer,
	"message": sprintf("%s does not say how many new traces it expects, so nobody knows whether num_traces holds them", [s.name]),
	"mend": "set expected_new_traces_per_sec to the peak",
} if {
	input.kind == "ConfigMap"
	some s in samplers
	expected(s) == 0
}

seconds(text) := to_number(trim_suffix(text, "s")) if regex.match(`^[0-9]{1,6}s$`, obj.text(text))

seconds(text) := 60 * to_number(trim_suffix(text, "m")) if regex.match(`^[0-9]{1,4}m$`, obj.text(text))

findings contains {
	"pointer": s.pointer,
	"message": sprintf("%s waits %v for its decision, which is not judged against num_traces", [s.name, wait(s)]),
	"mend": "write whole seconds: 10s",
	"result": "unknown",
} if {
	input.kind == "ConfigMap"
	some s in samplers
	not is_number(wait(s))
	not seconds(wait(s))
}

# Half as much again, since a burst counts at its full rate.
findings contains {
	"pointer": s.pointer,
	"message": sprintf("%s has room for %v traces, and %v come within decision_wait: traces are dropped undecided", [s.name, traces(s), due]),
	"mend": "set num_traces to one and a half times expected_new_traces_per_sec by decision_wait",
} if {
	input.kind == "ConfigMap"
	some s in samplers
	is_number(expected(s))
	is_number(traces(s))
	due := expected(s) * seconds(wait(s))
	traces(s) * 2 < due * 3
}

votes contains {"pointer": s.pointer, "of": policy, "name": object.get(policy, "name", "")} if {
	some s in samplers
	some policy in obj.items(s.of, "policies")
	is_object(policy)
}

findings contains {
	"pointer": v.pointer,
	"message": sprintf("policy %q inverts its match, which is a vote to keep everything else", [v.name]),
	"mend": "name what is kept; an inverted match has its place below a policy of type and",
} if {
	input.kind == "ConfigMap"
	some v in votes
	some field in ["string_attribute", "numeric_attribute", "boolean_attribute"]
	object.get(v.of, [field, "invert_match"], false) == true
}

findings contains {
	"pointer": v.pointer,
	"message": sprintf("policy %q: the expression %q has no begin or no end, so it matches longer values too", [v.name, value]),
	"mend": "write it between ^ and $, or as an exact value",
} if {
	input.kind == "ConfigMap"
	some v in votes
	match := obj.member(v.of, "string_attribute")
	object.get(match, "enabled_regex_matching", false) == true
	some value in obj.items(match, "values")
	not whole(value)
}

whole(value) if regex.match(`^\^.*\$$`, obj.text(value))

findings contains {
	"pointer": v.pointer,
	"message": sprintf("policy %q is composite, which bounds spans a second and drops the rest of whatever kind", [v.name]),
	"mend": "write a policy for each kind, and probabilistic for the rest",
} if {
	input.kind == "ConfigMap"
	some v in votes
	object.get(v.of, "type", "") == "composite"
}
