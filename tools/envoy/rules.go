package main

import (
	"fmt"
	"slices"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	upstreamsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	"google.golang.org/protobuf/proto"
)

const (
	routerType  = "envoy.extensions.filters.http.router.v3.Router"
	httpOptions = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
)

// references judges what needs all files to be read: names that stand twice, and
// names that nothing has.
func (c *checker) references() {
	for _, k := range kinds() {
		seen := map[string]bool{}
		for _, r := range c.resources[k] {
			switch {
			case r.name == "":
				c.refuse(r.in("name"), "the %s has no name", noun(k))
			case seen[r.name]:
				c.refuse(r.in("name"), "a second %s is called %q", noun(k), r.name)
			}
			seen[r.name] = true
		}
	}
	c.addresses()
	for _, f := range c.later {
		f()
	}
}

// addresses holds that no two listeners want one address.
func (c *checker) addresses() {
	taken := map[string]string{}
	for _, r := range c.resources[listenerKind] {
		l, ok := r.message.(*listenerv3.Listener)
		if !ok {
			continue
		}
		a := l.GetAddress().GetSocketAddress()
		if a == nil {
			continue
		}
		key := fmt.Sprintf("%s %s:%d", a.GetProtocol(), a.GetAddress(), a.GetPortValue())
		if other, ok := taken[key]; ok {
			c.refuse(r.in("address"), "the listener %q has the address %s already", other, key)
		}
		taken[key] = l.GetName()
	}
}

func (c *checker) listener(at place, l *listenerv3.Listener) {
	if a := l.GetAddress().GetSocketAddress(); a != nil && a.GetNamedPort() == "" && a.GetPortValue() == 0 {
		c.refuse(at.in("address.socket_address.port_value"), "port 0 is any free port; nothing would find the listener")
	}
	chains := l.GetFilterChains()
	if len(chains) == 0 && l.GetDefaultFilterChain() == nil && l.GetApiListener() == nil && l.GetUdpListenerConfig() == nil {
		c.refuse(at.in("filter_chains"), "the listener has no filter chain")
	}
	for i, chain := range chains {
		for j := range i {
			if sameMatch(chain.GetFilterChainMatch(), chains[j].GetFilterChainMatch()) && l.GetFilterChainMatcher() == nil {
				c.refuse(at.in(fmt.Sprintf("filter_chains[%d]", i)), "the filter chain is never reached: chain %d has the same match", j)
				break
			}
		}
		if l.GetDefaultFilterChain() != nil && sameMatch(chain.GetFilterChainMatch(), nil) && l.GetFilterChainMatcher() == nil {
			c.refuse(at.in("default_filter_chain"), "the default chain is never reached: chain %d matches every connection", i)
		}
	}
}

// sameMatch says that two chains take the same connections; nil takes all.
func sameMatch(a, b *listenerv3.FilterChainMatch) bool {
	if a == nil {
		a = &listenerv3.FilterChainMatch{}
	}
	if b == nil {
		b = &listenerv3.FilterChainMatch{}
	}
	return proto.Equal(a, b)
}

func (c *checker) cluster(at place, cl *clusterv3.Cluster) {
	c.failover(at, cl)
	if cl.GetCommonLbConfig().GetZoneAwareLbConfig() != nil {
		c.zoneAware(at, cl)
	}
	if cl.GetType() != clusterv3.Cluster_EDS {
		if name := cl.GetLoadAssignment().GetClusterName(); cl.GetLoadAssignment() != nil && name != cl.GetName() {
			c.refuse(at.in("load_assignment.cluster_name"), "is %q in the cluster %q", name, cl.GetName())
		}
		if cl.GetClusterType() == nil && cl.GetType() != clusterv3.Cluster_ORIGINAL_DST && cl.GetLoadAssignment() == nil {
			c.refuse(at.in("load_assignment"), "the cluster has no endpoints")
		}
		return
	}
	eds := cl.GetEdsClusterConfig()
	if eds.GetEdsConfig() == nil {
		c.refuse(at.in("eds_cluster_config"), "the cluster is of type EDS and names no source of endpoints")
		return
	}
	name := eds.GetServiceName()
	if name == "" {
		name = cl.GetName()
	}
	file := c.subscribe(at.in("eds_cluster_config.eds_config"), endpointKind, eds.GetEdsConfig())
	c.refer(at.in("eds_cluster_config"), endpointKind, name, file)
}

// failover holds that priorities have no hole: Envoy refuses one.
func (c *checker) failover(at place, cl *clusterv3.Cluster) {
	seen := map[uint32]bool{}
	for _, e := range cl.GetLoadAssignment().GetEndpoints() {
		seen[e.GetPriority()] = true
	}
	for p := range uint32(len(seen)) {
		if !seen[p] {
			c.refuse(at.in("load_assignment.endpoints"), "no endpoints have priority %d, though there are higher ones", p)
			return
		}
	}
}

func (c *checker) routes(at place, r *routev3.RouteConfiguration) {
	domains := map[string]string{}
	for i, host := range r.GetVirtualHosts() {
		h := at.in(fmt.Sprintf("virtual_hosts[%d]", i))
		for j, domain := range host.GetDomains() {
			if other, ok := domains[domain]; ok {
				c.refuse(h.in(fmt.Sprintf("domains[%d]", j)), "the domain %q is the virtual host %q's already", domain, other)
			}
			domains[domain] = host.GetName()
		}
		c.shadowed(h, host.GetRoutes())
	}
}

// shadowed refuses routes behind one that takes every request.
func (c *checker) shadowed(at place, routes []*routev3.Route) {
	for i, r := range routes {
		all := &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: "/"}}
		if proto.Equal(r.GetMatch(), all) && i+1 < len(routes) {
			c.refuse(at.in(fmt.Sprintf("routes[%d]", i+1)), "the route is never reached: route %d takes every request", i)
			return
		}
	}
}

// budgeted holds that a cluster whose requests are tried again has a budget for it:
// without one Envoy allows three at a time, in calm and in a storm.
func (c *checker) budgeted(at place, r *routev3.RouteAction) {
	name := r.GetCluster()
	if r.GetRetryPolicy() == nil || name == "" {
		return
	}
	c.later = append(c.later, func() {
		cl := c.clusterNamed(name)
		if cl == nil {
			return // the reference is refused already
		}
		if !slices.ContainsFunc(cl.GetCircuitBreakers().GetThresholds(), func(t *clusterv3.CircuitBreakers_Thresholds) bool { return t.GetRetryBudget() != nil }) {
			c.refuse(at.in("retry_policy"), "requests are tried again, and the cluster %q has no retry_budget in circuit_breakers", name)
		}
	})
}

func (c *checker) routeTimes(at place, r *routev3.RouteAction) {
	try := r.GetRetryPolicy().GetPerTryTimeout()
	if try == nil || r.GetTimeout() == nil || r.GetTimeout().AsDuration() == 0 {
		return
	}
	if try.AsDuration() >= r.GetTimeout().AsDuration() {
		c.refuse(at.in("retry_policy.per_try_timeout"), "is not below the route's timeout of %s, so nothing is ever tried again", r.GetTimeout().AsDuration())
	}
}

// httpFilters holds that a request ends at the router.
func (c *checker) httpFilters(at place, m *hcmv3.HttpConnectionManager) {
	filters := m.GetHttpFilters()
	if len(filters) == 0 {
		c.refuse(at.in("http_filters"), "there are no HTTP filters; the last must be the router")
	}
	names := map[string]bool{}
	for i, f := range filters {
		here := at.in(fmt.Sprintf("http_filters[%d]", i))
		if names[f.GetName()] {
			c.refuse(here.in("name"), "a second filter is called %q", f.GetName())
		}
		names[f.GetName()] = true
		switch last, router := i == len(filters)-1, string(f.GetTypedConfig().MessageName()) == routerType; {
		case last && !router:
			c.refuse(here, "the last HTTP filter must be the router, with its typed_config")
		case !last && router:
			c.refuse(here, "the router must be the last HTTP filter: those behind it never run")
		}
	}
}

// speaksHTTP2 holds, at the end, that a cluster that gRPC goes to is told so.
func (c *checker) speaksHTTP2(at place, name string) {
	c.later = append(c.later, func() {
		cl := c.clusterNamed(name)
		if cl == nil {
			return // said already
		}
		var o upstreamsv3.HttpProtocolOptions
		a, ok := cl.GetTypedExtensionProtocolOptions()[httpOptions]
		if ok && a.UnmarshalTo(&o) == nil &&
			(o.GetExplicitHttpConfig().GetHttp2ProtocolOptions() != nil || o.GetUseDownstreamProtocolConfig().GetHttp2ProtocolOptions() != nil) {
			return
		}
		c.refuse(at, "gRPC goes to the cluster %q, which has no http2_protocol_options and so would speak HTTP/1.1", name)
	})
}

// loopback says that an address is reached from its own machine or pod only.
func loopback(a *corev3.Address) bool {
	s := a.GetSocketAddress()
	return a.GetPipe() != nil || slices.Contains([]string{"127.0.0.1", "::1"}, s.GetAddress())
}
