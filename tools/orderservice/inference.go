package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Decisions of the model.
const (
	accepted = "accepted"
	review   = "review"
	refused  = "refused"
)

// question is what the model is asked. A feature that is not known is left out,
// and the model takes its mean.
type question struct {
	Features map[string]float64 `json:"features"`
}

// score is what the model answers.
type score struct {
	Score    float64 `json:"score"`
	Decision string  `json:"decision"` // accepted, review or refused
}

func (s score) check() error {
	switch {
	case !isShare(s.Score):
		return errors.New("the score is not from 0 to 1")
	case s.Decision != accepted && s.Decision != review && s.Decision != refused:
		return fmt.Errorf("the decision %q is not known", s.Decision)
	}
	return nil
}

func features(o Order) map[string]float64 {
	f := map[string]float64{"items": float64(o.count()), "total_minor_units": float64(o.total())}
	if o.MinutesSinceLastOrder != nil {
		f["minutes_since_last_order"] = float64(*o.MinutesSinceLastOrder)
	}
	if o.NewAddress != nil {
		f["new_address"] = 0
		if *o.NewAddress {
			f["new_address"] = 1
		}
	}
	return f
}

// model is the site's model for orders.
type model struct {
	url     string
	within  time.Duration
	client  *http.Client
	tracer  trace.Tracer
	metrics *metrics
}

// ask gives the model's word on an order, or why there is none in time.
func (m *model) ask(ctx context.Context, o Order) (score, error) {
	ctx, cancel := context.WithTimeout(ctx, m.within)
	defer cancel()
	ctx, span := m.tracer.Start(ctx, "POST /score", trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("http.request.method", http.MethodPost), attribute.String("url.full", m.url)))
	defer span.End()
	start := time.Now()
	answer, err := m.exchange(ctx, o)
	result := "scored"
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		result = "late"
	case err != nil:
		result = "failed"
	}
	observe(m.metrics.inference.WithLabelValues(result), time.Since(start), span.SpanContext())
	if err != nil {
		span.SetStatus(codes.Error, result)
		return score{}, fmt.Errorf("ask the model: %w", err)
	}
	return answer, nil
}

func (m *model) exchange(ctx context.Context, o Order) (score, error) {
	body, err := json.Marshal(question{Features: features(o)})
	if err != nil {
		return score{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url, bytes.NewReader(body))
	if err != nil {
		return score{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(req.Header))
	resp, err := m.client.Do(req)
	if err != nil {
		return score{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return score{}, fmt.Errorf("it answers %s", resp.Status)
	}
	var answer score
	// A newer model may say more than is understood here.
	if err := json.NewDecoder(io.LimitReader(resp.Body, 4<<10)).Decode(&answer); err != nil {
		return score{}, fmt.Errorf("its answer: %w", err)
	}
	return answer, answer.check()
}
