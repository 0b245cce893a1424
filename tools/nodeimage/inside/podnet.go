package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	retry = time.Second
	// A watch ends by itself after so long; then the list is read anew.
	watchFor = 30 * time.Second
	maxList  = 64 << 20
)

// podnet keeps one node's part of the pod network as the API's nodes want it.
type podnet struct {
	kubeconfig, node, conf string
	log                    *log.Logger
	run                    func(ctx context.Context, input string, args ...string) error
	plan                   plan // as applied
}

// plan is what a node sets up.
type plan struct {
	conf   string            // CNI configuration; "" while the node has no pod CIDR
	routes map[string]string // another node's pod CIDR → its address
	rules  string            // for iptables-restore
}

// serve follows the nodes until ctx ends.
func (n *podnet) serve(ctx context.Context) error {
	said := ""
	for ctx.Err() == nil {
		err := n.step(ctx)
		if err == nil {
			said = ""
			continue
		}
		if text := err.Error(); text != said && !errors.Is(err, os.ErrNotExist) { // else the node has not joined yet
			n.log.Print(text)
			said = text
		}
		wait(ctx, retry)
	}
	return nil
}

// step lists the nodes, applies what follows and waits for a change.
func (n *podnet) step(ctx context.Context) error {
	api, err := readKubeconfig(n.kubeconfig)
	if err != nil {
		return err
	}
	defer api.client.CloseIdleConnections()
	var list nodeList
	if err := api.get(ctx, "/api/v1/nodes", func(r io.Reader) error { return json.NewDecoder(io.LimitReader(r, maxList)).Decode(&list) }); err != nil {
		return err
	}
	if err := n.apply(ctx, decide(list.Items, n.node)); err != nil {
		return err
	}
	watch := fmt.Sprintf("/api/v1/nodes?watch=true&timeoutSeconds=%.0f&resourceVersion=%s", watchFor.Seconds(), list.Metadata.ResourceVersion)
	err = api.get(ctx, watch, func(r io.Reader) error {
		_, err := r.Read(make([]byte, 1))
		return err
	})
	if errors.Is(err, io.EOF) { // nothing changed
		return nil
	}
	wait(ctx, retry/4) // changes come in groups
	return err
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// nodeList is the part of the API's answer that is needed.
type nodeList struct {
	Metadata struct {
		ResourceVersion string `json:"resourceVersion"`
	} `json:"metadata"`
	Items []node `json:"items"`
}

type node struct {
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		PodCIDR string `json:"podCIDR"`
	} `json:"spec"`
	Status struct {
		Addresses []struct{ Type, Address string } `json:"addresses"`
	} `json:"status"`
}

func (n node) address() string {
	for _, a := range n.Status.Addresses {
		if addr, err := netip.ParseAddr(a.Address); a.Type == "InternalIP" && err == nil && addr.Is4() {
			return a.Address
		}
	}
	return ""
}

// decide says what the nodes of the API mean for one of them. What is no IPv4
// network or address is left out: everything here goes into command lines.
func decide(nodes []node, me string) plan {
	p := plan{routes: map[string]string{}}
	var all []string
	own := ""
	for _, n := range nodes {
		cidr, err := netip.ParsePrefix(n.Spec.PodCIDR)
		if err != nil || !cidr.Addr().Is4() {
			continue
		}
		network := cidr.Masked().String()
		all = append(all, network)
		if n.Metadata.Name == me {
			own = network
		} else if address := n.address(); address != "" {
			p.routes[network] = address
		}
	}
	if own == "" {
		return p
	}
	slices.Sort(all)
	p.conf = `{"cniVersion":"0.4.0","name":"podnet","plugins":[` +
		`{"type":"ptp","ipMasq":false,"ipam":{"type":"host-local","dataDir":"/run/podnet","ranges":[[{"subnet":"` + own + `"}]],"routes":[{"dst":"0.0.0.0/0"}]}},` +
		`{"type":"portmap","capabilities":{"portMappings":true}}]}` + "\n"
	// What leaves for another pod keeps its address; what leaves the cluster takes
	// the node's.
	var rules strings.Builder
	rules.WriteString("*nat\n:PODNET - [0:0]\n")
	for _, network := range all {
		fmt.Fprintf(&rules, "-A PODNET -d %s -j RETURN\n", network)
	}
	fmt.Fprintf(&rules, "-A PODNET -s %s -m addrtype ! --dst-type LOCAL -j MASQUERADE\nCOMMIT\n", own)
	p.rules = rules.String()
	return p
}

// apply makes what differs from the last plan so: rules, routes, and last the
// file that tells the runtime that pods may come.
func (n *podnet) apply(ctx context.Context, p plan) error {
	if p.conf == "" {
		return fmt.Errorf("%s has no pod CIDR yet: %w", n.node, os.ErrNotExist)
	}
	if p.rules != n.plan.rules {
		if err := n.run(ctx, p.rules, "iptables-restore", "--noflush", "--wait", "10"); err != nil {
			return err
		}
		if n.run(ctx, "", "iptables", "-w", "10", "-t", "nat", "-C", "POSTROUTING", "-j", "PODNET") != nil {
			if err := n.run(ctx, "", "iptables", "-w", "10", "-t", "nat", "-A", "POSTROUTING", "-j", "PODNET"); err != nil {
				return err
			}
		}
	}
	for _, network := range slices.Sorted(maps.Keys(p.routes)) {
		if err := n.run(ctx, "", "ip", "route", "replace", network, "via", p.routes[network]); err != nil {
			return err
		}
	}
	for _, network := range slices.Sorted(maps.Keys(n.plan.routes)) {
		if _, stays := p.routes[network]; !stays {
			if err := n.run(ctx, "", "ip", "route", "del", network); err != nil {
				n.log.Print(err) // it may be gone already
			}
		}
	}
	if p.conf != n.plan.conf {
		if err := writeConf(n.conf, p.conf); err != nil {
			return err
		}
	}
	if p.conf != n.plan.conf || !maps.Equal(p.routes, n.plan.routes) {
		n.log.Printf("routes to %d other nodes", len(p.routes))
	}
	n.plan = p
	return nil
}

func writeConf(path, text string) error {
	temp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path))
	if err := os.WriteFile(temp, []byte(text), 0o644); err != nil {
		return fmt.Errorf("CNI configuration: %w", err)
	}
	if err := os.Rename(temp, path); err != nil {
		return fmt.Errorf("CNI configuration: %w", err)
	}
	return nil
}

// commandTime bounds one command; each takes milliseconds.
const commandTime = 20 * time.Second

func runCommand(ctx context.Context, input string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// statusError is an answer of the API that is not OK.
func statusError(path string, answer *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 512))
	return fmt.Errorf("GET %s: %s: %s", path, answer.Status, bytes.TrimSpace(text))
}
