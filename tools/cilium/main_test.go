package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cilium/cilium/pkg/defaults"
	"github.com/cilium/cilium/pkg/fqdn/re"
	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// TestMain lets the test's program be the child that reads settings.
func TestMain(m *testing.M) {
	if len(os.Args) > 3 && os.Args[1] == settingsWord {
		os.Exit(settingsOf(os.Args[2], os.Args[3], os.Args[4:], os.Stdout, os.Stderr))
	}
	// The parser of names wants this before its first rule.
	if err := re.InitRegexCompileLRU(defaults.FQDNRegexCompileLRUSize); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

const policyHead = `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: shop, namespace: orders}
spec:
  endpointSelector: {matchLabels: {app: shop}}
`

const dnsRule = `
  - toEndpoints: [{matchLabels: {k8s:io.kubernetes.pod.namespace: kube-system}}]
    toPorts: [{ports: [{port: "53", protocol: ANY}], rules: {dns: [{matchPattern: "*"}]}}]`

func TestObjects(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, object, accepted, problem string }{
		{"names with the proxy", policyHead + "  egress:" + dnsRule + "\n  - toFQDNs: [{matchName: pay.example.com}]\n", "1 rule, 0 of ingress, 2 of egress", ""},
		{"names without it", policyHead + "  egress: [{toFQDNs: [{matchName: pay.example.com}]}]\n", "", "add an egress rule to the name servers"},
		{"a bad expression", policyHead + `  ingress: [{toPorts: [{ports: [{port: "80", protocol: TCP}], rules: {http: [{path: "/order/("}]}}]}]`, "", "missing closing )"},
		{"a port too high", policyHead + `  ingress: [{toPorts: [{ports: [{port: "80800", protocol: TCP}]}]}]`, "", "80800"},
		{"a misspelt field", policyHead + `  ingress: [{toPort: [{ports: [{port: "80", protocol: TCP}]}]}]`, "", "toPort"},
		{"HTTP over UDP", policyHead + `  ingress: [{toPorts: [{ports: [{port: "80", protocol: UDP}], rules: {http: [{path: "/"}]}}]}]`, "", "only apply to TCP"},
		{"HTTP in a deny", policyHead + `  ingressDeny: [{toPorts: [{ports: [{port: "80", protocol: TCP}], rules: {http: [{path: "/"}]}}]}]`, "", "rules"},
		{"two sorts of rules", policyHead + `  ingress: [{toPorts: [{ports: [{port: "80", protocol: TCP}], rules: {http: [{path: "/"}], kafka: [{role: produce}]}}]}]`, "", "multiple L7"},
		{"names and networks in one", policyHead + "  egress:" + dnsRule + "\n  - {toFQDNs: [{matchName: a.example.com}], toCIDR: [10.0.0.0/8]}\n", "", "ToFQDNs"},
		{"no rule", "{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: a, namespace: b}}", "", "empty policy"},
		{"an empty rule", "{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: a, namespace: b}, specs: [null]}", "", "the rule is empty"},
		{"no namespace", "{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: a}, spec: {endpointSelector: {}}}", "", "has a namespace"},
		{"for all pods", "{apiVersion: cilium.io/v2, kind: CiliumClusterwideNetworkPolicy, metadata: {name: a}, spec: {endpointSelector: {}, ingress: [{fromEntities: [host]}]}}", "1 rule, 1 of ingress, 0 of egress", ""},
		{"an unknown entity", "{apiVersion: cilium.io/v2, kind: CiliumClusterwideNetworkPolicy, metadata: {name: a}, spec: {endpointSelector: {}, ingress: [{fromEntities: [hots]}]}}", "", "hots"},
		{"another version", "{apiVersion: cilium.io/v3, kind: CiliumNetworkPolicy}", "", "judges cilium.io/v2"},
		{"another kind", "{apiVersion: cilium.io/v2, kind: CiliumNetworkPolice}", "", "no judge"},
		{"a listener", envoyHead + `    - {"@type": type.googleapis.com/envoy.config.cluster.v3.Cluster, name: a, connect_timeout: 2s}`, "0 listeners, 0 route configurations, 1 cluster, 0 load assignments", ""},
		{"a misspelt field of Envoy", envoyHead + `    - {"@type": type.googleapis.com/envoy.config.cluster.v3.Cluster, nam: a}`, "", "nam"},
		{"a timeout of nothing", envoyHead + `    - {"@type": type.googleapis.com/envoy.config.cluster.v3.Cluster, name: a, connect_timeout: 0s}`, "", "ConnectTimeout"},
		{"an unknown type", envoyHead + `    - {"@type": type.googleapis.com/envoy.config.cluster.v3.Custer}`, "", "Custer"},
		{"no resource", "{apiVersion: cilium.io/v2, kind: CiliumEnvoyConfig, metadata: {name: a, namespace: b}, spec: {}}", "", "there are none"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			object, err := yaml.YAMLToJSON([]byte(c.object))
			if err != nil {
				t.Fatal(err)
			}
			accepted, problems := judgeObject(object)
			check(t, c.accepted, c.problem, accepted, problems)
		})
	}
}

const envoyHead = `
apiVersion: cilium.io/v2
kind: CiliumEnvoyConfig
metadata: {name: a, namespace: b}
spec:
  resources:
`

func check(t *testing.T, wantAccepted, wantProblem, accepted string, problems []problem) {
	t.Helper()
	if wantProblem == "" {
		if diff := cmp.Diff([]problem(nil), problems); diff != "" {
			t.Errorf("problems (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(wantAccepted, accepted); diff != "" {
			t.Errorf("accepted (-want +got):\n%s", diff)
		}
		return
	}
	said, err := json.Marshal(problems)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(said), wantProblem) {
		t.Errorf("want a problem with %q, got %s", wantProblem, said)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	good := map[string]string{
		"routing-mode": "native", "ipv4-native-routing-cidr": "10.0.0.0/8", "enable-ipv6": "false", "kube-proxy-replacement": "true",
		"bpf-lb-mode": "hybrid", "bpf-lb-acceleration": "best-effort", "bpf-lb-algorithm": "maglev", "bpf-lb-maglev-table-size": "16381",
		"enable-bandwidth-manager": "true", "enable-bbr": "true", "identity-gc-interval": "15m",
		"bpf-ct-global-tcp-max": "65536", "bpf-ct-global-any-max": "32768", "bpf-nat-global-max": "65536",
	}
	cases := []struct{ name, key, value, problem string }{
		{"good", "", "", ""},
		{"an unknown key", "bpf-lb-accelaration", "native", "neither the agent nor the operator has this setting"},
		{"a deprecated key", "enable-remote-node-identity", "true", "deprecated"},
		{"a word for a truth", "enable-bbr", "maybe", "maybe"},
		{"a word for a number", "bpf-nat-global-max", "many", "many"},
		{"no such routing", "routing-mode", "direct", "invalid routing mode"},
		{"no such acceleration", "bpf-lb-acceleration", "nativ", "nativ"},
		{"an old word", "kube-proxy-replacement", "strict", "neither"},
		{"no prime", "bpf-lb-maglev-table-size", "16382", "no prime"},
		{"more translations than connections", "bpf-nat-global-max", "400000", "must not exceed maximum CT table size"},
		{"more than two thirds", "bpf-nat-global-max", "98000", "two thirds"},
		{"too small a map", "bpf-ct-global-tcp-max", "10", "must exceed minimum"},
		{"server return through a tunnel", "routing-mode", "tunnel", "needs routing-mode"},
		{"pacing without its manager", "enable-bandwidth-manager", "false", "needs enable-bandwidth-manager"},
		{"no network", "ipv4-native-routing-cidr", "10.0.0.0/88", "10.0.0.0/88"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := subject{Args: []string{"cilium-agent", "--config-dir=/tmp/settings"}, Files: map[string]string{}}
			for key, value := range good {
				s.Files["/tmp/settings/"+key] = value
			}
			if c.key != "" {
				s.Files["/tmp/settings/"+c.key] = c.value
			}
			accepted, problems, err := judgeSettings(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			check(t, "14 settings", c.problem, accepted, problems)
		})
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	files := map[string]string{"/tmp/settings/debug": "false"}
	cases := []struct {
		name              string
		args              []string
		accepted, problem string
	}{
		{"operator", []string{"cilium-operator-generic", "--config-dir", "/tmp/settings/"}, "1 setting", ""},
		{"no folder", []string{"cilium-agent"}, "", "there is no --config-dir"},
		{"another folder", []string{"cilium-agent", "--config-dir=/etc/cilium"}, "", "nothing is mounted there"},
		{"an unknown flag", []string{"cilium-agent", "--config-dir=/tmp/settings", "--accelerate"}, "", "unknown flag: --accelerate"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			accepted, problems, err := judgeSettings(t.Context(), subject{Args: c.args, Files: files})
			if err != nil {
				t.Fatal(err)
			}
			check(t, c.accepted, c.problem, accepted, problems)
		})
	}
}

// TestNothing: a container of another program is neither accepted nor refused.
func TestNothing(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"sh": {"/bin/sh", "-c", "true"}, "": nil} {
		got, err := judge(t.Context(), subject{Name: "a", Args: args, Files: map[string]string{"/a": "b"}})
		want := answer{Name: "a", Accepted: []string{}, Problems: []problem{}, Nothing: fmt.Sprintf("%q reads no settings", name)}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q (-want +got), %v:\n%s", name, err, diff)
		}
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	object, err := yaml.YAMLToJSON([]byte(policyHead))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(t.Context(), strings.NewReader(`{"subjects":[{"name":"hub/shop","objects":[`+string(object)+`]}]}`), &out); err != nil {
		t.Fatal(err)
	}
	want := `{"version":"` + version() + `","answers":[{"name":"hub/shop","accepted":["1 rule, 0 of ingress, 0 of egress"],"problems":[]}]}` + "\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	for _, bad := range []string{"", "[", strings.Repeat(" ", most+1)} {
		if err := run(t.Context(), strings.NewReader(bad), &out); err == nil {
			t.Errorf("a document of %d bytes is read as good", len(bad))
		}
	}
}

// TestPaths asks for one path through policies of all three kinds.
func TestPaths(t *testing.T) {
	objects := func(policies ...string) string {
		list := append([]string{
			`{"kind":"Namespace","metadata":{"name":"a"}}`,
			`{"kind":"Pod","metadata":{"name":"web","namespace":"a","labels":{"app":"web"}}}`,
			`{"kind":"Pod","metadata":{"name":"db","namespace":"a","labels":{"app":"db"}},"spec":{"containers":[{"name":"c","ports":[{"name":"sql","containerPort":5432,"protocol":"TCP"}]}]}}`,
		}, policies...)
		return "[" + strings.Join(list, ",") + "]"
	}
	own := func(rules string) string {
		return `{"apiVersion":"cilium.io/v2","kind":"CiliumNetworkPolicy","metadata":{"name":"p","namespace":"a"},"spec":{"endpointSelector":{"matchLabels":{"app":"db"}},` + rules + `}}`
	}
	cases := []struct{ name, enforce, objects, question, want string }{
		{"no policy", "default", objects(), "a/web", "open"},
		{"no policy, always enforced", "always", objects(), "a/web", "closed"},
		{"an empty rule", "default", objects(own(`"ingress":[{}]`)), "a/web", "closed"},
		{"a port's name", "default", objects(own(`"ingress":[{"fromEndpoints":[{}],"toPorts":[{"ports":[{"port":"sql"}]}]}]`)), "a/web", "open"},
		{"a rule of HTTP", "default", objects(own(`"ingress":[{"toPorts":[{"ports":[{"port":"5432","protocol":"TCP"}],"rules":{"http":[{}]}}]}]`)), "a/web", "proxy"},
		{"authentication", "default", objects(own(`"ingress":[{"fromEndpoints":[{}],"authentication":{"mode":"required"}}]`)), "a/web", "authenticated"},
		{"an address", "default", objects(own(`"ingress":[{"fromCIDRSet":[{"cidr":"10.0.0.0/8","except":["10.1.0.0/16"]}]}]`)), "10.2.0.1/32", "open"},
		{"an address that is excepted", "default", objects(own(`"ingress":[{"fromCIDRSet":[{"cidr":"10.0.0.0/8","except":["10.1.0.0/16"]}]}]`)), "10.1.0.1/32", "closed"},
		{"a cluster-wide denial", "default", objects(own(`"ingress":[{"fromEntities":["all"]}]`),
			`{"apiVersion":"cilium.io/v2","kind":"CiliumClusterwideNetworkPolicy","metadata":{"name":"w"},"spec":{"endpointSelector":{},"ingressDeny":[{"fromEntities":["remote-node"]}]}}`), "reserved:remote-node", "closed"},
		{"one of Kubernetes'", "default", objects(`{"kind":"NetworkPolicy","metadata":{"name":"n","namespace":"a"},"spec":{"podSelector":{},"ingress":[{"from":[{"podSelector":{}}]}]}}`), "a/web", "open"},
	}
	for _, c := range cases {
		in := fmt.Sprintf(`[{"name":%q,"enforce":%q,"objects":%s,"questions":[{"from":%q,"to":"a/db","port":5432,"protocol":"TCP"}]}]`, c.name, c.enforce, c.objects, c.question)
		var out bytes.Buffer
		if err := answerPaths(strings.NewReader(in), &out); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		want := fmt.Sprintf(`{"name":%q,"outcomes":[{"ingress":%q,"egress":%q}]}`+"\n", c.name, c.want, map[bool]string{true: "closed", false: "open"}[c.enforce == "always"])
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	for in, want := range map[string]string{
		`[{"objects":[{"kind":"Service"}]}]`:                                                       "decides no path",
		`[{"objects":[{"kind":"Pod","metadata":{"namespace":"b"}}]}]`:                              "no Namespace b",
		`[{"questions":[{"from":"a/none"}]}]`:                                                      "neither a pod nor a range",
		`[{"objects":[` + own(`"ingress":[{"fromEndpoints":[{}],"fromEntities":["all"]}]`) + `]}]`: "not supported",
	} {
		var out bytes.Buffer
		if err := answerPaths(strings.NewReader(in), &out); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s: want %q, got %v, %s", in, want, err, out.String())
		}
	}
}

func FuzzObject(f *testing.F) {
	f.Add([]byte(`{"apiVersion":"cilium.io/v2","kind":"CiliumNetworkPolicy","metadata":{"name":"a","namespace":"b"},"spec":{"endpointSelector":{}}}`))
	f.Add([]byte(`{"apiVersion":"cilium.io/v2","kind":"CiliumEnvoyConfig","metadata":{"name":"a","namespace":"b"},"spec":{"resources":[{"@type":"x"}]}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		accepted, problems := judgeObject(text)
		if accepted == "" && len(problems) == 0 {
			t.Errorf("%q is neither accepted nor refused", text)
		}
	})
}
