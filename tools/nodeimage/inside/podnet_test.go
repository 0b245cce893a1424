package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const nodes = `{"metadata":{"resourceVersion":"7"},"items":[
 {"metadata":{"name":"me"},"spec":{"podCIDR":"10.9.0.0/24"},"status":{"addresses":[{"type":"InternalIP","address":"192.0.2.10"}]}},
 {"metadata":{"name":"b"},"spec":{"podCIDR":"10.9.1.0/24"},"status":{"addresses":[{"type":"Hostname","address":"b"},{"type":"InternalIP","address":"fd00::1"},{"type":"InternalIP","address":"192.0.2.11"}]}},
 {"metadata":{"name":"no network yet"},"spec":{},"status":{"addresses":[{"type":"InternalIP","address":"192.0.2.12"}]}},
 {"metadata":{"name":"odd"},"spec":{"podCIDR":"10.9.2.0/24; reboot"},"status":{"addresses":[{"type":"InternalIP","address":"192.0.2.13"}]}},
 {"metadata":{"name":"no address"},"spec":{"podCIDR":"10.9.4.0/24"}}]}`

func listOf(t *testing.T, text string) []node {
	t.Helper()
	var l nodeList
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		t.Fatal(err)
	}
	return l.Items
}

func TestDecide(t *testing.T) {
	t.Parallel()
	p := decide(listOf(t, nodes), "me")
	if want := map[string]string{"10.9.1.0/24": "192.0.2.11"}; !reflect.DeepEqual(p.routes, want) {
		t.Errorf("routes %v, want %v", p.routes, want)
	}
	const rules = "*nat\n:PODNET - [0:0]\n-A PODNET -d 10.9.0.0/24 -j RETURN\n-A PODNET -d 10.9.1.0/24 -j RETURN\n-A PODNET -d 10.9.4.0/24 -j RETURN\n" +
		"-A PODNET -s 10.9.0.0/24 -m addrtype ! --dst-type LOCAL -j MASQUERADE\nCOMMIT\n"
	if p.rules != rules {
		t.Errorf("rules\n%swant\n%s", p.rules, rules)
	}
	var conf struct {
		Plugins []struct {
			Type string
			IPAM struct{ Ranges [][]struct{ Subnet string } }
		}
	}
	if err := json.Unmarshal([]byte(p.conf), &conf); err != nil || len(conf.Plugins) != 2 || conf.Plugins[0].IPAM.Ranges[0][0].Subnet != "10.9.0.0/24" {
		t.Errorf("configuration %s: %v", p.conf, err)
	}
	if p := decide(listOf(t, nodes), "no network yet"); p.conf != "" || p.rules != "" {
		t.Errorf("a node without a network gets %+v", p)
	}
}

func TestApplyDoesWhatDiffers(t *testing.T) {
	t.Parallel()
	var ran []string
	n := &podnet{node: "me", conf: filepath.Join(t.TempDir(), "10-podnet.conflist"), log: log.New(io.Discard, "", 0)}
	n.run = func(_ context.Context, _ string, args ...string) error {
		ran = append(ran, strings.Join(args, " "))
		if strings.Contains(strings.Join(args, " "), " -C ") {
			return errors.New("no such rule")
		}
		return nil
	}
	apply := func(p plan, want ...string) {
		t.Helper()
		ran = nil
		if err := n.apply(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(ran, want) {
			t.Errorf("ran\n%s\nwant\n%s", strings.Join(ran, "\n"), strings.Join(want, "\n"))
		}
	}
	p := decide(listOf(t, nodes), "me")
	const route = "ip route replace 10.9.1.0/24 via 192.0.2.11"
	apply(p, "iptables-restore --noflush --wait 10", "iptables -w 10 -t nat -C POSTROUTING -j PODNET", "iptables -w 10 -t nat -A POSTROUTING -j PODNET", route)
	if got, err := os.ReadFile(n.conf); err != nil || string(got) != p.conf {
		t.Errorf("configuration %q, %v", got, err)
	}
	apply(p, route) // a route may have gone with its link: it is set each time
	alone := p
	alone.routes = map[string]string{}
	apply(alone, "ip route del 10.9.1.0/24")
	if err := n.apply(t.Context(), plan{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a network: %v", err)
	}
}

func TestStepReadsTheAPI(t *testing.T) {
	t.Parallel()
	var asked []string
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.String())
		if r.URL.Query().Get("watch") == "" {
			fmt.Fprint(w, nodes)
		}
	}))
	defer s.Close()
	dir := t.TempDir()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	text := fmt.Sprintf("clusters: [{cluster: {server: %q, certificate-authority-data: %s}}]\nusers: [{user: {client-certificate: %s/absent, client-key: x}}]\n",
		s.URL, base64.StdEncoding.EncodeToString(ca), dir)
	file := filepath.Join(dir, "kubeconfig")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	n := &podnet{kubeconfig: file, node: "me", conf: filepath.Join(dir, "conf"), log: log.New(io.Discard, "", 0),
		run: func(context.Context, string, ...string) error { return nil }}
	if err := n.step(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"/api/v1/nodes", "/api/v1/nodes?watch=true&timeoutSeconds=30&resourceVersion=7"}
	if !reflect.DeepEqual(asked, want) {
		t.Errorf("asked %v, want %v", asked, want)
	}
	n.kubeconfig = filepath.Join(dir, "absent")
	if err := n.step(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("before the node joined: %v", err)
	}
}

func TestKubeconfigRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":      "",
		"no TLS":       "clusters: [{cluster: {server: http://x}}]\nusers: [{}]",
		"no authority": "clusters: [{cluster: {server: https://x}}]\nusers: [{}]",
		"no base64":    "clusters: [{cluster: {server: https://x, certificate-authority-data: '!'}}]\nusers: [{}]",
	} {
		if _, err := parseKubeconfig([]byte(text)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func FuzzParseKubeconfig(f *testing.F) {
	f.Add([]byte("clusters: [{cluster: {server: https://x, certificate-authority-data: ''}}]\nusers: [{}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := parseKubeconfig(data)
		if (a == nil) == (err == nil) {
			t.Errorf("%v, %v", a, err)
		}
	})
}

// FuzzDecide holds that only addresses reach command lines.
func FuzzDecide(f *testing.F) {
	f.Add("10.9.0.0/24", "10.9.1.0/24", "192.0.2.1")
	f.Add("fd00::/64", "10.9.1.0/24 -j ACCEPT", "x")
	f.Fuzz(func(t *testing.T, own, other, address string) {
		var a, b node
		a.Metadata.Name, a.Spec.PodCIDR, b.Spec.PodCIDR = "me", own, other
		b.Status.Addresses = []struct{ Type, Address string }{{"InternalIP", address}}
		p := decide([]node{a, b}, "me")
		for network, via := range p.routes {
			if strings.Trim(network+via, "0123456789./") != "" {
				t.Errorf("route %q via %q", network, via)
			}
		}
		if strings.Count(p.rules, "\n") > 6 {
			t.Errorf("rules %q", p.rules)
		}
	})
}
