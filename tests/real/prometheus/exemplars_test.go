//go:build real

package prometheus_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"dualtrack.internal/tests/real/jaeger"
)

// fetch reads one JSON answer of a program on loopback.
func fetch(t *testing.T, address string, into any) {
	t.Helper()
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		t.Fatalf("%s: %v", address, err)
	}
}

// leadsToTrace follows a point of the order service's histogram as Grafana does: the
// exemplar that Prometheus keeps, its trace_id, and the trace that Jaeger has of it.
func leadsToTrace(t *testing.T, s *server, traces *jaeger.Jaeger) {
	t.Helper()
	ask := url.Values{"query": {`http_request_duration_seconds_bucket{job="order-service",code="201"}`}}
	var id string
	until(t, time.Minute, func() string { return "Prometheus keeps no exemplar\n" + s.words() }, func() bool {
		ask.Set("start", time.Now().Add(-5*time.Minute).UTC().Format(time.RFC3339))
		ask.Set("end", time.Now().Add(time.Minute).UTC().Format(time.RFC3339))
		var found struct {
			Data []struct {
				Exemplars []struct {
					Labels map[string]string `json:"labels"`
				} `json:"exemplars"`
			} `json:"data"`
		}
		fetch(t, s.url+"/api/v1/query_exemplars?"+ask.Encode(), &found)
		for _, series := range found.Data {
			for _, e := range series.Exemplars {
				id = e.Labels["trace_id"]
			}
		}
		return id != ""
	})
	var names []string
	until(t, time.Minute, func() string { return "Jaeger knows no trace " + id }, func() bool {
		var found struct {
			Data []struct {
				TraceID string `json:"traceID"`
				Spans   []struct {
					OperationName string `json:"operationName"`
				} `json:"spans"`
			} `json:"data"`
		}
		fetch(t, "http://"+traces.Query+"/api/traces/"+id, &found)
		for _, trace := range found.Data {
			for _, span := range trace.Spans {
				names = append(names, span.OperationName)
			}
		}
		return len(names) > 0
	})
	if !slices.Contains(names, "POST /order/submit") {
		t.Errorf("the trace %s of an order has the spans %v", id, names)
	}
	t.Logf("exemplar %s is a trace of %d spans", id, len(names))
}
