package policy

import (
	"math"
	"time"

	"dualtrack.internal/platform/catalog"
)

// attested is what rules may ask about signatures: by digest, each with the whole days
// since it was verified, so that a verdict holds for a day. It belongs to no namespace
// and is read across namespaces. nil says that no evidence was handed over.
func attested(e *catalog.Evidence, now time.Time) any {
	if e == nil || e.Spec.Signatures == nil {
		return nil
	}
	out := map[string]any{}
	for _, s := range e.Spec.Signatures {
		list, _ := out[s.Digest].([]any)
		out[s.Digest] = append(list, map[string]any{
			"identity": s.Identity, "issuer": s.Issuer, "days": elapsed(s.At(), now, 24*time.Hour),
		})
	}
	return out
}

// healthy is what rules may ask about clusters: by name, each with the seconds that it
// was seen to hold and the whole hours since the last look. nil says that no evidence
// was handed over.
func healthy(e *catalog.Evidence, now time.Time) any {
	if e == nil || e.Spec.Health == nil {
		return nil
	}
	out := map[string]any{}
	for _, h := range e.Spec.Health {
		since, observed := h.Span()
		held := observed.Sub(since).Truncate(time.Second)
		out[h.Cluster] = map[string]any{
			"bundle": h.Bundle, "healthy": h.Healthy, "pods": h.Pods,
			"held": int64(held / time.Second), "words": held.String(), "hours": elapsed(observed, now, time.Hour),
		}
	}
	return out
}

// elapsed counts whole units from t to now, rounded down: what lies ahead is below 0.
func elapsed(t, now time.Time, unit time.Duration) int64 {
	return int64(math.Floor(now.Sub(t).Seconds() / unit.Seconds()))
}
