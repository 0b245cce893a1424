//go:build real

package envoy_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/tests/real/rendered"
)

// program is the name of the checker and of its folder below tools/.
const program = "envoy"

type subject struct {
	Name   string            `json:"name"`
	Files  map[string]string `json:"files"`
	Args   []string          `json:"args"`
	Opaque []string          `json:"opaque"`
}

// setup builds the program and renders what every cluster's Envoys read.
func setup(t *testing.T) (string, []subject) {
	t.Helper()
	path, subjects := rendered.Configurations(t, program, "envoy")
	var out []subject
	for _, s := range subjects {
		out = append(out, subject{Name: s.Cluster + " " + s.Name, Files: s.Files, Args: s.Args, Opaque: slices.Concat(s.Secrets, s.Dirs)})
	}
	return path, out
}

// ask runs the program once; its error carries what it said.
func ask(ctx context.Context, path string, in any, args ...string) ([]byte, error) {
	data, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	var out, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(data), &out, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, stderr.String())
	}
	return out.Bytes(), nil
}

func question(subjects ...subject) map[string]any { return map[string]any{"subjects": subjects} }

// TestEveryClusterIsAccepted has all gateways, and the hub's sidecar, judged.
func TestEveryClusterIsAccepted(t *testing.T) {
	path, subjects := setup(t)
	data, err := ask(t.Context(), path, question(subjects...))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Version string `json:"version"`
		Answers []struct {
			Name     string           `json:"name"`
			Accepted []string         `json:"accepted"`
			Problems []map[string]any `json:"problems"`
		} `json:"answers"`
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	sidecars, gateways := 0, 0
	for _, a := range got.Answers {
		t.Logf("%s: %s", a.Name, strings.Join(a.Accepted, ", "))
		if len(a.Problems) > 0 || len(a.Accepted) < 3 {
			t.Errorf("%s: accepted %v, refused %v", a.Name, a.Accepted, a.Problems)
		}
		switch {
		case strings.Contains(a.Name, "orders/order-service"):
			sidecars++
		case strings.Contains(a.Name, "ingress/envoy-gateway"):
			gateways++
		}
	}
	if gateways != 7+3 || sidecars != 3 {
		t.Errorf("%d gateways and %d sidecars were judged; want each site's, and both of each of the hub's three zones", gateways, sidecars)
	}
	root, err := catalog.FindRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(cat.Baseline.Spec.Versions["envoy-go-control-plane"].Exercised, got.Version); diff != "" {
		t.Errorf("the library's version (-baseline +linked):\n%s", diff)
	}
}

// TestServedIsRendered fetches every type from the xDS server and compares.
func TestServedIsRendered(t *testing.T) {
	path, subjects := setup(t)
	for _, s := range subjects {
		if !strings.HasPrefix(s.Name, "hub ") && !strings.HasPrefix(s.Name, "edge-lima ") {
			continue // the other sites' differ in sizes only, which no resource names
		}
		want, err := ask(t.Context(), path, question(s), "resources")
		if err != nil {
			t.Fatal(err)
		}
		address, stop := serve(t, path, question(s))
		got, err := ask(t.Context(), path, nil, "fetch", address)
		stop()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s: (-rendered +served):\n%s", s.Name, diff)
		}
		var served map[string]map[string]any
		if err := json.Unmarshal(got, &served); err != nil {
			t.Fatal(err)
		}
		names := map[string][]string{}
		for url, list := range served {
			names[url] = slices.Sorted(maps.Keys(list))
		}
		if diff := cmp.Diff(expected(t, s), names); diff != "" {
			t.Errorf("%s: names (-in the files +served):\n%s", s.Name, diff)
		}
	}
}

// expected reads the names out of the files by other means than the program's.
func expected(t *testing.T, s subject) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for file, text := range s.Files {
		var content struct {
			Resources []struct {
				Type string `json:"@type"`
				Name string `json:"name"`
			} `json:"resources"`
			Static struct {
				Listeners, Clusters []struct {
					Name string `json:"name"`
				}
			} `json:"static_resources"`
		}
		if err := yaml.Unmarshal([]byte(text), &content); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, r := range content.Resources {
			out[r.Type] = append(out[r.Type], r.Name)
		}
		for _, l := range content.Static.Listeners {
			const url = "type.googleapis.com/envoy.config.listener.v3.Listener"
			out[url] = append(out[url], l.Name)
		}
		for _, c := range content.Static.Clusters {
			const url = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
			out[url] = append(out[url], c.Name)
		}
	}
	for _, list := range out {
		slices.Sort(list)
	}
	return out
}

// serve starts the xDS server. stop ends it and waits.
func serve(t *testing.T, path string, in any) (string, func()) {
	t.Helper()
	data, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	cmd := exec.CommandContext(ctx, path, "serve")
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(data), &stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		cancel()
		t.Fatalf("the server said no address: %v; %v: %s", err, cmd.Wait(), stderr.String())
	}
	return strings.TrimSpace(line), func() {
		cancel()
		_ = cmd.Wait() // ended by the signal
	}
}

// TestBrokenIsNotServed breaks rendered files: the server refuses to start.
func TestBrokenIsNotServed(t *testing.T) {
	path, subjects := setup(t)
	i := slices.IndexFunc(subjects, func(s subject) bool { return strings.HasPrefix(s.Name, "hub Deployment ingress/envoy-gateway") })
	if i < 0 {
		t.Fatal("the hub has no gateway")
	}
	cases := []struct{ name, file, old, new, want string }{
		{"a route to a cluster that is not there", "/etc/envoy-xds/rds.yaml", "cluster: orders", "cluster: order", `there is no cluster "order"`},
		{"routes that are not there", "/etc/envoy-xds/lds.yaml", "route_config_name: orders", "route_config_name: order", `there is no route configuration "order"`},
		{"routes that no listener asks for", "/etc/envoy-xds/lds.yaml", "route_config_name: orders", "route_config_name: sites", "not consistent"},
		{"a misspelt field", "/etc/envoy-xds/cds.yaml", "outlier_detection:", "outlier_detect:", `unknown field "outlier_detect"`},
		{"a deprecated field", "/etc/envoy-xds/cds.yaml", "    type: STRICT_DNS\n", "    type: STRICT_DNS\n    http2_protocol_options: {}\n", "is deprecated"},
		{"a zone that no gateway is in", "/etc/envoy-xds/cds.yaml", "zone: eu-central-b", "zone: eu-central-x", "the cluster's localities are eu-central/eu-central-a, eu-central/eu-central-c, eu-central/eu-central-x, and those of the local cluster"},
		{"a region of the node that no endpoint has", "/etc/envoy/envoy.yaml", "region: eu-central}\n\nadmin", "region: europe}\n\nadmin", "the node's locality europe/eu-central-a is none of the cluster's"},
		{"an overload action of no type", "/etc/envoy/envoy.yaml", "fixed_heap.v3.FixedHeapConfig", "fixed_heap.v3.FixedHeap", "unable to resolve"},
	}
	for _, c := range cases {
		s := subjects[i]
		s.Files = maps.Clone(s.Files)
		if !strings.Contains(s.Files[c.file], c.old) {
			t.Errorf("%s: %s has no %q", c.name, c.file, c.old)
			continue
		}
		s.Files[c.file] = strings.Replace(s.Files[c.file], c.old, c.new, 1)
		if _, err := ask(t.Context(), path, question(s), "serve"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: want %q, got %v", c.name, c.want, err)
		}
	}
}
