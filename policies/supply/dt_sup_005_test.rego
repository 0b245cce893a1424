package dualtrack.rules.dt_sup_005_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_sup_005

found(doc, facts) := {f.pointer | some f in findings} if {
	findings := dt_sup_005.findings with input as doc with data.context as facts
}

env(name, value) := fx.container({"env": [{"name": name, "value": value}]})

at := "/spec/containers/0/env/0/value"

flagged(name, value) if found(env(name, value), fx.facts) == {at}

clean(name, value) if found(env(name, value), fx.facts) == set()

# Token forms are put together here, so that no scanner takes them for real ones.
thirty_six := "abcdefghijklmnopqrstuvwxyz0123456789"

test_fail_forms if {
	flagged("A", "-----BEGIN EC PRIVATE KEY-----\nMHc\n")
	flagged("A", sprintf("ghp%s%s", ["_", thirty_six]))
	flagged("A", sprintf("gho%s%s", ["_", thirty_six]))
	flagged("A", sprintf("ghs%s%s", ["_", thirty_six]))
	flagged("A", sprintf("github%s%s", ["_pat_", thirty_six]))
	flagged("A", sprintf("glpat%s%s", ["-", substring(thirty_six, 0, 20)]))
	flagged("A", sprintf("xoxb%s%s", ["-", thirty_six]))
	flagged("A", sprintf("sk%s%s", ["_live_", thirty_six]))
	flagged("A", sprintf("AIza%s", [substring(thirty_six, 0, 35)]))
	flagged("A", sprintf("npm%s%s", ["_", thirty_six]))
	flagged("A", sprintf("eyJ%s.eyJ%s.%s", [thirty_six, thirty_six, thirty_six]))
	flagged("A", sprintf("AWS_SECRET_ACCESS_KEY=%s+/aB", [thirty_six]))
	flagged("A", sprintf("aws = %s+/aB", [thirty_six]))
}

# A key in the middle of another value is one, too.
test_fail_url if {
	flagged("DB_URL", "postgres://shop:hunter2@db.example/orders")
	flagged("DB_URL", "say redis://:hunter2@cache.example")
}

test_pass_url if {
	clean("DB_URL", "postgres://db.example:5432/orders")
	clean("DB_URL", "postgres://shop:$(PASSWORD)@db.example/orders")
	clean("DB_URL", "https://shop@db.example/a:b@c")
}

test_fail_names if {
	flagged("DB_PASSWORD", "hunter2")
	flagged("authToken", "hunter2")
	flagged("api-key", "hunter2")
	flagged("SECRET", "hunter2")
}

test_pass_names if {
	clean("PASSWORD_FILE", "hunter2")
	clean("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
	clean("SECRET_NAME", "shop-tls")
	clean("TOKENIZER", "sentence")
	clean("MONKEY", "hunter2")
}

test_pass_values if {
	every value in ["", "true", "off", "3600", "30s", "/var/run/secret", "./a-file", "https://issuer.example", "$(OTHER_SECRET)", "${OTHER_SECRET}", "{{ .password }}", "aaaa"] {
		clean("PASSWORD", value)
	}
}

# What is read from elsewhere is the mend, not the fault.
test_pass_from if {
	doc := fx.container({
		"env": [{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}, {"name": "TOKEN", "value": null}, "odd"],
		"envFrom": [{"secretRef": {"name": "a"}}],
	})
	found(doc, fx.facts) == set()
}

test_fail_args if {
	doc := fx.container({"command": ["server", "--db-password=hunter2"], "args": ["--token", "hunter2", "--token-file=/t", "--verbose"]})
	found(doc, fx.facts) == {"/spec/containers/0/command/1", "/spec/containers/0/args/0"}
}

test_fail_word if {
	doc := fx.container({"args": [sprintf("ghp%s%s", ["_", thirty_six])]})
	found(doc, fx.facts) == {"/spec/containers/0/args/0"}
}

config(data_of) := fx.of({"apiVersion": "v1", "kind": "ConfigMap", "metadata": fx.meta, "data": data_of})

test_fail_config_map if found(config({"password": "hunter2", "a/b": "-----BEGIN PRIVATE KEY-----\n", "c": "d", "n": 5}), fx.facts) == {"/data/password", "/data/a~1b"}

test_pass_config_map if found(config({"password": "a: b\nc: d\n", "token.yaml": "first line\nsecond"}), fx.facts) == set()

# A Secret is for DT-SUP-004.
test_pass_secret if found(fx.of({"apiVersion": "v1", "kind": "Secret", "data": {"password": "hunter2"}}), fx.facts) == set()

test_pass_param if {
	set := {"params": {"DT-SUP-005": {"nameRe": "^X$", "allowRe": [], "minDistinct": 1}}}
	found(env("PASSWORD", "hunter2"), fx.and_facts(set)) == set()
	found(env("X", "aaaa"), fx.and_facts(set)) == {at}
}

test_fail_message_tells_no_value if {
	findings := dt_sup_005.findings with input as env("PASSWORD", "hunter2") with data.context as fx.facts
	{f.message | some f in findings} == {`variable "PASSWORD" of container "a" is named like a credential and holds a literal value`}
}

test_pass_each_allowed_name if {
	every suffix in ["FILE", "PATH", "NAME", "DIR", "ID", "URL", "URI", "REF", "TTL", "TIMEOUT"] {
		clean(sprintf("TOKEN_%s", [suffix]), "hunter2")
		flagged(sprintf("TOKEN_%s_A", [suffix]), "hunter2")
	}
}

test_fail_five_letters if flagged("PASSWORD", "abcde")

test_pass_four_letters if clean("PASSWORD", "abcdabcd")

test_fail_aws_in_any_case if flagged("A", sprintf("my Aws key: %s+/aB", [thirty_six]))

test_pass_aws if {
	clean("A", "AWS")
	clean("A", "aws eu-central-1")
	clean("A", sprintf("%s+/aB", [thirty_six]))
}

all_of(doc, facts) := findings if {
	findings := dt_sup_005.findings with input as doc with data.context as facts
}

token := sprintf("ghp%s%s", ["_", thirty_six])

held(pointer, container, what) := {"pointer": pointer, "container": container, "message": sprintf("%s holds what looks like a credential", [what])}

called(pointer, container, what) := {"pointer": pointer, "container": container, "message": sprintf("%s is named like a credential and holds a literal value", [what])}

# What looks like a credential is not said to be named like one, too.
test_fail_whole if {
	all_of(env("PASSWORD", "hunter2"), fx.facts) == {called(at, "a", `variable "PASSWORD" of container "a"`)}
	all_of(env("PASSWORD", token), fx.facts) == {held(at, "a", `variable "PASSWORD" of container "a"`)}
	all_of(fx.container({"env": [{"value": token}]}), fx.facts) == {held(at, "a", `variable "" of container "a"`)}
	all_of(config({"a": token, "password": "hunter2"}), fx.facts) == {
		held("/data/a", "", `key "a"`),
		called("/data/password", "", `key "password"`),
	}
}

test_fail_whole_arguments if {
	flag := sprintf("--a=%s", [token])
	word := sprintf("a -- %s", [token])
	all_of(fx.container({"args": [flag, word, "--db-password=hunter2"]}), fx.facts) == {
		held("/spec/containers/0/args/0", "a", `argument --a of container "a"`),
		held("/spec/containers/0/args/1", "a", `an argument of container "a"`),
		called("/spec/containers/0/args/2", "a", `argument --db-password of container "a"`),
	}
}

# What has no name is not called anything, whatever names the parameter gives.
test_pass_no_name if {
	doc := fx.container({"env": [{"value": "hunter2"}], "args": ["hunter2"]})
	every form in ["", "^_?$"] {
		all_of(doc, fx.and_facts({"params": {"DT-SUP-005": {"nameRe": form}}})) == set()
	}
}

test_pass_underscore if {
	named := fx.and_facts({"params": {"DT-SUP-005": {"nameRe": "^_$"}}})
	all_of(env("_", "hunter2"), named) == {called(at, "a", `variable "_" of container "a"`)}
}

test_pass_config_map_of_another_group if found(fx.of({"apiVersion": "x.example/v1", "kind": "ConfigMap", "data": {"password": "hunter2"}}), fx.facts) == set()
