package main

import (
	"path"
	"slices"
	"strings"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// visit looks at one message for what it names and what it asks for. What it names
// may be read later, so that is judged at the end.
func (c *checker) visit(at string, m protoreflect.Message) {
	here := place{c.doc, at}
	c.clusterNames(here, m)
	switch m := m.Interface().(type) {
	case *bootstrapv3.Bootstrap_DynamicResources:
		c.subscribe(here.in("lds_config"), listenerKind, m.GetLdsConfig())
		c.subscribe(here.in("cds_config"), clusterKind, m.GetCdsConfig())
	case *bootstrapv3.RuntimeLayer_RtdsLayer:
		c.subscribe(here.in("rtds_config"), runtimeKind, m.GetRtdsConfig())
	case *listenerv3.Listener:
		c.listener(here, m)
	case *clusterv3.Cluster:
		c.cluster(here, m)
	case *routev3.RouteConfiguration:
		c.routes(here, m)
	case *routev3.RouteAction:
		c.routeTimes(here, m)
		c.budgeted(here, m)
	case *hcmv3.HttpConnectionManager:
		c.httpFilters(here, m)
	case *hcmv3.Rds:
		file := c.subscribe(here.in("config_source"), routeKind, m.GetConfigSource())
		c.refer(here.in("route_config_name"), routeKind, m.GetRouteConfigName(), file)
	case *tlsv3.UpstreamTlsContext:
		c.tls(here.in("common_tls_context"), m.GetCommonTlsContext())
		c.verified(here.in("common_tls_context"), m.GetCommonTlsContext(), "server")
	case *tlsv3.DownstreamTlsContext:
		c.tls(here.in("common_tls_context"), m.GetCommonTlsContext())
		if m.GetRequireClientCertificate().GetValue() {
			c.verified(here.in("common_tls_context"), m.GetCommonTlsContext(), "client")
		}
	case *tlsv3.SdsSecretConfig:
		file := ""
		if m.GetSdsConfig() != nil {
			file = c.subscribe(here.in("sds_config"), secretKind, m.GetSdsConfig())
		}
		c.refer(here.in("name"), secretKind, m.GetName(), file)
	case *corev3.GrpcService_EnvoyGrpc:
		c.speaksHTTP2(here.in("cluster_name"), m.GetClusterName())
	case *corev3.DataSource:
		if m.GetFilename() != "" {
			c.exists(here.in("filename"), m.GetFilename())
		}
	case *corev3.PathConfigSource:
		c.exists(here.in("path"), m.GetPath())
	case *corev3.WatchedDirectory:
		c.existsDir(here.in("path"), m.GetPath())
	}
}

func (p place) in(field string) place {
	if p.path == "" {
		return place{p.doc, field}
	}
	return place{p.doc, p.path + "." + field}
}

// subscribe notes which file a source of resources is. A source that is no file
// can't be judged, so it is refused: nothing here serves xDS in production.
func (c *checker) subscribe(at place, k kind, s *corev3.ConfigSource) string {
	file := s.GetPathConfigSource().GetPath()
	switch {
	case s == nil:
		return ""
	case file == "":
		c.refuse(at, "the source is no file (path_config_source), so what it serves can't be judged")
		return ""
	}
	file = path.Clean(file)
	if _, ok := c.subject.Files[file]; ok {
		c.ask(k, file)
	}
	return file
}

// refer holds, at the end, that a resource of that name exists where it is looked for.
func (c *checker) refer(at place, k kind, name, file string) {
	c.later = append(c.later, func() {
		if c.named(k, name, file) != nil {
			return
		}
		where := "among the static resources"
		if file != "" {
			where = "in " + file
		}
		c.refuse(at, "there is no %s %q %s; known are %v", noun(k), name, where, c.names(k))
	})
}

// exists holds that a file is mounted, or may be: a Secret's text is in no repository.
func (c *checker) exists(at place, file string) {
	if _, ok := c.subject.Files[path.Clean(file)]; !ok && !c.opaque(file) {
		c.refuse(at, "the container has no file %s", file)
	}
}

func (c *checker) existsDir(at place, dir string) {
	inside := strings.TrimSuffix(path.Clean(dir), "/") + "/"
	for file := range c.subject.Files {
		if strings.HasPrefix(file, inside) {
			return
		}
	}
	if !c.opaque(dir) {
		c.refuse(at, "the container has no folder %s", dir)
	}
}

func (c *checker) opaque(file string) bool {
	return slices.ContainsFunc(c.subject.Opaque, func(dir string) bool {
		dir, file := path.Clean(dir), path.Clean(file)
		return file == dir || strings.HasPrefix(file, dir+"/")
	})
}

// clusterFields are the fields that name a cluster, by their full names.
func clusterFields() []protoreflect.FullName {
	return []protoreflect.FullName{
		"envoy.config.bootstrap.v3.ClusterManager.local_cluster_name",
		"envoy.config.core.v3.ApiConfigSource.cluster_names",
		"envoy.config.core.v3.GrpcService.EnvoyGrpc.cluster_name",
		"envoy.config.core.v3.HttpUri.cluster",
		"envoy.config.route.v3.RouteAction.cluster",
		"envoy.config.route.v3.RouteAction.RequestMirrorPolicy.cluster",
		"envoy.config.route.v3.WeightedCluster.ClusterWeight.name",
		"envoy.config.trace.v3.DatadogConfig.collector_cluster",
		"envoy.config.trace.v3.ZipkinConfig.collector_cluster",
		"envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.cluster",
		"envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster.ClusterWeight.name",
		"envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig.cluster",
		"envoy.extensions.filters.network.redis_proxy.v3.RedisProxy.PrefixRoutes.Route.cluster",
		"envoy.extensions.filters.network.thrift_proxy.v3.RouteAction.cluster",
		"envoy.extensions.clusters.aggregate.v3.ClusterConfig.clusters",
	}
}

func (c *checker) clusterNames(here place, m protoreflect.Message) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if fd.Kind() != protoreflect.StringKind || !slices.Contains(clusterFields(), fd.FullName()) {
			return true
		}
		names := []string{}
		if fd.IsList() {
			for i := range v.List().Len() {
				names = append(names, v.List().Get(i).String())
			}
		} else {
			names = append(names, v.String())
		}
		for _, name := range names {
			c.referCluster(here.in(string(fd.Name())), name)
		}
		return true
	})
}

func (c *checker) referCluster(at place, name string) {
	c.later = append(c.later, func() {
		if c.clusterNamed(name) == nil {
			c.refuse(at, "there is no cluster %q; known are %v", name, c.names(clusterKind))
		}
	})
}

func (c *checker) clusterNamed(name string) *clusterv3.Cluster {
	for _, r := range c.resources[clusterKind] {
		if cl, ok := r.message.(*clusterv3.Cluster); ok && r.name == name {
			return cl
		}
	}
	return nil
}
