package dualtrack.rules.dt_sup_004_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_sup_004

secret(more) := fx.of(object.union({"apiVersion": "v1", "kind": "Secret", "metadata": fx.meta}, more))

found(more) := fx.pointers(findings) if findings := dt_sup_004.findings with input as secret(more)

sealed := "ENC[AES256_GCM,data:c2VhbGVk,iv:aXY=,tag:dGFn,type:str]"

sops := {"sops": {"mac": "ENC[AES256_GCM,data:bWFj]"}}

test_pass_empty if found({}) == set()

test_pass_null if found({"data": null}) == set()

test_pass_empty_value if found({"data": {"token": ""}, "stringData": {"a": null}}) == set()

test_pass_sops if found(object.union(sops, {"data": {"token": sealed}})) == set()

test_pass_other_kind if count(dt_sup_004.findings) == 0 with input as fx.of({"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "data": {"a": "b"}})

test_pass_other_group if count(dt_sup_004.findings) == 0 with input as fx.of({"apiVersion": "x.example/v1", "kind": "Secret", "data": {"a": "b"}})

test_fail_both_fields if found({"data": {"a/b": "eA=="}, "stringData": {"c": "x"}}) == {"/data/a~1b", "/stringData/c"}

test_fail_token if found({"type": "kubernetes.io/service-account-token", "data": {"token": "eA=="}}) == {"/data/token"}

# The block alone encrypts nothing: every value counts.
test_fail_one_in_clear if found(object.union(sops, {"data": {"a": sealed, "b": "eA=="}})) == {"/data/b"}

test_fail_without_metadata if found({"data": {"a": sealed}}) == {"/sops"}

test_fail_half_sealed if found({"data": {"a": "ENC[AES256_GCM,data:"}}) == {"/data/a"}

test_fail_number if found({"data": {"a": 5}}) == {"/data/a"}

last_applied := "kubectl.kubernetes.io/last-applied-configuration"

annotated(text) := {"metadata": {"annotations": {last_applied: text}}}

test_fail_annotation if found(annotated(`{"data":{"token":"eA=="}}`)) == {"/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"}

test_pass_annotation if found(annotated(`{"data":{}}`)) == set()

test_pass_annotation_of_another_type if found(annotated(5)) == set()

# A message never repeats the value.
test_fail_says_no_value if {
	some f in dt_sup_004.findings with input as secret({"stringData": {"a": "hunter2"}})
	not contains(f.message, "hunter2")
}

test_fail_lost_key_of_each_field if {
	found({"data": {"token": sealed}}) == {"/sops"}
	found({"stringData": {"token": sealed}}) == {"/sops"}
}

applied := {"metadata": {"name": "a", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": `{"data":{"a":"b"}}`}}}

test_fail_annotation_patch if {
	at := "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"
	findings := dt_sup_004.findings with input as fx.of(object.union({"apiVersion": "v1", "kind": "Secret"}, applied))
	{[f.pointer, f.patch] | some f in findings} == {[at, [{"op": "remove", "path": at}]]}
}

# Every finding is of a Secret of the core group alone.
test_pass_whatever_is_no_secret if {
	every doc in [applied, {"data": {"a": sealed}}, {"data": {"a": "b"}}] {
		count(dt_sup_004.findings) == 0 with input as fx.of(object.union({"apiVersion": "v1", "kind": "ConfigMap"}, doc))
		count(dt_sup_004.findings) == 0 with input as fx.of(object.union({"apiVersion": "x.example/v1", "kind": "Secret"}, doc))
	}
}
