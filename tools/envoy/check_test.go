package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// good is a subject that is accepted: files of every kind of resource.
func good(t testing.TB) subject {
	t.Helper()
	s := subject{Name: "good", Files: map[string]string{}, Args: []string{"envoy", "-c", "/etc/envoy/envoy.yaml"}, Opaque: []string{"/etc/tls"}}
	files, err := filepath.Glob("testdata/good/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s.Files["/etc/envoy/"+filepath.Base(file)] = string(data)
	}
	return s
}

func TestAccepts(t *testing.T) {
	t.Parallel()
	in, err := json.Marshal(question{Subjects: []subject{good(t)}})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(t.Context(), nil, bytes.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	want := `{"version":"` + libraryVersion() + `","answers":[{"name":"good","accepted":["1 listener","3 clusters","1 route configuration","1 load assignment","1 secret","10 typed extensions"],"problems":[]}]}` + "\n"
	// tests/real/envoy holds the built program's version to the baseline.
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// fault is one change to the good subject, and what must be said.
type fault struct {
	name, file, old, new string
	want                 string // file:line: path: start of the message
}

func faults() []fault {
	return []fault{
		{"misspelt field", "lds.yaml", "route_config_name:", "route_config_nam:", `lds.yaml:13: : unknown field "route_config_nam"`},
		{"misspelt field of a bootstrap", "envoy.yaml", "admin:", "admn:", `envoy.yaml:2: : unknown field "admn"`},
		{"unknown type", "lds.yaml", "http.router.v3.Router", "http.router.v3.Ruter", `lds.yaml:27: : unable to resolve "type.googleapis.com/envoy.extensions.filters.http.router.v3.Ruter"`},
		{"old API version", "rds.yaml", "envoy.config.route.v3.RouteConfiguration", "envoy.api.v2.RouteConfiguration", `rds.yaml:2: : unable to resolve`},
		{"wrong enumeration", "envoy.yaml", "STRICT_DNS", "STRICT", `envoy.yaml:13: : invalid value for enum`},
		{"empty name inside an Any", "lds.yaml", "stat_prefix: web", `stat_prefix: ""`, `lds.yaml:11: resources[0].filter_chains[0].filters[0].typed_config.stat_prefix: value length must be at least 1`},
		{"no time to connect", "envoy.yaml", "connect_timeout: 1s", "connect_timeout: 0s", `envoy.yaml:14: static_resources.clusters[0].connect_timeout: value must be greater than 0s`},
		{"port out of range", "eds.yaml", "8080", "80800", `eds.yaml:9: resources[0].endpoints[0].lb_endpoints[0].endpoint.address.socket_address.port_value: value must be less than or equal to 65535`},
		{"key twice", "cds.yaml", "    type: EDS\n", "    type: EDS\n    type: EDS\n", `cds.yaml:5: : the key "type" stands here a second time`},
		{"two documents", "rds.yaml", "resources:", "{}\n---\nresources:", `rds.yaml:2: : the file has more than one document`},
		{"no YAML", "rds.yaml", "resources:", "resources: [", `rds.yaml:`},
		{"deprecated field", "cds.yaml", "    type: EDS\n", "    type: EDS\n    max_requests_per_connection: 5\n", `cds.yaml:5: resources[0].max_requests_per_connection: envoy.config.cluster.v3.Cluster.max_requests_per_connection is deprecated`},
		{"deprecated field of another name", "cds.yaml", "    type: EDS\n", "    type: EDS\n    http2ProtocolOptions: {}\n", `cds.yaml:5: resources[0].http2_protocol_options: envoy.config.cluster.v3.Cluster.http2_protocol_options is deprecated`},
		{"deprecated value", "cds.yaml", "    type: EDS\n", "    type: EDS\n    protocol_selection: USE_DOWNSTREAM_PROTOCOL\n", `cds.yaml:5: resources[0].protocol_selection: envoy.config.cluster.v3.Cluster.protocol_selection is deprecated`},
		{"route to no cluster", "rds.yaml", "route: {cluster: orders}", "route: {cluster: order}", `rds.yaml:14: resources[0].virtual_hosts[0].routes[1].route.cluster: there is no cluster "order"; known are [agent orders self]`},
		{"no such routes", "lds.yaml", "route_config_name: shop", "route_config_name: stop", `lds.yaml:13: resources[0].filter_chains[0].filters[0].typed_config.rds.route_config_name: there is no route configuration "stop" in /etc/envoy/rds.yaml`},
		{"no such endpoints", "cds.yaml", "service_name: order-pods", "service_name: pods", `cds.yaml:6: resources[0].eds_cluster_config: there is no load assignment "pods" in /etc/envoy/eds.yaml`},
		{"no such secret", "cds.yaml", "name: own", "name: mine", `cds.yaml:18: resources[0].transport_socket.typed_config.common_tls_context.tls_certificate_sds_secret_configs[0].name: there is no secret "mine" in /etc/envoy/sds.yaml`},
		{"tracing to no cluster", "lds.yaml", "cluster_name: agent", "cluster_name: agnt", `lds.yaml:23: resources[0].filter_chains[0].filters[0].typed_config.tracing.provider.typed_config.grpc_service.envoy_grpc.cluster_name: there is no cluster "agnt"`},
		{"gRPC over HTTP/1.1", "lds.yaml", "cluster_name: agent", "cluster_name: orders", `lds.yaml:23: resources[0].filter_chains[0].filters[0].typed_config.tracing.provider.typed_config.grpc_service.envoy_grpc.cluster_name: gRPC goes to the cluster "orders"`},
		{"missing file", "sds.yaml", "/etc/tls/tls.crt", "/etc/ssl/tls.crt", `sds.yaml:5: resources[0].tls_certificate.certificate_chain.filename: the container has no file /etc/ssl/tls.crt`},
		{"missing folder", "envoy.yaml", "cds.yaml, watched_directory: {path: /etc/envoy}", "cds.yaml, watched_directory: {path: /etc/envoys}", `envoy.yaml:9: dynamic_resources.cds_config.path_config_source.watched_directory.path: the container has no folder /etc/envoys`},
		{"missing resources", "lds.yaml", "path: /etc/envoy/rds.yaml", "path: /etc/envoy/r.yaml", `lds.yaml:15: resources[0].filter_chains[0].filters[0].typed_config.rds.config_source.path_config_source.path: the container has no file /etc/envoy/r.yaml`},
		{"resources of another kind", "envoy.yaml", "path: /etc/envoy/lds.yaml", "path: /etc/envoy/eds.yaml", `eds.yaml:2: resources[0]: the file is asked for envoy.config.listener.v3.Listener, and this is envoy.config.endpoint.v3.ClusterLoadAssignment`},
		{"source that is no file", "cds.yaml", "path_config_source: {path: /etc/envoy/eds.yaml}", "ads: {}", `cds.yaml:8: resources[0].eds_cluster_config.eds_config: the source is no file`},
		{"name twice", "cds.yaml", "name: orders", "name: agent", `cds.yaml:3: resources[0].name: a second cluster is called "agent"`},
		{"port 0", "lds.yaml", "port_value: 8080", "port_value: 0", `lds.yaml:5: resources[0].address.socket_address.port_value: port 0`},
		{"default chain that is never reached", "lds.yaml", "    filter_chains:\n", "    default_filter_chain: {}\n    filter_chains:\n", `lds.yaml:6: resources[0].default_filter_chain: the default chain is never reached`},
		{"chain that is never reached", "lds.yaml", "    filter_chains:\n", "    filter_chains:\n      - filters: []\n", `lds.yaml:8: resources[0].filter_chains[1]: the filter chain is never reached: chain 0 has the same match`},
		{"route that is never reached", "rds.yaml", "match: {path: /order}", "match: {prefix: /}", `rds.yaml:13: resources[0].virtual_hosts[0].routes[1]: the route is never reached`},
		{"domain twice", "rds.yaml", `["*"]`, `["*", "*"]`, `rds.yaml:6: resources[0].virtual_hosts[0].domains[1]: the domain "*" is the virtual host "shop"'s already`},
		{"try as long as all tries", "rds.yaml", "per_try_timeout: 2s", "per_try_timeout: 5s", `rds.yaml:12: resources[0].virtual_hosts[0].routes[0].route.retry_policy.per_try_timeout: is not below`},
		{"TLS of any version", "cds.yaml", "          tls_params: {tls_minimum_protocol_version: TLSv1_2}\n", "", `cds.yaml:14: resources[0].transport_socket.typed_config.common_tls_context.tls_params: no least version of TLS is named`},
		{"TLS of old", "cds.yaml", "version: TLSv1_2", "version: TLSv1_1", `cds.yaml:15: resources[0].transport_socket.typed_config.common_tls_context.tls_params.tls_minimum_protocol_version: TLSv1_1 is broken`},
		{"a server that nobody verifies", "cds.yaml", "          validation_context: {trusted_ca: {filename: /etc/tls/ca.crt}}\n", "", `cds.yaml:14: resources[0].transport_socket.typed_config.common_tls_context: nothing verifies the server's certificate`},
		{"field that Envoy may not know yet", "lds.yaml", "cluster_name: agent", "cluster_name: agent, retry_policy: {}", `lds.yaml:23: resources[0].filter_chains[0].filters[0].typed_config.tracing.provider.typed_config.grpc_service.envoy_grpc.retry_policy: envoy.config.core.v3.GrpcService.EnvoyGrpc.retry_policy may be newer`},
		{"retries without a budget", "cds.yaml", "retry_budget: {}", "max_retries: 9", `rds.yaml:12: resources[0].virtual_hosts[0].routes[0].route.retry_policy: requests are tried again, and the cluster "orders" has no retry_budget`},
		{"no router", "lds.yaml", "envoy.extensions.filters.http.router.v3.Router", "envoy.extensions.filters.http.cors.v3.Cors", `lds.yaml:25: resources[0].filter_chains[0].filters[0].typed_config.http_filters[0]: the last HTTP filter must be the router`},
		{"administration for all", "envoy.yaml", "address: 127.0.0.1", "address: 0.0.0.0", `envoy.yaml:3: admin.address: the administration port must be on loopback`},
		{"nameless node", "envoy.yaml", "id: test, cluster", "cluster", `envoy.yaml:1: node.id: files of resources need the node's id`},
		{"hole in the priorities", "envoy.yaml", "          - lb_endpoints:\n", "          - priority: 1\n            lb_endpoints:\n", `envoy.yaml:22: static_resources.clusters[0].load_assignment.endpoints: no endpoints have priority 0`},
		{"load assignment of another", "envoy.yaml", "cluster_name: agent", "cluster_name: agents", `envoy.yaml:21: static_resources.clusters[0].load_assignment.cluster_name: is "agents" in the cluster "agent"`},
		{"zone-aware without a local cluster", "envoy.yaml", "cluster_manager: {local_cluster_name: self}\n", "", `cds.yaml:21: resources[0].common_lb_config.zone_aware_lb_config: zone-aware routing needs cluster_manager.local_cluster_name`},
		{"zone-aware with a local cluster that is not static", "envoy.yaml", "local_cluster_name: self", "local_cluster_name: orders", `cds.yaml:21: resources[0].common_lb_config.zone_aware_lb_config: the local cluster "orders" is no static cluster of the bootstrap`},
		{"zone-aware without a zone", "envoy.yaml", "region: north, zone: a}}\nadmin", "region: north}}\nadmin", `cds.yaml:21: resources[0].common_lb_config.zone_aware_lb_config: zone-aware routing needs the node's own zone`},
		{"zone-aware in another region", "envoy.yaml", "region: north, zone: a}}\nadmin", "zone: a}}\nadmin", `cds.yaml:21: resources[0].common_lb_config.zone_aware_lb_config: the node's locality /a is none of the cluster's: north/a, north/b`},
		{"zone-aware with a zone less", "envoy.yaml", "zone: b", "zone: a", `cds.yaml:21: resources[0].common_lb_config.zone_aware_lb_config: the cluster's localities are north/a, north/b, and those of the local cluster "self" north/a`},
		{"zone-aware and weighted", "cds.yaml", "zone_aware_lb_config: {min_cluster_size: 2}", "zone_aware_lb_config: {}, locality_weighted_lb_config: {}", `cds.yaml:21`},
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for _, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			s := good(t)
			name := "/etc/envoy/" + f.file
			if !strings.Contains(s.Files[name], f.old) {
				t.Fatalf("%s has no %q", name, f.old)
			}
			s.Files[name] = strings.Replace(s.Files[name], f.old, f.new, 1)
			var said []string
			for _, p := range judge(s).problems {
				said = append(said, strings.TrimPrefix(p.String(), "/etc/envoy/"))
				if strings.HasPrefix(said[len(said)-1], f.want) {
					return
				}
			}
			t.Errorf("want %s…\ngot:\n%s", f.want, strings.Join(said, "\n"))
		})
	}
}

func TestWrongUse(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, in string
		args     []string
		want     string
	}{
		{"no JSON", "x", nil, "stdin is not the document of subjects"},
		{"unknown command", "", []string{"mend"}, "is not understood"},
		{"unknown flag", "", []string{"serve", "-x"}, "serve: flag provided but not defined"},
		{"no subject", `{"subjects":[]}`, []string{"resources"}, `there is no subject ""`},
		{"refused subject", `{"subjects":[{"name":"a"}]}`, []string{"serve"}, "the arguments name no bootstrap"},
	}
	for _, c := range cases {
		err := run(t.Context(), c.args, strings.NewReader(c.in), &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: want %q, got %v", c.name, c.want, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range good(f).Files {
		f.Add(text)
	}
	f.Add("a: &a [1]\nb: *a\n")
	f.Add("a: 0x10\nb: .nan\nc: 2001-01-01\n")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parse("/f", text)
		if err != nil {
			return
		}
		if !json.Valid(d.json) {
			t.Errorf("no JSON: %s", d.json)
		}
		judge(subject{Files: map[string]string{"/f": text}, Args: []string{"-c", "/f"}})
	})
}
