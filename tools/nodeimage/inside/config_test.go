package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// What kind writes, shortened.
const (
	listeners = `
resources:
- "@type": type.googleapis.com/envoy.config.listener.v3.Listener
  name: listener_apiserver
  address:
    socket_address:
      address: "0.0.0.0"
      port_value: 6443
  filter_chains:
  - filters:
    - name: envoy.filters.network.tcp_proxy
`
	clusters = `
resources:
- "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
  name: kube_apiservers
  connect_timeout: 0.25s
  health_checks:
  - timeout: 3s
    http_health_check:
      path: /healthz
  load_assignment:
    cluster_name: kube_apiservers
    endpoints:
    - lb_endpoints:
      - endpoint:
          address:
            socket_address:
              address: hub-control-plane2
              port_value: 6443
      - endpoint:
          address:
            socket_address:
              address: hub-control-plane
              port_value: 6443
`
)

func TestReadConfig(t *testing.T) {
	t.Parallel()
	const empty = "resources: []"
	full := config{listen: "0.0.0.0:6443", backends: []string{"hub-control-plane2:6443", "hub-control-plane:6443"}}
	for name, tc := range map[string]struct {
		files map[string]string
		want  config
		err   string
	}{
		"nothing yet":      {},
		"empty":            {files: map[string]string{"lds.yaml": empty, "cds.yaml": empty}},
		"as kind does":     {files: map[string]string{"lds.yaml": listeners, "cds.yaml": clusters}, want: full},
		"IPv6":             {files: map[string]string{"lds.yaml": strings.Replace(listeners, `"0.0.0.0"`, `"::"`, 1)}, want: config{listen: "[::]:6443"}},
		"no YAML":          {files: map[string]string{"lds.yaml": "{"}, err: "listeners"},
		"a port too large": {files: map[string]string{"cds.yaml": strings.Replace(clusters, "6443", "66443", 1)}, err: "endpoint"},
		"no address":       {files: map[string]string{"lds.yaml": "resources: [{}]"}, err: "listener"},
	} {
		dir := t.TempDir()
		for file, text := range tc.files {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := readConfig(dir)
		if tc.err != "" {
			if err == nil || !strings.HasPrefix(err.Error(), tc.err) {
				t.Errorf("%s: %v, want one about %s", name, err, tc.err)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, tc.want)
		}
	}
}

// FuzzParseConfig holds that what is accepted can be listened on and dialled.
func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(listeners), []byte(clusters))
	f.Add([]byte("resources: []"), []byte("resources: [{load_assignment: {endpoints: [{}]}}]"))
	f.Fuzz(func(t *testing.T, l, c []byte) {
		got, err := parseConfig(l, c)
		if err != nil {
			return
		}
		for _, a := range append(got.backends, got.listen) {
			if a != "" && (strings.HasPrefix(a, ":") || strings.HasSuffix(a, ":0")) {
				t.Errorf("address %q", a)
			}
		}
	})
}
