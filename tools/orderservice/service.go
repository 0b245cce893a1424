package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const submitRoute = "/order/submit"

// receipt is the answer to an order that was taken.
type receipt struct {
	ID     string   `json:"id"`
	Status string   `json:"status"` // accepted or review
	Site   string   `json:"site"`
	Total  amount   `json:"total"`
	Score  *float64 `json:"score,omitempty"` // absent when no model was heard
}

type amount struct {
	MinorUnits int64  `json:"minorUnits"`
	Currency   string `json:"currency"`
}

// failure is the answer to everything that was not done.
type failure struct {
	Error string `json:"error"`
}

// service answers requests.
type service struct {
	cfg     config
	log     *slog.Logger
	metrics *metrics
	tracer  trace.Tracer
	model   *model // nil without one
	faults  *injector
	leaving atomic.Bool // the end is near: not ready
}

func newService(cfg config, provider *sdktrace.TracerProvider, m *metrics, log *slog.Logger) (*service, error) {
	if err := cfg.faults.check(); err != nil {
		return nil, err
	}
	s := &service{cfg: cfg, log: log, metrics: m, tracer: provider.Tracer("order-service"), faults: newInjector(cfg.faults)}
	if cfg.inference != "" {
		s.model = &model{
			url: cfg.inference + "/score", within: cfg.askWithin, tracer: s.tracer, metrics: m,
			// Its own: idle connections of a site's model are few and worth keeping.
			client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32, IdleConnTimeout: time.Minute}},
		}
	}
	if cfg.faults != (Faults{}) || cfg.faultsEnabled {
		log.Warn("faults may be injected", "faults", cfg.faults, "at run time", cfg.faultsEnabled)
	}
	return s, nil
}

// orderHandler is what the shop and the kubelet see.
func (s *service) orderHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+submitRoute, s.submit)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		s.probe(w, !s.faults.get().Liveness)
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		s.probe(w, s.ready())
	})
	return mux
}

// operationsHandler is what Prometheus and operators see.
func (s *service) operationsHandler() http.Handler {
	mux := http.NewServeMux()
	// Only OpenMetrics has exemplars. Who asks for the old format still gets it.
	metrics := promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{Registry: s.metrics.registry, EnableOpenMetrics: true})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		s.metrics.ready.Set(0)
		if s.ready() {
			s.metrics.ready.Set(1)
		}
		metrics.ServeHTTP(w, r)
	})
	if s.cfg.faultsEnabled {
		s.faultRoutes(mux)
	}
	return mux
}

func (s *service) ready() bool { return !s.leaving.Load() && !s.faults.get().Readiness }

func (s *service) probe(w http.ResponseWriter, well bool) {
	code, text := http.StatusOK, "ok\n"
	if !well {
		code, text = http.StatusServiceUnavailable, "not now\n"
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text)) // a prober that has left
}

// submit takes one order.
func (s *service) submit(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := s.tracer.Start(ctx, "POST "+submitRoute, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", r.Method),
		attribute.String("http.route", submitRoute),
		attribute.String("url.path", r.URL.Path),
		attribute.String("order.currency", s.cfg.currency),
	))
	defer span.End()
	code, outcome, body := s.take(ctx, span, w, r)
	if code == 0 { // the program ends instead of an answer
		return
	}
	span.SetAttributes(attribute.Int("http.response.status_code", code), attribute.String("order.outcome", outcome))
	if code >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, outcome)
	}
	s.answer(w, code, body)
	took := time.Since(start)
	observe(s.metrics.requests.WithLabelValues(submitRoute, strconv.Itoa(code)), took, span.SpanContext())
	s.metrics.orders.WithLabelValues(outcome).Inc()
	s.log.InfoContext(ctx, "order", "outcome", outcome, "code", code, "took", took.String(), "trace", span.SpanContext().TraceID().String())
}

// take works on one order and gives its answer. Code 0 is none at all.
func (s *service) take(ctx context.Context, span trace.Span, w http.ResponseWriter, r *http.Request) (code int, outcome string, body any) {
	order, err := decodeOrder(r.Body)
	if errors.Is(err, errTooLarge) {
		w.Header().Set("Connection", "close") // the rest is not read
		return http.StatusRequestEntityTooLarge, "invalid", failure{Error: err.Error()}
	}
	if err != nil {
		return http.StatusBadRequest, "invalid", failure{Error: "the order is not understood: " + err.Error()}
	}
	if err := order.check(s.cfg.currency); err != nil {
		return http.StatusUnprocessableEntity, "invalid", failure{Error: err.Error()}
	}
	// Only now: of a client that leaves the server hears once the body is read.
	if stop, code := s.suffer(ctx); stop {
		return code, "failed", failure{Error: "a fault was injected"}
	}
	total := order.total()
	span.SetAttributes(attribute.Int64("order.items", order.count()), attribute.Int64("order.total_minor_units", total))
	answer := receipt{ID: rand.Text(), Status: accepted, Site: s.cfg.site, Total: amount{MinorUnits: total, Currency: s.cfg.currency}}
	if s.model != nil {
		word, err := s.model.ask(ctx, order)
		switch {
		case err != nil:
			s.log.WarnContext(ctx, "an order goes on without the model", "error", err)
		case word.Decision == refused:
			return http.StatusForbidden, refused, failure{Error: "the order is refused"}
		default:
			answer.Status, answer.Score = word.Decision, &word.Score
		}
	}
	span.SetAttributes(attribute.String("order.id", answer.ID))
	s.metrics.value.WithLabelValues(s.cfg.currency).Add(float64(total))
	return http.StatusCreated, answer.Status, answer
}

// suffer puts the faults in force on one order. When it stops the order, code is
// the answer's, 0 without one.
func (s *service) suffer(ctx context.Context) (stop bool, code int) {
	blow := s.faults.next()
	if blow.crash {
		s.metrics.faults.WithLabelValues("crash").Inc()
		s.faults.exit()
		<-ctx.Done() // the connection ends with the program
		return true, 0
	}
	if blow.wait > 0 {
		s.metrics.faults.WithLabelValues("latency").Inc()
		timer := time.NewTimer(blow.wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return true, 499 // the client has left; nobody reads it
		}
	}
	if blow.fail {
		s.metrics.faults.WithLabelValues("error").Inc()
		return true, http.StatusInternalServerError
	}
	return false, 0
}

// answer writes JSON. A client that has left is no error.
func (s *service) answer(w http.ResponseWriter, code int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		s.log.Error("an answer cannot be written", "error", err)
		code, text = http.StatusInternalServerError, []byte(`{"error":"internal"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(append(text, '\n'))
}
