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

test_fail_whole if {
	spec := {"containers": [{"name": "a", "securityContext": {"seLinuxOptions": {"type": "spc_t", "user": "u", "role": "r"}}}]}
	findings := dt_sec_012.findings with input as fx.pod(spec) with data.context as fx.facts
	at := "/spec/containers/0/securityContext/seLinuxOptions"
	findings == {
		{"pointer": sprintf("%s/type", [at]), "container": "a", "message": `container "a" sets an SELinux type that Pod Security does not allow`, "patch": [{"op": "remove", "path": sprintf("%s/type", [at])}]},
		{"pointer": sprintf("%s/user", [at]), "container": "a", "message": `container "a" sets the SELinux user`, "patch": [{"op": "remove", "path": sprintf("%s/user", [at])}]},
		{"pointer": sprintf("%s/role", [at]), "container": "a", "message": `container "a" sets the SELinux role`, "patch": [{"op": "remove", "path": sprintf("%s/role", [at])}]},
	}
}

# They are allowed at every version.
test_pass_types_at_any_minor if {
	every type in ["", "container_t", "container_init_t", "container_kvm_t"] {
		found({"type": type}, at_minor(0)) == set()
	}
}

test_pass_defaults if dt_sec_012.meta.params == {"types": []}
