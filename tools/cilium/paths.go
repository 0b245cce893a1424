package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"

	"github.com/cilium/cilium/pkg/defaults"
	"github.com/cilium/cilium/pkg/fqdn/re"
	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/identity/cache"
	"github.com/cilium/cilium/pkg/k8s"
	v2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	corev1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/core/v1"
	networkingv1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/labelsfilter"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/policy/trafficdirection"
	"github.com/cilium/cilium/pkg/types"
	"github.com/cilium/cilium/pkg/u8proto"
	"github.com/sirupsen/logrus"
	"sigs.k8s.io/yaml"
)

// pathsWord makes the program say which paths policies leave open: the entries of
// the agent's policy maps, computed by its own code, looked up in the order in which
// its programs in the kernel look.
const pathsWord = "paths"

// scene is one cluster: its objects, and what to ask of it.
type scene struct {
	Name      string            `json:"name"`
	Enforce   string            `json:"enforce"` // default, always, never
	Objects   []json.RawMessage `json:"objects"` // Namespaces, Pods, policies
	Questions []question        `json:"questions"`
}

// question is a path. A peer is a pod's "namespace/name", a range of addresses, or
// a reserved identity ("reserved:world").
type question struct {
	From     string `json:"from"`
	To       string `json:"to"`
	Port     uint16 `json:"port"`
	Protocol string `json:"protocol"`
}

// outcome is how each direction of a path is: open, closed, proxy or authenticated;
// open where there is no pod to have a policy.
type outcome struct {
	Ingress string `json:"ingress"`
	Egress  string `json:"egress"`
}

// reply are the outcomes of a scene in the order of its questions, or why there are
// none.
type reply struct {
	Name     string    `json:"name"`
	Outcomes []outcome `json:"outcomes"`
	Refused  string    `json:"refused,omitempty"`
}

// answerPaths reads scenes and writes a reply to each.
func answerPaths(in io.Reader, out io.Writer) error {
	for _, on := range []*bool{&option.Config.EnableIPv4, &option.Config.EnableL7Proxy, &option.Config.EnableICMPRules, &option.Config.EnableRemoteNodeIdentity} {
		*on = true
	}
	option.Config.EnableIPv6 = false // as the distribution has it
	option.Config.AllowLocalhost, option.Config.ClusterName = option.AllowLocalhostAlways, defaults.ClusterName
	api.InitEntities(option.Config.ClusterName, false)
	err := errors.Join(labelsfilter.ParseLabelPrefixCfg(nil, ""), re.InitRegexCompileLRU(defaults.FQDNRegexCompileLRUSize))
	if err != nil {
		return fmt.Errorf("preparing the agent's code: %w", err)
	}
	var scenes []scene
	if err := json.NewDecoder(io.LimitReader(in, most)).Decode(&scenes); err != nil {
		return fmt.Errorf("what to ask is no JSON list of scenes: %w", err)
	}
	enc := json.NewEncoder(out)
	for _, s := range scenes {
		r := reply{Name: s.Name, Outcomes: []outcome{}}
		c := &cluster{ids: map[string]*identity.Identity{}, ports: map[string]types.NamedPortMap{}, all: types.NewNamedPortMultiMap()}
		if err := c.read(s); err != nil {
			r.Refused = err.Error()
		} else if r.Outcomes, err = c.answer(s.Questions); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		if err := enc.Encode(r); err != nil {
			return fmt.Errorf("writing a reply: %w", err)
		}
	}
	return nil
}

// cluster is a scene as the agent holds it.
type cluster struct {
	repo  *policy.Repository
	ids   map[string]*identity.Identity
	ports map[string]types.NamedPortMap
	all   interface {
		types.NamedPortMultiMap
		Update(old, new types.NamedPortMap) bool
	}
}

func (c *cluster) read(s scene) error {
	policy.SetPolicyEnabled(s.Enforce)
	var rules api.Rules
	namespaces := map[string]*corev1.Namespace{}
	var pods []*corev1.Pod
	for _, raw := range s.Objects {
		var head struct{ Kind string }
		if err := json.Unmarshal(raw, &head); err != nil {
			return err
		}
		var err error
		switch head.Kind {
		case "Namespace":
			n := &corev1.Namespace{}
			err = json.Unmarshal(raw, n)
			namespaces[n.Name] = n
		case "Pod":
			p := &corev1.Pod{}
			err = json.Unmarshal(raw, p)
			pods = append(pods, p)
		default:
			var more api.Rules
			more, err = rulesOf(head.Kind, raw)
			rules = append(rules, more...)
		}
		if err != nil {
			return err
		}
	}
	c.known()
	for _, p := range pods {
		if err := c.pod(namespaces[p.Namespace], p); err != nil {
			return err
		}
	}
	if err := c.addresses(s.Questions); err != nil {
		return err
	}
	ids := cache.IdentityCache{}
	for _, id := range c.ids {
		ids[id.ID] = id.LabelArray
	}
	c.repo = policy.NewStoppedPolicyRepository(nil, ids, nil, nil, api.NewPolicyMetricsNoop())
	c.repo.GetSelectorCache().SetLocalIdentityNotifier(noNames{})
	c.repo.AddList(rules)
	return nil
}

// rulesOf has the agent's parsers read a policy.
func rulesOf(kind string, raw []byte) (api.Rules, error) {
	switch kind {
	case "NetworkPolicy":
		p := &networkingv1.NetworkPolicy{}
		if err := json.Unmarshal(raw, p); err != nil {
			return nil, err
		}
		return k8s.ParseNetworkPolicy(p)
	case "CiliumNetworkPolicy":
		p := &v2.CiliumNetworkPolicy{}
		if err := yaml.UnmarshalStrict(raw, p); err != nil {
			return nil, err
		}
		return p.Parse()
	case "CiliumClusterwideNetworkPolicy":
		p := &v2.CiliumClusterwideNetworkPolicy{}
		if err := yaml.UnmarshalStrict(raw, p); err != nil {
			return nil, err
		}
		return p.Parse()
	}
	return nil, fmt.Errorf("the kind %q decides no path", kind)
}

// known notes the identities that every agent has.
func (c *cluster) known() {
	for name, id := range map[string]identity.NumericIdentity{
		labels.IDNameHost: identity.ReservedIdentityHost, labels.IDNameWorld: identity.ReservedIdentityWorld,
		labels.IDNameHealth: identity.ReservedIdentityHealth, labels.IDNameRemoteNode: identity.ReservedIdentityRemoteNode,
		labels.IDNameKubeAPIServer: identity.ReservedIdentityKubeAPIServer, labels.IDNameIngress: identity.ReservedIdentityIngress,
	} {
		c.ids[labels.LabelSourceReserved+":"+name] = identity.NewIdentity(id, labels.Map2Labels(map[string]string{name: ""}, labels.LabelSourceReserved))
	}
}

// pod gives a pod the identity that the agent gives it, and notes its named ports.
func (c *cluster) pod(namespace *corev1.Namespace, p *corev1.Pod) error {
	if namespace == nil {
		return fmt.Errorf("there is no Namespace %s", p.Namespace)
	}
	list, own, _, err := k8s.GetPodMetadata(namespace, p)
	if err != nil {
		return err
	}
	seen, _ := labelsfilter.Filter(labels.Map2Labels(own, labels.LabelSourceK8s))
	name := p.Namespace + "/" + p.Name
	c.ids[name] = identity.NewIdentity(identity.NumericIdentity(1000+len(c.ids)), seen)
	c.ports[name] = types.NamedPortMap{}
	for _, each := range list {
		if each.Name == "" {
			continue
		}
		if err := c.ports[name].AddPort(each.Name, int(each.ContainerPort), string(each.Protocol)); err != nil {
			return err
		}
	}
	c.all.Update(nil, c.ports[name])
	return nil
}

// addresses gives the ranges that are asked for identities of their own.
func (c *cluster) addresses(questions []question) error {
	for _, q := range questions {
		for _, peer := range []string{q.From, q.To} {
			if c.ids[peer] != nil {
				continue
			}
			block, err := netip.ParsePrefix(peer)
			if err != nil {
				return fmt.Errorf("%q is neither a pod nor a range of addresses: %w", peer, err)
			}
			id := identity.IdentityScopeLocal + identity.NumericIdentity(1+len(c.ids))
			c.ids[peer] = identity.NewIdentity(id, labels.GetCIDRLabels(block))
		}
	}
	return nil
}

// noNames answers that no DNS name has an address.
type noNames struct{}

func (noNames) Lock()                                                    {}
func (noNames) Unlock()                                                  {}
func (noNames) RegisterForIPUpdatesLocked(api.FQDNSelector) []netip.Addr { return nil }
func (noNames) UnregisterForIPUpdatesLocked(api.FQDNSelector)            {}

// endpoint is a pod that has a policy: every redirection gets a port.
type endpoint struct {
	cluster *cluster
	name    string
}

func (endpoint) GetID() uint64                                             { return 1 }
func (endpoint) LookupRedirectPortBuildLocked(bool, string, uint16) uint16 { return 10000 }
func (endpoint) HasBPFPolicyMap() bool                                     { return true }
func (endpoint) PolicyDebug(logrus.Fields, string)                         {}

func (e endpoint) GetNamedPort(ingress bool, name string, proto uint8) uint16 {
	var port uint16
	if ingress {
		port, _ = e.cluster.ports[e.name].GetNamedPort(name, proto)
	} else {
		port, _ = e.cluster.all.GetNamedPort(name, proto)
	}
	return port
}

func (c *cluster) answer(questions []question) ([]outcome, error) {
	maps := map[string]policy.MapState{}
	for name := range c.ports {
		id := c.ids[name]
		c.repo.GetPolicyCache().LocalEndpointIdentityAdded(id)
		c.repo.Mutex.RLock()
		err := c.repo.GetPolicyCache().UpdatePolicy(id)
		c.repo.Mutex.RUnlock()
		if err != nil {
			return nil, fmt.Errorf("the policy of %s: %w", name, err)
		}
		maps[name] = c.repo.GetPolicyCache().Lookup(id).Consume(endpoint{c, name}).GetPolicyMap()
	}
	out := []outcome{}
	for _, q := range questions {
		proto, err := u8proto.ParseProtocol(q.Protocol)
		if err != nil {
			return nil, fmt.Errorf("protocol %q: %w", q.Protocol, err)
		}
		look := func(of, peer string, way trafficdirection.TrafficDirection) string {
			m := maps[of]
			if m == nil {
				return "open"
			}
			return lookUp(m, policy.Key{Identity: c.ids[peer].ID.Uint32(), DestPort: q.Port, Nexthdr: uint8(proto), TrafficDirection: way.Uint8()})
		}
		out = append(out, outcome{look(q.To, q.From, trafficdirection.Ingress), look(q.From, q.To, trafficdirection.Egress)})
	}
	return out, nil
}

// lookUp finds an entry from the most to the least exact.
func lookUp(m policy.MapState, full policy.Key) string {
	anyone, anyPort, any := full, full, full
	anyone.Identity, anyPort.DestPort = 0, 0
	any.Identity, any.DestPort, any.Nexthdr = 0, 0, 0
	protocol, peer := anyPort, anyPort
	protocol.Identity, peer.Nexthdr = 0, 0
	for _, k := range []policy.Key{full, anyone, anyPort, protocol, peer, any} {
		e, ok := m.Get(k)
		switch {
		case !ok:
			continue
		case e.IsDeny:
			return "closed"
		case e.AuthType != policy.AuthTypeDisabled:
			return "authenticated"
		case e.IsRedirectEntry():
			return "proxy"
		}
		return "open"
	}
	return "closed"
}
