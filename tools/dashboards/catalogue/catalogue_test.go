package catalogue

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const head = "# program: shop\n# jobs: shop till\n# state: exercised\n# source: a test\n"

func TestParse(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, err string }{
		"good":             {head + "counter a_total b,c\nhistogram d\n", ""},
		"no head":          {"counter a\n", `list:1: needs "# program:"`},
		"unknown state":    {strings.Replace(head, "exercised", "guessed", 1), `list:1: needs "# program:"`},
		"unknown kind":     {head + "number a\n", `list:5: "number" is no kind of metric`},
		"no name":          {head + "counter 1a\n", `list:5: "1a" is no name of a metric`},
		"no label":         {head + "counter a b-c\n", `list:5: "b-c" is no name of a label`},
		"label twice":      {head + "counter a b,b\n", `list:5: "b" is no name of a label, or stands there twice`},
		"twice":            {head + "counter a\ngauge a\n", `list:6: a stands there twice`},
		"too many columns": {head + "counter a b c\n", `list:5: is not "kind name labels"`},
	} {
		l, err := Parse("list", tt.text)
		if got := fmt.Sprint(err); tt.err == "" && err != nil || tt.err != "" && !strings.HasPrefix(got, tt.err) {
			t.Errorf("%s: error %v, want %s", name, err, tt.err)
		}
		if again, err := Parse("again", Format(l)); tt.err == "" && (err != nil || cmp.Diff(l, again) != "") {
			t.Errorf("%s: written and read again: %v\n%s", name, err, cmp.Diff(l, again))
		}
	}
}

func TestListsAreRead(t *testing.T) {
	t.Parallel()
	lists, err := Lists()
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]State{}
	for _, l := range lists {
		states[l.Program] = l.State
	}
	want := map[string]State{
		"cilium-agent": Declared, "cilium-operator": Declared, "edge-inference": Declared, "envoy": Declared, "hubble": Declared, "scrapes": Declared,
		"alertmanager": Exercised, "etcd": Exercised, "prometheus": Exercised, "jaeger": Exercised, "kube-apiserver": Exercised, "order-service": Exercised, "otelcol": Exercised,
	}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Errorf("programs (-want +got):\n%s", diff)
	}
}

func TestIndex(t *testing.T) {
	t.Parallel()
	l, err := Parse("l", head+"histogram h code\nsummary s\ngauge g a\nunknown u\n")
	if err != nil {
		t.Fatal(err)
	}
	other, err := Parse("o", "# program: other\n# jobs: other\n# state: declared\n# source: a test\ncounter g b\n")
	if err != nil {
		t.Fatal(err)
	}
	labels := func(names ...string) map[string]bool {
		out := map[string]bool{}
		for _, n := range names {
			out[n] = true
		}
		return out
	}
	shop := labels("shop", "till")
	want := Samples{
		"h_bucket": {Counter, true, labels("code", "le"), shop}, "h_sum": {Counter, false, labels("code"), shop}, "h_count": {Counter, false, labels("code"), shop},
		"s": {Gauge, false, labels("quantile"), shop}, "s_sum": {Counter, false, labels(), shop}, "s_count": {Counter, false, labels(), shop},
		"g": {Unknown, false, labels("a", "b"), labels("other", "shop", "till")}, "u": {Unknown, false, labels(), shop},
	}
	got := Index([]List{l, other})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"h_bucket", "h_count", "h_sum"}, got.Matching(regexp.MustCompile("^h_.*$"))); diff != "" {
		t.Errorf("matching (-want +got):\n%s", diff)
	}
}

func TestScrape(t *testing.T) {
	t.Parallel()
	const text = "# TYPE a_total counter\na_total{x=\"1\"} 1\na_total{y=\"1\"} 1\n# TYPE h histogram\nh_bucket{le=\"1\",r=\"a\"} 1\nh_sum{r=\"a\"} 1\nh_count{r=\"a\"} 1\n" +
		"# TYPE s summary\ns{quantile=\"1\"} 0\ns_sum 0\ns_count 0\nnaked 1\n"
	const open = "# TYPE a counter\na_total{x=\"1\"} 1\na_created{x=\"1\"} 1\n# TYPE i info\ni_info{v=\"1\"} 1\n# EOF\n"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/open":
			w.Header().Set("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
			fmt.Fprint(w, open)
		case r.URL.Path == "/bad":
			fmt.Fprint(w, "a{")
		case r.Header.Get("Authorization") != "Bearer key":
			w.WriteHeader(http.StatusForbidden)
		default:
			w.Header().Set("Content-Type", "text/plain; version=0.0.4")
			fmt.Fprint(w, text)
		}
	}))
	defer server.Close()
	got, err := Scrape(t.Context(), server.Client(), server.URL, "key")
	want := []Metric{{"a_total", Counter, []string{"x", "y"}}, {"h", Histogram, []string{"r"}}, {"naked", Unknown, nil}, {"s", Summary, nil}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, text (-want +got):\n%s", err, diff)
	}
	got, err = Scrape(t.Context(), server.Client(), server.URL+"/open", "")
	want = []Metric{{"a_total", Counter, []string{"x"}}, {"i_info", Gauge, []string{"v"}}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, OpenMetrics (-want +got):\n%s", err, diff)
	}
	for _, path := range []string{"", "/bad"} {
		if _, err := Scrape(t.Context(), server.Client(), server.URL+path, ""); err == nil {
			t.Errorf("%s: no error", path)
		}
	}
	merged := Merge([]Metric{{"a", Gauge, []string{"x"}}}, []Metric{{"a", Gauge, []string{"y", "x"}}, {"b", Gauge, nil}})
	if diff := cmp.Diff([]Metric{{"a", Gauge, []string{"x", "y"}}, {"b", Gauge, nil}}, merged); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
}

// FuzzParse holds that what is read can be written and read again.
func FuzzParse(f *testing.F) {
	f.Add(head + "counter a b,c\n")
	f.Add("# program: x\n#state:\n\ncounter a a,\n")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := Parse("list", text)
		if err != nil {
			return
		}
		if again, err := Parse("again", Format(l)); err != nil || cmp.Diff(l, again) != "" {
			t.Errorf("%v\n%s", err, cmp.Diff(l, again))
		}
	})
}

// FuzzFromExposition holds that no target's answer ends the reader.
func FuzzFromExposition(f *testing.F) {
	f.Add([]byte("# TYPE a counter\na_total 1\n"), "text/plain")
	f.Add([]byte("# TYPE a counter\na_total 1\n# EOF\n"), "application/openmetrics-text")
	f.Fuzz(func(_ *testing.T, body []byte, contentType string) {
		_, _ = FromExposition(body, contentType) // an error is an answer
	})
}
