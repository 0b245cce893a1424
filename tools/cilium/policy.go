package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/cilium/cilium/pkg/envoy"
	v2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/policy/api"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"
	"sigs.k8s.io/yaml"
)

const group = "cilium.io/v2"

// judgeObject judges one Kubernetes object of Cilium's API.
func judgeObject(raw []byte) (string, []problem) {
	var head struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return "", refused("", err.Error())
	}
	if head.APIVersion != group {
		return "", refused("apiVersion", fmt.Sprintf("this version of Cilium judges %s, not %q", group, head.APIVersion))
	}
	switch head.Kind {
	case "CiliumNetworkPolicy":
		var p v2.CiliumNetworkPolicy
		if err := yaml.UnmarshalStrict(raw, &p); err != nil {
			return "", refused("", err.Error())
		}
		if p.Namespace == "" {
			return "", refused("metadata.namespace", "a CiliumNetworkPolicy has a namespace; without one it would be read as cluster-wide")
		}
		return judgePolicy(p.Spec, p.Specs, p.Parse)
	case "CiliumClusterwideNetworkPolicy":
		var p v2.CiliumClusterwideNetworkPolicy
		if err := yaml.UnmarshalStrict(raw, &p); err != nil {
			return "", refused("", err.Error())
		}
		return judgePolicy(p.Spec, p.Specs, p.Parse)
	case "CiliumEnvoyConfig":
		var c v2.CiliumEnvoyConfig
		if err := yaml.UnmarshalStrict(raw, &c); err != nil {
			return "", refused("", err.Error())
		}
		return judgeEnvoy(raw, c.Namespace, c.Name, c.Spec)
	case "CiliumClusterwideEnvoyConfig":
		var c v2.CiliumClusterwideEnvoyConfig
		if err := yaml.UnmarshalStrict(raw, &c); err != nil {
			return "", refused("", err.Error())
		}
		return judgeEnvoy(raw, "", c.Name, c.Spec)
	}
	return "", refused("kind", fmt.Sprintf("this program has no judge for the kind %q", head.Kind))
}

// judgePolicy has the parser read the rules. It changes them, so names are
// looked at before.
func judgePolicy(spec *api.Rule, specs api.Rules, parse func() (api.Rules, error)) (string, []problem) {
	var problems []problem
	if spec != nil {
		problems = append(problems, unresolved("spec", spec)...)
	}
	for i, r := range specs {
		if r == nil {
			return "", refused(fmt.Sprintf("specs[%d]", i), "the rule is empty")
		}
		problems = append(problems, unresolved(fmt.Sprintf("specs[%d]", i), r)...)
	}
	rules, err := parse()
	if err != nil {
		return "", append(problems, problem{Message: err.Error()})
	}
	in, out := 0, 0
	for _, r := range rules {
		in += len(r.Ingress) + len(r.IngressDeny)
		out += len(r.Egress) + len(r.EgressDeny)
	}
	return fmt.Sprintf("%s, %d of ingress, %d of egress", count(len(rules), "rule"), in, out), problems
}

// unresolved says where a rule allows names that its pods have no way to
// resolve through the proxy. The parser does not look for this: such a policy is
// valid and lets nothing out.
func unresolved(at string, r *api.Rule) []problem {
	first, watched := -1, false
	for i, e := range r.Egress {
		if len(e.ToFQDNs) > 0 && first < 0 {
			first = i
		}
		for _, p := range e.ToPorts {
			watched = watched || p.Rules != nil && len(p.Rules.DNS) > 0
		}
	}
	if first < 0 || watched {
		return nil
	}
	return refused(fmt.Sprintf("%s.egress[%d].toFQDNs", at, first),
		"names are allowed, but no rule of the policy has the proxy see DNS answers, so no name ever gets an address: "+
			"add an egress rule to the name servers with toPorts.rules.dns")
}

// judgeEnvoy has the agent's own code take the resources in. Its decoder leaves
// out what it can't read and only logs that, so each is read here first.
func judgeEnvoy(raw []byte, namespace, name string, spec v2.CiliumEnvoyConfigSpec) (string, []problem) {
	var resources struct {
		Spec struct {
			Resources []json.RawMessage `json:"resources"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(raw, &resources); err != nil {
		return "", refused("spec.resources", err.Error())
	}
	if len(spec.Resources) == 0 {
		return "", refused("spec.resources", "there are none")
	}
	for i, r := range resources.Spec.Resources {
		if err := protojson.Unmarshal(r, &anypb.Any{}); err != nil {
			return "", refused(fmt.Sprintf("spec.resources[%d]", i), err.Error())
		}
	}
	got, err := envoy.ParseResources(namespace, name, spec.Resources, true, ports{}, len(spec.Services) > 0, false)
	if err != nil {
		return "", refused("spec.resources", err.Error())
	}
	return fmt.Sprintf("%s, %s, %s, %s", count(len(got.Listeners), "listener"), count(len(got.Routes), "route configuration"),
		count(len(got.Clusters), "cluster"), count(len(got.Endpoints), "load assignment")), nil
}

// ports gives every listener the same port: none is opened.
type ports struct{}

func (ports) AllocateCRDProxyPort(string) (uint16, error) { return 10000, nil }
func (ports) AckProxyPort(context.Context, string) error  { return nil }
func (ports) ReleaseProxyPort(string) error               { return nil }

func refused(path, message string) []problem { return []problem{{Path: path, Message: message}} }

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
