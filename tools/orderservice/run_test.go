package main

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
)

// receiver is an OTLP collector that keeps what it is sent.
type receiver struct {
	collector.UnimplementedTraceServiceServer
	mu   sync.Mutex
	sent []*tracepb.ResourceSpans
}

func (r *receiver) Export(_ context.Context, req *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent = append(r.sent, req.GetResourceSpans()...)
	return &collector.ExportTraceServiceResponse{}, nil
}

// spans are the spans received so far by name, with the resource's attributes
// among their own.
func (r *receiver) spans() map[string]map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string]map[string]string{}
	for _, rs := range r.sent {
		for _, ss := range rs.GetScopeSpans() {
			for _, span := range ss.GetSpans() {
				attributes := map[string]string{"kind": span.GetKind().String(), "trace": string(hex(span.GetTraceId())), "parent": string(hex(span.GetParentSpanId()))}
				for _, kv := range append(rs.GetResource().GetAttributes(), span.GetAttributes()...) {
					attributes[kv.GetKey()] = value(kv.GetValue())
				}
				out[span.GetName()] = attributes
			}
		}
	}
	return out
}

func hex(b []byte) []byte {
	const digits = "0123456789abcdef"
	var out []byte
	for _, c := range b {
		out = append(out, digits[c>>4], digits[c&15])
	}
	return out
}

func value(v *common.AnyValue) string {
	if s, ok := v.GetValue().(*common.AnyValue_StringValue); ok {
		return s.StringValue
	}
	return strings.TrimSpace(v.String())
}

func startReceiver(t *testing.T, address string) *receiver {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	r, srv := &receiver{}, grpc.NewServer()
	collector.RegisterTraceServiceServer(srv, r)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	t.Cleanup(func() {
		srv.Stop()
		if err := <-done; err != nil {
			t.Errorf("the receiver: %v", err)
		}
	})
	return r
}

// TestTraces sends an order through the whole program to a real OTLP receiver.
func TestTraces(t *testing.T) {
	address := freeAddress(t)
	r := startReceiver(t, address)
	p := start(t, "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+address, "OTEL_SERVICE_NAME=order-service", "OTEL_TRACES_SAMPLER=always_on")
	const trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	// The gateway did not sample; always_on does all the same.
	code, body, err := send(t, http.MethodPost, p.orders+submitRoute, goodOrder, "traceparent: 00-"+trace+"-"+parent+"-00")
	if err != nil || code != http.StatusCreated {
		t.Fatalf("%d %s %v", code, body, err)
	}
	p.stop() // sends what is left
	if code := p.code(t); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	got := r.spans()["POST /order/submit"]
	if got["service.instance.id"] == "" {
		t.Error("no service.instance.id")
	}
	delete(got, "service.instance.id")
	if diff := cmp.Diff(map[string]string{
		"service.name": "order-service", "dualtrack.site": "osaka", "kind": "SPAN_KIND_SERVER", "trace": trace, "parent": parent,
		"http.request.method": "POST", "http.route": "/order/submit", "url.path": "/order/submit", "http.response.status_code": "int_value:201",
		"order.id": parse[receipt](t, body).ID, "order.currency": "JPY", "order.items": "int_value:3", "order.total_minor_units": "int_value:1999",
		"order.outcome": "accepted",
	}, got); diff != "" {
		t.Errorf("span (-want +got):\n%s", diff)
	}
	if !strings.Contains(p.log.String(), `"trace":"`+trace+`"`) {
		t.Errorf("the log does not name the trace:\n%s", p.log)
	}
}

// TestCollectorAway takes orders while nobody takes spans, and sends them once
// somebody does.
func TestCollectorAway(t *testing.T) {
	address := freeAddress(t)
	p := start(t, "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+address, "OTEL_TRACES_SAMPLER=always_on")
	begun := time.Now()
	for range 20 {
		if code, body, err := send(t, http.MethodPost, p.orders+submitRoute, goodOrder); err != nil || code != http.StatusCreated {
			t.Fatalf("%d %s %v", code, body, err)
		}
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("20 orders took %s", took)
	}
	r := startReceiver(t, address)
	eventually(t, "the spans arrive", func() bool { return r.spans()["POST /order/submit"] != nil })
	p.stop()
	if code := p.code(t); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

func TestCollectorNeverThere(t *testing.T) {
	p := start(t, "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+freeAddress(t), "OTEL_TRACES_SAMPLER=always_on")
	if code, body, err := send(t, http.MethodPost, p.orders+submitRoute, goodOrder); err != nil || code != http.StatusCreated {
		t.Fatalf("%d %s %v", code, body, err)
	}
	begun := time.Now()
	p.stop()
	if code, took := p.code(t), time.Since(begun); code != exitOK || took > flushWithin+3*time.Second {
		t.Errorf("exit code %d after %s", code, took)
	}
}

// TestEnd finishes the order in flight, after it was said not to be ready.
func TestEnd(t *testing.T) {
	p := start(t, "FAULT_LATENCY=400ms", "SHUTDOWN_DELAY=200ms")
	type result struct {
		code int
		err  error
	}
	done := make(chan result, 1)
	go func() {
		code, _, err := send(t, http.MethodPost, p.orders+submitRoute, goodOrder)
		done <- result{code, err}
	}()
	eventually(t, "the order is in flight", func() bool {
		_, text, err := send(t, http.MethodGet, p.metrics+"/metrics", "")
		return err == nil && strings.Contains(text, `order_faults_injected_total{kind="latency"} 1`)
	})
	p.stop()
	eventually(t, "not ready, but still serving", func() bool {
		code, _, err := send(t, http.MethodGet, p.orders+"/readyz", "")
		return err == nil && code == http.StatusServiceUnavailable
	})
	if code, _, err := send(t, http.MethodGet, p.orders+"/healthz", ""); err != nil || code != http.StatusOK {
		t.Errorf("/healthz answers %d, %v", code, err)
	}
	if got := <-done; got.err != nil || got.code != http.StatusCreated {
		t.Errorf("the order in flight is answered %d, %v", got.code, got.err)
	}
	if code := p.code(t); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

func TestWrongStarts(t *testing.T) {
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	taken, free := l.Addr().String(), freeAddress(t)
	for name, tc := range map[string]struct {
		pairs []string
		code  int
		want  string
	}{
		"the environment":   {[]string{"CURRENCY=x"}, exitUse, "three capital letters"},
		"the orders' port":  {[]string{"LISTEN_ADDRESS=" + taken, "METRICS_ADDRESS=" + free}, exitFailure, "cannot listen"},
		"the metrics' port": {[]string{"LISTEN_ADDRESS=" + free, "METRICS_ADDRESS=" + taken}, exitFailure, "cannot listen"},
	} {
		var log lines
		if code := run(t.Context(), environ(tc.pairs...), &log); code != tc.code || !strings.Contains(log.String(), tc.want) {
			t.Errorf("%s: exit code %d, want %d; log %s", name, code, tc.code, log.String())
		}
	}
}
