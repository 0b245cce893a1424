package dualtrack.programs.dt_cpl_003_test

import data.dualtrack.fixture as fx
import data.dualtrack.programs.dt_cpl_003

found(doc) := {f.pointer | some f in findings} if {
	findings := dt_cpl_003.findings with input as doc with data.context as fx.facts
}

cluster(kubernetes) := fx.of({"apiVersion": "platform.dualtrack.internal/v1alpha1", "kind": "Cluster", "metadata": {"name": "hub"}, "spec": {"kubernetes": kubernetes}})

test_pass_cluster if {
	found(cluster({})) == set()
	found(cluster({"encryptSecrets": true})) == set()
}

test_fail_cluster if found(cluster({"encryptSecrets": false})) == {"/spec/kubernetes/encryptSecrets"}

kubeadm(args) := fx.of({"apiVersion": "kubeadm.k8s.io/v1beta3", "kind": "ClusterConfiguration", "apiServer": {"extraArgs": args}})

test_pass_flag if found(kubeadm({"encryption-provider-config": "/e"})) == set()

test_fail_flag if found(kubeadm({})) == {"/apiServer/extraArgs"}

test_fail_static if found(fx.pod({"containers": [{"name": "a", "command": ["kube-apiserver"]}]})) == {"/spec/containers/0"}

test_pass_static if found(fx.pod({"containers": [{"name": "a", "command": ["kube-apiserver", "--encryption-provider-config=/e"]}]})) == set()

config(entries) := fx.of({"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration", "resources": entries})

entry(resources, providers) := {"resources": resources, "providers": providers}

kms := {"kms": {"apiVersion": "v2", "name": "a", "endpoint": "unix:///k"}}

identity := {"identity": {}}

test_pass_config if {
	found(config([entry(["secrets"], [kms, identity])])) == set()
	found(config([entry(["configmaps"], [identity]), entry(["*.*"], [kms])])) == set()
	found(config([entry(["*."], [kms]), entry(["secrets"], [identity])])) == set()
}

test_fail_identity_first if {
	found(config([entry(["secrets"], [identity, kms])])) == {"/resources/0/providers/0"}
	found(config([entry(["events"], [kms]), entry(["secrets"], [identity])])) == {"/resources/1/providers/0"}
}

test_fail_no_secrets if {
	found(config([entry(["configmaps"], [kms])])) == {"/resources"}
	found(config([])) == {"/resources"}
	found(config(["odd"])) == {"/resources"}
}

keyed(provider, key) := config([entry(["secrets"], [{provider: {"keys": [{"name": "a", "secret": key}, "odd"]}}])])

test_fail_key if {
	every provider in ["aescbc", "aesgcm", "secretbox"] {
		found(keyed(provider, "c2VjcmV0")) == {sprintf("/resources/0/providers/0/%s/keys/0/secret", [provider])}
	}
	found(keyed("aescbc", 5)) == {"/resources/0/providers/0/aescbc/keys/0/secret"}
}

test_pass_key if {
	found(keyed("aescbc", "")) == set()
	found(keyed("aescbc", null)) == set()
	found(keyed("aescbc", "ENC[AES256_GCM,data:x]")) == set()
}

test_fail_message_tells_no_key if {
	findings := dt_cpl_003.findings with input as keyed("secretbox", "c2VjcmV0") with data.context as fx.facts
	{f.message | some f in findings} == {"the key of provider secretbox stands in clear"}
}

test_fail_nested if {
	nested := [{"pointer": "/data/e.yaml", "object": {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration", "resources": []}}]
	found(object.union(fx.of({"apiVersion": "v1", "kind": "ConfigMap"}), {"nested": nested})) == {"/data/e.yaml"}
}

told(doc) := findings if {
	findings := dt_cpl_003.findings with input as doc with data.context as fx.facts
}

test_pass_other_kind if found(object.union(cluster({"encryptSecrets": false}), {"kind": "Fleet"})) == set()

test_fail_findings if {
	told(cluster({"encryptSecrets": false})) == {{
		"pointer": "/spec/kubernetes/encryptSecrets",
		"message": "the cluster keeps its Secrets in clear",
		"mend": "set spec.kubernetes.encryptSecrets to true",
	}}
	told(fx.container({"name": "server", "command": ["kube-apiserver"]})) == {{
		"pointer": "/spec/containers/0",
		"container": "server",
		"message": "the API server has no encryption-provider-config, so it keeps Secrets in clear",
		"mend": "set encryption-provider-config",
	}}
	told(config([entry(["secrets"], [identity])])) == {{
		"pointer": "/resources/0/providers/0",
		"message": "Secrets are written in clear: the first provider is identity",
		"mend": "put another provider first; identity after it still reads what was written before",
	}}
	told(config([])) == {{
		"pointer": "/resources",
		"message": "Secrets are written in clear: no entry names them",
		"mend": "add secrets to the resources of an entry",
	}}
	told(keyed("aesgcm", "c2VjcmV0")) == {{
		"pointer": "/resources/0/providers/0/aesgcm/keys/0/secret",
		"message": "the key of provider aesgcm stands in clear",
		"mend": "let the provider of the cluster make the key, or use a KMS; this key is known: replace it",
	}}
}

test_pass_odd_provider if found(config([entry(["secrets"], ["odd"])])) == set()

test_pass_no_key if found(config([entry(["secrets"], [{"aescbc": {"keys": [{"name": "a"}]}}])])) == set()

test_fail_key_not_encrypted if found(keyed("aescbc", "see ENC[")) == {"/resources/0/providers/0/aescbc/keys/0/secret"}
