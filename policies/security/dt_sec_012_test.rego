package dualtrack.pods.dt_sec_012_test

import data.dualtrack.fixture as fx
import data.dualtrack.pods.dt_sec_012

found(options, facts) := fx.pointers(findings) if {
	spec := {"securityContext": {"seLinuxOptions": options}, "containers": [{"name": "a", "securityContext": {"seLinuxOptions": options}}]}
	findings := dt_sec_012.findings with input as fx.pod(spec) with data.context as facts
}

both(field) := {sprintf("/spec/securityContext/seLinuxOptions/%s", [field]), sprintf("/spec/containers/0/securityContext/seLinuxOptions/%s", [field])}

test_pass_absent if {
	found(null, fx.facts) == set()
	found({}, fx.facts) == set()
	found({"type": null, "user": null, "role": "", "level": "s0"}, fx.facts) == set()
}

test_pass_types if {
	every type in ["", "container_t", "container_init_t", "container_kvm_t"] {
		found({"type": type}, fx.facts) == set()
	}
}

test_fail_type if found({"type": "spc_t"}, fx.facts) == both("type")

test_fail_wrong_type if found({"type": 5}, fx.facts) == both("type")

at_minor(minor) := fx.and_facts({"cluster": {"minor": minor}})

test_fail_engine_too_early if found({"type": "container_engine_t"}, at_minor(30)) == both("type")

test_pass_engine if found({"type": "container_engine_t"}, at_minor(31)) == set()

test_pass_param if found({"type": "mine_t"}, fx.and_facts({"params": {"DT-SEC-012": {"types": ["mine_t"]}}})) == set()

test_fail_user_and_role if found({"user": "u", "role": "r"}, fx.facts) == {f | some field in ["user", "role"]; some f in both(field)}
