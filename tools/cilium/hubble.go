package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cilium/cilium/api/v1/flow"
	"github.com/cilium/cilium/pkg/hubble/metrics"
	"github.com/cilium/cilium/pkg/hubble/metrics/api"
	monitor "github.com/cilium/cilium/pkg/monitor/api"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// hubbleSetting is the list of Hubble's metrics that the component asks for.
func hubbleSetting(root string) ([]string, error) {
	path := filepath.Join(root, "components", "cilium", "base", "settings.env")
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the settings: %w", err)
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if value, ok := strings.CutPrefix(line, "hubble-metrics="); ok {
			return strings.Fields(value), nil
		}
	}
	return nil, fmt.Errorf("%s has no hubble-metrics", path)
}

// hubbleMetrics are the metrics that Hubble's handlers of a list show after one
// flow of each sort. A handler whose metric no flow reaches is an error: what it
// exports would not be known.
func hubbleMetrics(ctx context.Context, wanted []string) ([]exported, error) {
	registry := prometheus.NewPedanticRegistry()
	handlers, err := api.DefaultRegistry().ConfigureHandlers(registry, api.ParseMetricList(wanted))
	if err != nil {
		return nil, fmt.Errorf("the setting %v: %w", wanted, err)
	}
	if err := registry.Register(metrics.LostEvents); err != nil {
		return nil, fmt.Errorf("registering: %w", err)
	}
	metrics.LostEvents.WithLabelValues("x")
	for _, f := range flows() {
		if err := handlers.ProcessFlow(ctx, f); err != nil {
			return nil, fmt.Errorf("counting a flow: %w", err)
		}
	}
	out, err := gather(registry)
	if err != nil {
		return nil, err
	}
	described := make(chan *prometheus.Desc)
	go func() {
		registry.Describe(described)
		close(described)
	}()
	var unseen []string
	for d := range described {
		if !slices.ContainsFunc(out, func(e exported) bool { return strings.Contains(d.String(), fmt.Sprintf("%q", e.name)) }) {
			unseen = append(unseen, d.String())
		}
	}
	if len(unseen) > 0 {
		return nil, fmt.Errorf("no flow reaches %s", strings.Join(unseen, ", "))
	}
	return out, nil
}

// flows are one of each sort that the handlers tell apart.
func flows() []*flow.Flow {
	tcp := &flow.Layer4{Protocol: &flow.Layer4_TCP{TCP: &flow.TCP{DestinationPort: 443, Flags: &flow.TCPFlags{SYN: true}}}}
	ping := &flow.Layer4{Protocol: &flow.Layer4_ICMPv4{ICMPv4: &flow.ICMPv4{Type: 8}}}
	ip, asks, answers := &flow.IP{IpVersion: flow.IPVersion_IPv4}, wrapperspb.Bool(false), wrapperspb.Bool(true)
	of := func(kind int32) *flow.CiliumEventType { return &flow.CiliumEventType{Type: kind} }
	dns := &flow.Layer7{Record: &flow.Layer7_Dns{Dns: &flow.DNS{Qtypes: []string{"A"}, Rrtypes: []string{"A"}, Ips: []string{"192.0.2.1"}}}}
	return []*flow.Flow{
		{Verdict: flow.Verdict_FORWARDED, EventType: of(monitor.MessageTypeTrace), IP: ip, L4: tcp, IsReply: asks},
		{Verdict: flow.Verdict_FORWARDED, EventType: of(monitor.MessageTypeTrace), IP: ip, L4: ping, IsReply: asks},
		{Verdict: flow.Verdict_DROPPED, EventType: of(monitor.MessageTypeDrop), IP: ip, L4: tcp, DropReasonDesc: flow.DropReason_POLICY_DENIED},
		{Verdict: flow.Verdict_DROPPED, EventType: of(monitor.MessageTypePolicyVerdict), IP: ip, L4: tcp, TrafficDirection: flow.TrafficDirection_EGRESS},
		{Verdict: flow.Verdict_FORWARDED, EventType: of(monitor.MessageTypeAccessLog), IP: ip, L7: dns, IsReply: asks},
		{Verdict: flow.Verdict_FORWARDED, EventType: of(monitor.MessageTypeAccessLog), IP: ip, L7: dns, IsReply: answers},
	}
}
