package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestConfig(t *testing.T) {
	t.Parallel()
	// What the chart's ConfigMap gives a site with a model and every fault.
	got, err := configFrom(environ(
		"SITE=edge-osaka", "CURRENCY=JPY", "INFERENCE_URL=http://edge-inference.inference.svc.cluster.local", "INFERENCE_TIMEOUT=80ms",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://otel-agent.node-agents.svc.cluster.local:4317", "OTEL_SERVICE_NAME=order-service",
		"OTEL_TRACES_SAMPLER=always_on", "FAULTS_ENABLED=true", "FAULT_LATENCY=200ms", "FAULT_LATENCY_SHARE=0.5", "FAULT_ERROR_SHARE=0.25",
		"FAULT_MEMORY_MIB=64", "FAULT_CRASH_AFTER=1000000", "FAULT_CRASH_AT_START=false", "FAULT_READINESS=true", "FAULT_LIVENESS=true",
	))
	if err != nil {
		t.Fatal(err)
	}
	want := config{
		site: "edge-osaka", currency: "JPY", inference: "http://edge-inference.inference.svc.cluster.local", askWithin: 80 * time.Millisecond,
		otlp: "http://otel-agent.node-agents.svc.cluster.local:4317", serviceName: "order-service", sampler: "always_on",
		listen: ":8080", metricsListen: ":9464", handOver: 5 * time.Second, faultsEnabled: true,
		faults: Faults{
			Latency: Duration(200 * time.Millisecond), LatencyShare: .5, ErrorShare: .25, MemoryMiB: 64, CrashAfter: 1000000,
			Readiness: true, Liveness: true,
		},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(config{})); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	got, err = configFrom(environ())
	if err != nil || got.currency != "EUR" || got.faults != (Faults{}) || got.inference != "" || got.faultsEnabled {
		t.Errorf("an empty environment gives %+v, %v", got, err)
	}
}

func TestConfigComplains(t *testing.T) {
	t.Parallel()
	for _, pair := range []string{
		"CURRENCY=yen", "INFERENCE_URL=edge-inference", "INFERENCE_URL=ftp://x", "INFERENCE_URL=http://me:word@x", "INFERENCE_TIMEOUT=soon", "INFERENCE_TIMEOUT=-1s",
		"OTEL_EXPORTER_OTLP_ENDPOINT=agent:4317", "OTEL_TRACES_SAMPLER=often", "SHUTDOWN_DELAY=1m", "FAULTS_ENABLED=perhaps",
		"FAULT_LATENCY=31s", "FAULT_LATENCY_SHARE=2", "FAULT_ERROR_SHARE=NaN", "FAULT_MEMORY_MIB=-1", "FAULT_MEMORY_MIB=1e3",
		"FAULT_CRASH_AFTER=x", "FAULT_CRASH_AT_START=x", "FAULT_READINESS=x", "FAULT_LIVENESS=x",
	} {
		name, value, _ := strings.Cut(pair, "=")
		_, err := configFrom(environ(pair))
		if err == nil || !strings.Contains(err.Error(), name+`="`+value+`": want `) {
			t.Errorf("%s: the error is %v", pair, err)
		}
	}
	if _, err := configFrom(environ("FAULT_MEMORY_MIB=100000")); err == nil || !strings.Contains(err.Error(), "memoryMiB: want 0 to 65536") {
		t.Errorf("too much memory: the error is %v", err)
	}
	_, err := configFrom(environ("CURRENCY=x", "FAULT_LATENCY=x"))
	if err == nil || !strings.Contains(err.Error(), "CURRENCY") || !strings.Contains(err.Error(), "FAULT_LATENCY") {
		t.Errorf("two wrong variables give %v", err)
	}
}
