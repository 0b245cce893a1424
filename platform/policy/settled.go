package policy

import (
	"encoding/json"
	"fmt"
	"time"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// settler remembers what was said of a whole cluster, for the runs and trees in which
// all is the same that it depends on. An edit settles anew the clusters that it
// reaches; the base of a change was mostly settled by an earlier run.
type settler struct {
	engine  *Engine
	catalog *catalog.Catalog
	version string
	waivers []heldException
}

// heldException is an exception as far as the clock bears on it.
type heldException struct {
	catalog.Exception
	Over bool
}

// settled is what was said of one cluster.
type settled struct {
	Valid    []finding.Finding `json:"valid,omitempty"` // the schema's
	Findings []finding.Finding `json:"findings,omitempty"`
	Objects  int               `json:"objects"`
	Passed   int               `json:"passed"`
	Unknown  int               `json:"unknown"`
	Waived   int               `json:"waived"`
	Uses     map[int]int       `json:"uses,omitempty"`
}

func newSettler(engine *Engine, cat *catalog.Catalog, version string, now time.Time) *settler {
	s := &settler{engine: engine, catalog: cat, version: version}
	for _, ex := range cat.Exceptions {
		s.waivers = append(s.waivers, heldException{ex, ex.Expired(now)})
	}
	return s
}

// keep keeps an outcome whose findings all have their places.
func (s *settler) keep(key, cluster string, o *outcome) error {
	r := o.result
	if key == "" || r.late || len(o.valid)+len(r.Findings) > mostSaid {
		return nil
	}
	data, err := json.Marshal(settled{Valid: o.valid, Findings: r.Findings, Objects: r.Objects, Passed: r.Passed,
		Unknown: r.Unknown, Waived: r.Waived, Uses: r.uses})
	if err != nil {
		return fmt.Errorf("keep what was said of %s: %w", cluster, err)
	}
	s.engine.store.Put(key, data)
	return nil
}

// recall gives what was said of a cluster before, nil where that is not known.
func (s *settler) recall(key string) *outcome {
	if key == "" {
		return nil
	}
	data, ok := s.engine.store.Get(key)
	if !ok {
		return nil
	}
	var known settled
	if json.Unmarshal(data, &known) != nil {
		return nil
	}
	return &outcome{valid: known.Valid, result: &Result{Findings: known.Findings, Objects: known.Objects, Passed: known.Passed,
		Unknown: known.Unknown, Waived: known.Waived, uses: known.Uses}}
}

// key is all that a cluster's findings and their places depend on; "" where that is
// not known.
func (s *settler) key(in Input, b *render.Bundle) (string, error) {
	if s.engine.store == nil || b.Sum == "" || b.Parts == nil || in.NoSettings || len(in.Partial) > 0 {
		return "", nil
	}
	texts := []string{s.catalog.Sum(in.Cluster.File), s.catalog.Sum(in.Fleet.File), s.catalog.Sum(in.Baseline.File)}
	for _, text := range texts {
		if text == "" {
			return "", nil
		}
	}
	// A head is judged by its base's policy too, so that the text of its fleet.yaml does
	// not tell all.
	all, err := sum([]any{in.Cluster.Name, in.Cluster.File, texts, in.Fleet.Spec.Policy, s.waivers, in.RealNodes, in.Production, attested(in.Evidence, in.Now), b.Sum})
	if err != nil {
		return "", fmt.Errorf("tell cluster %s from others: %w", b.Cluster, err)
	}
	return fmt.Sprintf("settled %s %s %s", s.engine.sum, s.version, all), nil
}
