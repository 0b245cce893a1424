package dualtrack.pods.dt_sec_014_test

import data.dualtrack.fixture as fx
import data.dualtrack.pods.dt_sec_014

found(sysctls, facts) := fx.pointers(findings) if {
	findings := dt_sec_014.findings with input as fx.pod({"securityContext": {"sysctls": sysctls}, "containers": []}) with data.context as facts
}

at_minor(minor) := fx.and_facts({"cluster": {"minor": minor}})

named(name) := [{"name": name, "value": "1"}]

at := "/spec/securityContext/sysctls/0/name"

test_pass_none if {
	found(null, fx.facts) == set()
	found([], fx.facts) == set()
}

test_pass_safe if {
	every name in ["kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start"] {
		found(named(name), at_minor(20)) == set()
	}
}

test_fail_unsafe if found(named("kernel.msgmax"), fx.facts) == {at}

# What is safe depends on the version.
test_fail_reserved_ports_before_27 if found(named("net.ipv4.ip_local_reserved_ports"), at_minor(26)) == {at}

test_pass_reserved_ports if found(named("net.ipv4.ip_local_reserved_ports"), at_minor(27)) == set()

test_fail_keepalive_at_28 if {
	every name in ["net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes"] {
		found(named(name), at_minor(28)) == {at}
		found(named(name), at_minor(29)) == set()
	}
}

test_fail_buffers_at_31 if {
	every name in ["net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"] {
		found(named(name), at_minor(31)) == {at}
		found(named(name), at_minor(32)) == set()
	}
}

test_fail_nameless if found([{"value": "1"}, "odd"], fx.facts) == {at, "/spec/securityContext/sysctls/1/name"}

test_pass_param if found(named("net.core.somaxconn"), fx.and_facts({"params": {"DT-SEC-014": {"extra": ["net.core.somaxconn"]}}})) == set()

test_fail_whole if {
	findings := dt_sec_014.findings with input as fx.pod({"securityContext": {"sysctls": named("kernel.msgmax")}}) with data.context as at_minor(31)
	findings == {{
		"pointer": at,
		"message": `the pod sets "kernel.msgmax", which is not safe at Kubernetes 1.31`,
		"patch": [{"op": "remove", "path": "/spec/securityContext/sysctls/0"}],
	}}
}

# They are safe at every version.
test_pass_safe_at_any_minor if {
	every name in ["kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start"] {
		found(named(name), at_minor(0)) == set()
	}
}

test_fail_nameless_message if {
	findings := dt_sec_014.findings with input as fx.pod({"securityContext": {"sysctls": [{"value": "1"}]}}) with data.context as at_minor(31)
	{f.message | some f in findings} == {`the pod sets "", which is not safe at Kubernetes 1.31`}
}

test_pass_defaults if dt_sec_014.meta.params == {"extra": []}
