package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

const kubeletHead = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"

// pinned is what the catalog accepts for a machine of 4 CPUs and 8 GiB.
const pinned = kubeletHead + `cpuManagerPolicy: static
topologyManagerPolicy: single-numa-node
memoryManagerPolicy: Static
reservedSystemCPUs: "0"
kubeReserved: {memory: 924Mi}
evictionHard: {memory.available: 100Mi, nodefs.available: 10%}
reservedMemory:
  - {numaNode: 0, limits: {memory: 1Gi}}
`

// TestJudge says what is refused, and in whose words.
func TestJudge(t *testing.T) {
	t.Parallel()
	const admission = "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n  - name: PodSecurity\n    configuration:\n" +
		"      apiVersion: pod-security.admission.config.k8s.io/v1\n      kind: PodSecurityConfiguration\n      defaults: {enforce: baseline, enforce-version: latest}\n"
	const audit = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n"
	const encryption = "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n  - resources: [secrets]\n" +
		"    providers: [{secretbox: {keys: [{name: a, secret: QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoyMzQ1Njc=}]}}]\n"
	machine := []string{"--cpus=4", "--memory=8589934592"}
	for _, c := range []struct {
		name, text string
		args       []string
		want       string // a part of what is accepted, or after ! of the problem
	}{
		{"a kubelet", kubeletHead, nil, "KubeletConfiguration"},
		{"one with CPUs and memory of their own", pinned, machine, "KubeletConfiguration on 4 CPUs, 8Gi, 1 NUMA"},
		{"beside kubeadm's", "apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\n---\n" + pinned, machine, "on 4 CPUs"},
		{"a misspelt field", kubeletHead + "cpuManagerPolicies: static\n", nil, "!unknown field \"cpuManagerPolicies\""},
		{"a field twice", kubeletHead + "maxPods: 1\nmaxPods: 2\n", nil, "!maxPods"},
		{"a wrong value", kubeletHead + "topologyManagerPolicy: single\n", nil, "!topologyManagerPolicy"},
		{"a gate that is not", kubeletHead + "featureGates: {NoSuch: true}\n", nil, "!NoSuch"},
		{"static CPUs and none kept", kubeletHead + "cpuManagerPolicy: static\n", machine, "!CPU manager: [cpumanager]"},
		{"a CPU that is not there", strings.Replace(pinned, `"0"`, `"4"`, 1), machine, "!no CPU 4"},
		{"a sum that is not right", strings.Replace(pinned, "924Mi", "925Mi", 1), machine, "!memory manager: the total amount"},
		{"a NUMA node that is not there", strings.Replace(pinned, "numaNode: 0", "numaNode: 1", 1), machine, "!NUMA node 1 that does not exist"},
		{"more than there is", kubeletHead + "kubeReserved: {memory: 8Gi}\n", machine, "!pods would get none"},
		{"no machine", pinned, []string{"--cpus=0", "--memory=1"}, "!no machine has 0 CPUs"},
		{"admission", admission, nil, "AdmissionConfiguration of 1 plugin"},
		{"a level that is not", strings.Replace(admission, "enforce: baseline", "enforce: base", 1), nil, "!PodSecurity"},
		{"a misspelt default", strings.Replace(admission, "enforce:", "enforced:", 1), nil, "!enforced"},
		{"audit", audit, nil, "audit Policy of 1 rules"},
		{"an audit field that would be dropped", audit + "omitManagedField: true\n", nil, "!omitManagedField"},
		{"a level of audit that is not", strings.Replace(audit, "Metadata", "Meta", 1), nil, "!Meta"},
		{"encryption", encryption, nil, "EncryptionConfiguration of 1 group"},
		{"a key that is too short", strings.Replace(encryption, "QUJD", "", 1), nil, "!secret is not of the expected length"},
		{"a misspelt provider", strings.Replace(encryption, "secretbox", "secretboxes", 1), nil, "!secretboxes"},
		{"nothing to judge", "kind: Other\n", nil, "!no document that a kubelet or an API server reads"},
		{"no YAML", "a: [", nil, "!"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := judgeOne(subject{Name: c.name, Files: map[string]string{"/f": c.text}, Args: c.args})
			want, refused := strings.CutPrefix(c.want, "!")
			switch {
			case refused && (len(a.Problems) != 1 || !strings.Contains(a.Problems[0].Message, want)):
				t.Errorf("problems are %v, want one with %q", a.Problems, want)
			case !refused && (len(a.Problems) > 0 || !strings.Contains(strings.Join(a.Accepted, "\n"), want)):
				t.Errorf("accepted %v, problems %v, want %q", a.Accepted, a.Problems, want)
			}
		})
	}
}

// TestProtocol holds the form of the answer.
func TestProtocol(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := judgeAll(strings.NewReader(`{"subjects":[{"name":"a","files":{"/f":"kind: Other"}}]}`), &out); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Version string
		Answers []answer
	}
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil || len(doc.Answers) != 1 || doc.Answers[0].Name != "a" || len(doc.Answers[0].Problems) != 1 || doc.Version == "" {
		t.Errorf("%v: %s", err, out.String())
	}
	if err := judgeAll(strings.NewReader("no JSON"), &out); err == nil {
		t.Error("no error of what is no JSON")
	}
}
