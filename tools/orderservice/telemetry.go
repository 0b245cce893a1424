package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const (
	exportEvery  = 2 * time.Second
	exportWithin = 5 * time.Second
	complainGap  = time.Minute // between two complaints about the collector
)

// tracing exports spans in the background. What the collector does not take in
// time is dropped and counted; nothing waits for it.
type tracing struct {
	provider *sdktrace.TracerProvider
	exporter sdktrace.SpanExporter // nil without one
}

func startTracing(ctx context.Context, cfg config, host string, m *metrics, log *slog.Logger) (*tracing, error) {
	decide, err := sampler(cfg.sampler)
	if err != nil {
		return nil, err
	}
	options := []sdktrace.TracerProviderOption{
		sdktrace.WithSampler(decide),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", cfg.serviceName),
			attribute.String("service.instance.id", host),
			attribute.String("dualtrack.site", cfg.site),
		)),
	}
	t := &tracing{}
	if cfg.otlp != "" {
		// Connects when the first spans are sent, and again whenever it must.
		t.exporter, err = otlptracegrpc.New(ctx, otlptracegrpc.WithEndpointURL(cfg.otlp), otlptracegrpc.WithTimeout(exportWithin))
		if err != nil {
			return nil, fmt.Errorf("exporter to %s: %w", cfg.otlp, err)
		}
		options = append(options, sdktrace.WithBatcher(&counting{SpanExporter: t.exporter, metrics: m, log: log},
			sdktrace.WithBatchTimeout(exportEvery), sdktrace.WithExportTimeout(exportWithin)))
	}
	t.provider = sdktrace.NewTracerProvider(options...)
	return t, nil
}

// stop sends what is left, for as long as ctx allows.
func (t *tracing) stop(ctx context.Context) error {
	err := t.provider.Shutdown(ctx)
	if err != nil && t.exporter != nil {
		err = errors.Join(err, t.exporter.Shutdown(ctx)) // ends the attempt that goes on
	}
	return err
}

// counting counts what an exporter does, and complains now and then.
type counting struct {
	sdktrace.SpanExporter
	metrics *metrics
	log     *slog.Logger

	mu   sync.Mutex
	last time.Time
}

// ExportSpans hands spans on. It reports no failure: it has counted it.
func (c *counting) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := c.SpanExporter.ExportSpans(ctx, spans)
	if err == nil {
		c.metrics.spans.WithLabelValues("sent").Add(float64(len(spans)))
		return nil
	}
	c.metrics.spans.WithLabelValues("dropped").Add(float64(len(spans)))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last.IsZero() || time.Since(c.last) >= complainGap {
		c.last = time.Now()
		c.log.Warn("the collector does not take spans", "dropped", len(spans), "error", err)
	}
	return nil
}

// sampler is the one that OpenTelemetry calls by this name.
func sampler(name string) (sdktrace.Sampler, error) {
	switch name {
	case "always_on":
		return sdktrace.AlwaysSample(), nil
	case "always_off":
		return sdktrace.NeverSample(), nil
	case "parentbased_always_on":
		return sdktrace.ParentBased(sdktrace.AlwaysSample()), nil
	case "parentbased_always_off":
		return sdktrace.ParentBased(sdktrace.NeverSample()), nil
	}
	return nil, fmt.Errorf("always_on, always_off, parentbased_always_on or parentbased_always_off")
}

// metrics are what Prometheus reads.
type metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.HistogramVec // by route and status code
	orders    *prometheus.CounterVec   // by outcome
	value     *prometheus.CounterVec   // of orders taken, by currency
	inference *prometheus.HistogramVec // by result
	faults    *prometheus.CounterVec   // by kind
	spans     *prometheus.CounterVec   // by result
	ready     prometheus.Gauge
}

func newMetrics() *metrics {
	seconds := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_request_duration_seconds", Help: "Time to answer a request.", Buckets: seconds,
		}, []string{"route", "code"}),
		orders: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orders_total", Help: "Orders by what became of them.",
		}, []string{"outcome"}),
		value: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orders_value_minor_units_total", Help: "Sum of the orders taken, in the currency's minor units.",
		}, []string{"currency"}),
		inference: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "order_inference_duration_seconds", Help: "Time the site's model was waited for.", Buckets: seconds,
		}, []string{"result"}),
		faults: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "order_faults_injected_total", Help: "Orders that a fault was put on.",
		}, []string{"kind"}),
		spans: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "order_spans_total", Help: "Spans given to the collector, or dropped because it did not take them.",
		}, []string{"result"}),
		ready: prometheus.NewGauge(prometheus.GaugeOpts{Name: "order_service_ready", Help: "1 while /readyz says so."}),
	}
	m.registry.MustRegister(m.requests, m.orders, m.value, m.inference, m.faults, m.spans, m.ready,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// observe puts a time into a histogram, with the trace that took it where there is
// one: of each bucket the last is kept, and leads from a graph to a trace.
func observe(h prometheus.Observer, took time.Duration, span trace.SpanContext) {
	if with, ok := h.(prometheus.ExemplarObserver); ok && span.IsSampled() {
		with.ObserveWithExemplar(took.Seconds(), prometheus.Labels{"trace_id": span.TraceID().String()})
		return
	}
	h.Observe(took.Seconds())
}
