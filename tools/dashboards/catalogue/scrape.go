package catalogue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

const (
	maxScrape    = 64 << 20
	scrapeWithin = 10 * time.Second
	// accept is what Prometheus asks for when native histograms are off.
	accept = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)

// Scrape reads a target's metrics as Prometheus would.
func Scrape(ctx context.Context, client *http.Client, url, token string) ([]Metric, error) {
	ctx, cancel := context.WithTimeout(ctx, scrapeWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("scraping %s: %w", url, err)
	}
	req.Header.Set("Accept", accept)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("scraping: %w", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxScrape+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("scraping %s: %w", url, err)
	case len(body) > maxScrape:
		return nil, fmt.Errorf("scraping %s: it has more than %d bytes", url, maxScrape)
	case answer.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("scraping %s: %s", url, answer.Status)
	}
	return FromExposition(body, answer.Header.Get("Content-Type"))
}

// FromExposition reads metrics in the text or the OpenMetrics format, with
// Prometheus' own parser.
func FromExposition(body []byte, contentType string) ([]Metric, error) {
	p, err := textparse.New(body, contentType, false)
	if err != nil {
		return nil, fmt.Errorf("the metrics' format %q: %w", contentType, err)
	}
	kinds, seen := map[string]Kind{}, map[string]map[string]bool{}
	found := map[string]Kind{}
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading metrics: %w", err)
		}
		switch entry {
		case textparse.EntryType:
			name, kind := p.Type()
			kinds[string(name)] = kindOf(kind)
		case textparse.EntrySeries:
			var series labels.Labels
			p.Metric(&series)
			name, kind := family(series.Get(labels.MetricName), kinds)
			if name == "" {
				continue
			}
			found[name] = kind
			if seen[name] == nil {
				seen[name] = map[string]bool{}
			}
			series.Range(func(l labels.Label) {
				if l.Name != labels.MetricName && l.Name != "le" && l.Name != "quantile" {
					seen[name][l.Name] = true
				}
			})
		default: // help, units and comments say nothing of names
		}
	}
	var out []Metric
	for _, name := range slices.Sorted(maps.Keys(found)) {
		out = append(out, Metric{Name: name, Kind: found[name], Labels: slices.Sorted(maps.Keys(seen[name]))})
	}
	return out, nil
}

func kindOf(t textparse.MetricType) Kind {
	switch t {
	case textparse.MetricTypeCounter:
		return Counter
	case textparse.MetricTypeGauge, textparse.MetricTypeInfo, textparse.MetricTypeStateset:
		return Gauge
	case textparse.MetricTypeHistogram:
		return Histogram
	case textparse.MetricTypeSummary:
		return Summary
	default:
		return Unknown
	}
}

// family is the metric that a series belongs to; "" for the times of creation
// that OpenMetrics adds.
func family(series string, kinds map[string]Kind) (string, Kind) {
	if base, ok := strings.CutSuffix(series, "_created"); ok && kinds[base] != "" {
		return "", ""
	}
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(series, suffix); ok && (kinds[base] == Histogram || kinds[base] == Summary) {
			return base, kinds[base]
		}
	}
	for _, suffix := range []string{"_total", "_info"} {
		if base, ok := strings.CutSuffix(series, suffix); ok && kinds[base] != "" {
			return series, kinds[base]
		}
	}
	if kind := kinds[series]; kind != "" {
		return series, kind
	}
	return series, Unknown
}

// Merge puts metrics of several scrapes together: of equal names their labels
// are joined.
func Merge(scrapes ...[]Metric) []Metric {
	byName := map[string]Metric{}
	for _, m := range slices.Concat(scrapes...) {
		if known, ok := byName[m.Name]; ok {
			m.Labels = slices.Concat(m.Labels, known.Labels)
			slices.Sort(m.Labels)
			m.Labels = slices.Compact(m.Labels)
		}
		byName[m.Name] = m
	}
	return slices.SortedFunc(maps.Values(byName), func(a, b Metric) int { return strings.Compare(a.Name, b.Name) })
}
