package dualtrack.pods.dt_sec_011_test

import data.dualtrack.fixture as fx
import data.dualtrack.pods.dt_sec_011

at_minor(minor) := fx.and_facts({"cluster": {"minor": minor}})

annotated(profile) := fx.deployment({"template": {
	"metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/a": profile, "other": "unconfined"}},
	"spec": {"containers": [{"name": "a"}]},
}})

found(doc, minor) := {[f.pointer, object.get(f, "severity", "error")] | some f in findings} if {
	findings := dt_sec_011.findings with input as doc with data.context as at_minor(minor)
}

at := "/spec/template/metadata/annotations/container.apparmor.security.beta.kubernetes.io~1a"

test_pass_allowed if {
	every profile in ["", "runtime/default", "localhost/mine"] {
		found(annotated(profile), 28) == set()
	}
}

test_fail_unconfined if found(annotated("unconfined"), 28) == {[at, "error"]}

test_fail_wrong_type if found(annotated(5), 28) == {[at, "error"]}

test_fail_near_miss if found(annotated("runtime/default2"), 28) == {[at, "error"]}

# On a pod the annotation stands beside its name.
test_fail_pod if {
	o := {"apiVersion": "v1", "kind": "Pod", "metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/a": "unconfined"}}, "spec": {}}
	found(fx.of(o), 28) == {["/metadata/annotations/container.apparmor.security.beta.kubernetes.io~1a", "error"]}
}

field(profile) := fx.pod({"securityContext": {"appArmorProfile": profile}, "containers": [{"name": "a", "securityContext": {"appArmorProfile": profile}}]})

of_pod := "/spec/securityContext/appArmorProfile"

of_a := "/spec/containers/0/securityContext/appArmorProfile"

test_fail_field_before_its_time if found(field({"type": "RuntimeDefault"}), 29) == {[of_pod, "warning"], [of_a, "warning"]}

test_pass_field if {
	found(field({"type": "RuntimeDefault"}), 30) == set()
	found(field({"type": "Localhost"}), 30) == set()
	found(field(null), 28) == set()
	found(field(null), 30) == set()
}

test_fail_field_unconfined if found(field({"type": "Unconfined"}), 30) == {[sprintf("%s/type", [of_pod]), "error"], [sprintf("%s/type", [of_a]), "error"]}

test_fail_field_odd if count(found(field("odd"), 30)) == 2

all_of(doc, minor) := findings if {
	findings := dt_sec_011.findings with input as doc with data.context as at_minor(minor)
}

removed(path) := [{"op": "remove", "path": path}]

test_fail_whole if {
	all_of(annotated("unconfined"), 28) == {{"pointer": at, "container": "a", "message": `the AppArmor profile of container "a" is none that Pod Security allows`, "patch": removed(at)}}
	all_of(field({"type": "RuntimeDefault"}), 29) == {
		{"pointer": of_pod, "container": "", "severity": "warning", "message": "appArmorProfile of the pod has no effect before Kubernetes 1.30", "mend": "remove it, or write the annotation", "patch": removed(of_pod)},
		{"pointer": of_a, "container": "a", "severity": "warning", "message": `appArmorProfile of container "a" has no effect before Kubernetes 1.30`, "mend": "remove it, or write the annotation", "patch": removed(of_a)},
	}
	all_of(field({"type": "Unconfined"}), 30) == {
		{"pointer": sprintf("%s/type", [of_pod]), "container": "", "message": "the AppArmor profile of the pod is neither RuntimeDefault nor Localhost", "patch": removed(of_pod)},
		{"pointer": sprintf("%s/type", [of_a]), "container": "a", "message": `the AppArmor profile of container "a" is neither RuntimeDefault nor Localhost`, "patch": removed(of_a)},
	}
}

test_fail_localhost_within if found(annotated("not-localhost/mine"), 28) == {[at, "error"]}

test_pass_other_annotation if {
	doc := fx.deployment({"template": {"metadata": {"annotations": {"x.container.apparmor.security.beta.kubernetes.io/a": "unconfined"}}, "spec": {}}})
	found(doc, 28) == set()
}

# Before 1.30 the field is read by nobody, whatever it says.
test_fail_field_unconfined_before_its_time if found(field({"type": "Unconfined"}), 29) == {[of_pod, "warning"], [of_a, "warning"]}

test_fail_field_without_type if count(found(field({}), 30)) == 2
