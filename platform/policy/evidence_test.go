package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
)

// TestSignatures judges the images of one workload by what was handed over.
func TestSignatures(t *testing.T) {
	t.Parallel()
	const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	now := time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)
	signed := func(identity string, at time.Time) catalog.Signature {
		return catalog.Signature{Digest: digest, Identity: identity, Issuer: "https://forge.example", Verified: at.Format(time.RFC3339)}
	}
	handed := func(list ...catalog.Signature) *catalog.Evidence {
		return &catalog.Evidence{Spec: catalog.EvidenceSpec{Signatures: list}}
	}
	of := func(says string) []string {
		return []string{"/spec/template/spec/containers/0/image " + says, "/spec/template/spec/initContainers/0/image " + says}
	}
	for name, c := range map[string]struct {
		evidence *catalog.Evidence
		want     []string
	}{
		"nothing":         {nil, []string{" unknown"}},
		"of health alone": {&catalog.Evidence{Spec: catalog.EvidenceSpec{Health: []catalog.Held{}}}, []string{" unknown"}},
		"an empty list":   {&catalog.Evidence{Spec: catalog.EvidenceSpec{Signatures: []catalog.Signature{}}}, of("has no signature that was found")},
		"one that counts": {handed(signed("shop/release", now)), nil},
		"a day too young": {handed(signed("shop/release", now.AddDate(0, 0, -90).Add(time.Second))), nil},
		"too old":         {handed(signed("shop/release", now.AddDate(0, 0, -90))), of("was found to be signed 90 days ago or more")},
		"a second ahead":  {handed(signed("shop/release", now.Add(time.Second))), of("is said to have been found signed later than now")},
		"a stranger":      {handed(signed("eve/release", now)), of("is signed by nobody whose signature counts")},
		"two":             {handed(signed("eve/release", now), signed("shop/release", now)), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := testInput(t, namespace, denyAll, budget, deployment)
			in.Evidence, in.Now = c.evidence, now
			in.Fleet.Spec.Policy.Params = catalog.Values{Map: map[string]any{"DT-SUP-007": map[string]any{
				"identities": []any{map[string]any{"identity": "shop/*", "issuer": "https://forge.example"}},
			}}}
			r, err := compiled(t).Judge(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range r.Findings {
				if f.Rule == "DT-SUP-007" {
					_, says, _ := strings.Cut(f.Message, digest+`" `)
					got = append(got, f.Pointer+" "+says+string(f.Class))
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHealthy(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)
	e := &catalog.Evidence{Spec: catalog.EvidenceSpec{Health: []catalog.Held{
		{Cluster: "a", Bundle: "sha256:1", Healthy: true, Pods: "observed", Since: "2026-12-01T07:00:00Z", Observed: "2026-12-01T07:59:59Z"},
		{Cluster: "b", Bundle: "sha256:2", Pods: "simulated", Since: "2026-12-01T09:00:00+01:00", Observed: "2026-12-01T09:00:01+01:00"},
		{Cluster: "c", Bundle: "sha256:3", Since: "2026-11-29T08:00:00Z", Observed: "2026-11-30T08:00:00.9Z"},
	}}}
	want := map[string]any{
		"a": map[string]any{"bundle": "sha256:1", "healthy": true, "pods": "observed", "held": int64(3599), "words": "59m59s", "hours": int64(0)},
		"b": map[string]any{"bundle": "sha256:2", "healthy": false, "pods": "simulated", "held": int64(1), "words": "1s", "hours": int64(-1)},
		"c": map[string]any{"bundle": "sha256:3", "healthy": false, "pods": "", "held": int64(86400), "words": "24h0m0s", "hours": int64(23)},
	}
	if diff := cmp.Diff(want, healthy(e, now)); diff != "" {
		t.Errorf("health (-want +got):\n%s", diff)
	}
	for _, none := range []*catalog.Evidence{nil, {}} {
		if got := healthy(none, now); got != nil {
			t.Errorf("health of nothing: %v", got)
		}
	}
}
