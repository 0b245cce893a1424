package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestEndpoints(t *testing.T) {
	t.Parallel()
	s := newTestService(t)
	large := `{"customer":"` + strings.Repeat("x", maxBody) + `"}`
	for name, tc := range map[string]struct {
		method, path, body string
		code               int
		text               string
		operations         bool
	}{
		"an order":               {"POST", "/order/submit", goodOrder, 201, `"total":{"minorUnits":1999,"currency":"JPY"}`, false},
		"not understood":         {"POST", "/order/submit", "{", 400, "not understood", false},
		"not sound":              {"POST", "/order/submit", `{"customer":"c","items":[]}`, 422, "items: want", false},
		"too large":              {"POST", "/order/submit", large, 413, "larger than", false},
		"an order read":          {"GET", "/order/submit", "", 405, "", false},
		"nothing there":          {"GET", "/order/1", "", 404, "", false},
		"alive":                  {"GET", "/healthz", "", 200, "ok", false},
		"ready":                  {"GET", "/readyz", "", 200, "ok", false},
		"no metrics for shops":   {"GET", "/metrics", "", 404, "", false},
		"metrics":                {"GET", "/metrics", "", 200, "order_service_ready 1", true},
		"no orders there":        {"POST", "/order/submit", goodOrder, 404, "", true},
		"faults are not enabled": {"PUT", "/faults", "{}", 404, "", true},
	} {
		h := s.orderHandler()
		if tc.operations {
			h = s.operationsHandler()
		}
		code, body := call(t, h, tc.method, tc.path, tc.body)
		if code != tc.code || !strings.Contains(body, tc.text) {
			t.Errorf("%s: answers %d %q, want %d and %q", name, code, body, tc.code, tc.text)
		}
	}
	for outcome, want := range map[string]float64{accepted: 1, "invalid": 3, "failed": 0} {
		if got := testutil.ToFloat64(s.metrics.orders.WithLabelValues(outcome)); got != want {
			t.Errorf("%v orders are %s, want %v", got, outcome, want)
		}
	}
	if got := testutil.ToFloat64(s.metrics.value.WithLabelValues("JPY")); got != 1999 {
		t.Errorf("the orders' value is %v", got)
	}
}

func TestMetricsAreSound(t *testing.T) {
	t.Parallel()
	s := newTestService(t)
	call(t, s.orderHandler(), "POST", submitRoute, goodOrder)
	call(t, s.operationsHandler(), "GET", "/metrics", "")
	problems, err := testutil.GatherAndLint(s.metrics.registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("metrics: %v, %v", problems, err)
	}
}

// TestExemplars holds that a sampled order's trace stands at its time, for who asks
// for OpenMetrics, and that one which nobody keeps does not.
func TestExemplars(t *testing.T) {
	t.Parallel()
	const id = "0af7651916cd43dd8448eb211c80319c"
	for flags, want := range map[string]bool{"01": true, "00": false} {
		s := newTestService(t)
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, submitRoute, strings.NewReader(goodOrder))
		req.Header.Set("Traceparent", "00-"+id+"-b7ad6b7169203331-"+flags)
		s.orderHandler().ServeHTTP(httptest.NewRecorder(), req)
		for accept, open := range map[string]bool{"application/openmetrics-text;version=1.0.0": true, "text/plain": false} {
			req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
			req.Header.Set("Accept", accept)
			answer := httptest.NewRecorder()
			s.operationsHandler().ServeHTTP(answer, req)
			if got := strings.Contains(answer.Body.String(), `# {trace_id="`+id+`"}`); got != (want && open) {
				t.Errorf("flags %s, %s: exemplar %v", flags, accept, got)
			}
		}
	}
}

func TestModel(t *testing.T) {
	t.Parallel()
	low, middle := .1, .6
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		code    int
		want    receipt
		result  string
	}{
		"accepts":              {answers(200, `{"score":0.1,"decision":"accepted"}`), 201, receipt{Status: accepted, Score: &low}, "scored"},
		"a newer model":        {answers(200, `{"score":0.1,"decision":"accepted","why":["x"]}`), 201, receipt{Status: accepted, Score: &low}, "scored"},
		"wants a review":       {answers(200, `{"score":0.6,"decision":"review"}`), 201, receipt{Status: review, Score: &middle}, "scored"},
		"refuses":              {answers(200, `{"score":0.99,"decision":"refused"}`), 403, receipt{}, "scored"},
		"fails":                {answers(500, ``), 201, receipt{Status: accepted}, "failed"},
		"talks nonsense":       {answers(200, `<html>`), 201, receipt{Status: accepted}, "failed"},
		"knows other words":    {answers(200, `{"score":0.1,"decision":"maybe"}`), 201, receipt{Status: accepted}, "failed"},
		"scores beyond 1":      {answers(200, `{"score":7,"decision":"refused"}`), 201, receipt{Status: accepted}, "failed"},
		"says too much":        {answers(200, `{"x":"`+strings.Repeat("x", 8<<10)+`"}`), 201, receipt{Status: accepted}, "failed"},
		"thinks for too long":  {silent, 201, receipt{Status: accepted}, "late"},
		"begins and then hang": {hangs, 201, receipt{Status: accepted}, "late"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(tc.handler)
			defer srv.Close()
			wait := "5s"
			if tc.result == "late" {
				wait = "50ms"
			}
			s := newTestService(t, "INFERENCE_URL="+srv.URL+"/", "INFERENCE_TIMEOUT="+wait)
			begun := time.Now()
			code, body := call(t, s.orderHandler(), "POST", submitRoute, goodOrder)
			if code != tc.code || time.Since(begun) > 4*time.Second {
				t.Fatalf("answers %d %q after %s, want %d", code, body, time.Since(begun), tc.code)
			}
			if got := testutil.CollectAndCount(s.metrics.inference); got != 1 || !strings.Contains(gathered(t, s), `result="`+tc.result+`"`) {
				t.Errorf("the model's result is not %s", tc.result)
			}
			if code == http.StatusForbidden {
				return
			}
			tc.want.Site, tc.want.Total = "osaka", amount{MinorUnits: 1999, Currency: "JPY"}
			got := parse[receipt](t, body)
			if diff := cmp.Diff(tc.want, got, cmpopts.IgnoreFields(receipt{}, "ID")); diff != "" || len(got.ID) < 20 {
				t.Errorf("receipt %q (-want +got):\n%s", got.ID, diff)
			}
		})
	}
}

// silent reads the question first: only then the server sees the client leave.
func silent(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func hangs(w http.ResponseWriter, r *http.Request) {
	_, _ = w.Write([]byte(`{"score":`))
	w.(http.Flusher).Flush()
	silent(w, r)
}

func gathered(t *testing.T, s *service) string {
	t.Helper()
	_, text := call(t, s.operationsHandler(), "GET", "/metrics", "")
	return text
}

func answers(code int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = w.Write([]byte(text))
	}
}

func TestModelIsAskedForWhatIsKnown(t *testing.T) {
	t.Parallel()
	asked := make(chan question, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q question
		if err := decodeStrict(r.Body, 4<<10, &q); err != nil || r.URL.Path != "/score" || r.Header.Get("traceparent") == "" {
			t.Errorf("%s asks %+v, %v, traceparent %q", r.URL, q, err, r.Header.Get("traceparent"))
		}
		asked <- q
		answers(200, `{"score":0,"decision":"accepted"}`)(w, r)
	}))
	defer srv.Close()
	s := newTestService(t, "INFERENCE_URL="+srv.URL, "INFERENCE_TIMEOUT=5s")
	for body, want := range map[string]map[string]float64{
		goodOrder: {"items": 3, "total_minor_units": 1999},
		`{"minutesSinceLastOrder":7,"newAddress":true,` + goodOrder[1:]: {"items": 3, "total_minor_units": 1999, "minutes_since_last_order": 7, "new_address": 1},
		`{"newAddress":false,` + goodOrder[1:]:                          {"items": 3, "total_minor_units": 1999, "new_address": 0},
	} {
		if code, text := call(t, s.orderHandler(), "POST", submitRoute, body); code != http.StatusCreated {
			t.Fatalf("answers %d %s", code, text)
		}
		if diff := cmp.Diff(want, (<-asked).Features); diff != "" {
			t.Errorf("features (-want +got):\n%s", diff)
		}
	}
}
