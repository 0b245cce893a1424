package catalog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
)

const digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// evidence is a file with the given lines below spec.
func evidence(spec string) string {
	return "apiVersion: platform.dualtrack.internal/v1alpha1\nkind: Evidence\nmetadata: {name: seen}\nspec:\n" + strings.ReplaceAll(spec, "DIGEST", digest)
}

func TestReadEvidence(t *testing.T) {
	t.Parallel()
	e, err := catalog.ReadEvidence("seen.yaml", []byte(evidence(`
  signatures:
    - {digest: DIGEST, identity: key-1, verified: 2026-12-01T08:00:00Z}
  health:
    - {cluster: edge-1, bundle: DIGEST, healthy: true, since: 2026-12-01T08:00:00Z, observed: 2026-12-01T10:00:00+01:00}
`)))
	if err != nil {
		t.Fatal(err)
	}
	want := catalog.EvidenceSpec{
		Signatures: []catalog.Signature{{Digest: digest, Identity: "key-1", Verified: "2026-12-01T08:00:00Z"}},
		Health: []catalog.Held{{Cluster: "edge-1", Bundle: digest, Healthy: true, Pods: "observed",
			Since: "2026-12-01T08:00:00Z", Observed: "2026-12-01T10:00:00+01:00"}},
	}
	if diff := cmp.Diff(want, e.Spec); diff != "" {
		t.Errorf("evidence (-want +got):\n%s", diff)
	}
	if since, observed := e.Spec.Health[0].Span(); observed.Sub(since) != time.Hour {
		t.Errorf("it was held from %s to %s", since, observed)
	}
	if got := e.Spec.Signatures[0].At(); !got.Equal(time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)) {
		t.Errorf("the signature was verified at %s", got)
	}
}

// TestReadEvidenceKnows tells a list that is empty from one that is not there.
func TestReadEvidenceKnows(t *testing.T) {
	t.Parallel()
	e, err := catalog.ReadEvidence("seen.yaml", []byte(evidence("  signatures: []\n")))
	if err != nil {
		t.Fatal(err)
	}
	if e.Spec.Signatures == nil || e.Spec.Health != nil {
		t.Errorf("signatures %v, health %v", e.Spec.Signatures, e.Spec.Health)
	}
}

func TestReadEvidenceMistakes(t *testing.T) {
	t.Parallel()
	const entry = "    - {cluster: edge-1, bundle: DIGEST, healthy: true, since: 2026-12-01T08:00:00Z, observed: 2026-12-01T09:00:00Z}\n"
	for name, c := range map[string]struct{ text, want string }{
		"twice": {evidence("  health:\n" + entry + entry),
			"seen.yaml:7:17: spec.health[1].cluster: edge-1 has an entry already; keep the one that is true"},
		"backwards": {evidence("  health:\n" + strings.Replace(entry, "T09", "T07", 1)),
			"seen.yaml:6:160: spec.health[0].observed: 2026-12-01T07:00:00Z is before 2026-12-01T08:00:00Z; write the last look, at or after the first"},
		"no time": {evidence("  health:\n" + strings.Replace(entry, "2026-12-01T09:00:00Z", "soon", 1)),
			`seen.yaml:6:160: spec.health[0].observed: "soon" is no RFC 3339 time; write it like 2026-12-24T00:00:00Z`},
		"short digest": {evidence("  signatures:\n    - {digest: \"sha256:12\", identity: a, verified: 2026-12-01T09:00:00Z}\n"),
			"seen.yaml:6:16: spec.signatures[0].digest: \"sha256:12\" does not match ^sha256:[0-9a-f]{64}$; write it like sha256:" + strings.Repeat("0", 64)},
		"another kind": {strings.Replace(evidence("  health: []\n"), "Evidence", "Fleet", 1), `seen.yaml:2:7: kind: expected Evidence, got string "Fleet"; write Evidence`},
		"a mark":       {"\xef\xbb\xbf", "seen.yaml:1:1: begins with a byte order mark; save the file as UTF-8 without a mark"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := catalog.ReadEvidence("seen.yaml", []byte(c.text))
			if diff := cmp.Diff(c.want, errText(err)); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestJoinEvidence(t *testing.T) {
	t.Parallel()
	read := func(file, spec string) *catalog.Evidence {
		e, err := catalog.ReadEvidence(file, []byte(evidence(spec)))
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	entry := func(cluster string) string {
		return "    - {cluster: " + cluster + ", bundle: DIGEST, since: 2026-12-01T08:00:00Z, observed: 2026-12-01T09:00:00Z}\n"
	}
	signature := "  signatures:\n    - {digest: DIGEST, identity: a, verified: 2026-12-01T09:00:00Z}\n"
	all := read("a.yaml", signature)
	for _, other := range []*catalog.Evidence{read("b.yaml", "  health:\n"+entry("edge-1")), read("c.yaml", "  health:\n"+entry("edge-2")), read("d.yaml", signature)} {
		if err := all.Join(other); err != nil {
			t.Fatal(err)
		}
	}
	if len(all.Spec.Signatures) != 2 || len(all.Spec.Health) != 2 {
		t.Errorf("joined: %+v", all.Spec)
	}
	err := all.Join(read("e.yaml", "  health:\n"+entry("edge-3")+entry("edge-2")))
	if want := "e.yaml:7:17: spec.health[1].cluster: another file of evidence tells of edge-2 too; hand over one of the two"; errText(err) != want {
		t.Errorf("error %q, want %q", errText(err), want)
	}
	if len(all.Spec.Health) != 2 {
		t.Errorf("what is refused was joined: %+v", all.Spec.Health)
	}
	one := read("f.yaml", signature)
	if err := one.Join(read("g.yaml", "  health: []\n")); err != nil || one.Spec.Health == nil {
		t.Errorf("an empty list is known: %v, %v", one.Spec.Health, err)
	}
}

func TestEvidenceSaw(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)
	good := catalog.Held{Cluster: "edge-1", Bundle: digest, Healthy: true, Pods: "observed"}
	other, ill, played := good, good, good
	other.Bundle = "sha256:" + strings.Repeat("1", 64)
	ill.Healthy = false
	played.Pods = "simulated"
	for name, c := range map[string]struct {
		look  catalog.Held
		after time.Duration
		held  time.Duration
	}{
		"the same, soon":         {good, time.Minute, time.Minute},
		"the same, an hour on":   {good, time.Hour, time.Hour},
		"the same, long after":   {good, time.Hour + time.Second, 0},
		"the same, at once":      {good, 0, 0},
		"a clock that went back": {good, -time.Second, 0},
		"another bundle":         {other, time.Minute, 0},
		"no longer healthy":      {ill, time.Minute, 0},
		"on a simulator's word":  {played, time.Minute, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s catalog.EvidenceSpec
			s.Saw(good, began)
			s.Saw(c.look, began.Add(c.after))
			since, observed := s.Health[0].Span()
			if observed.Sub(since) != c.held || !observed.Equal(began.Add(c.after)) || len(s.Health) != 1 {
				t.Errorf("held from %s to %s, in %d entries", since, observed, len(s.Health))
			}
		})
	}
}

// TestEvidenceWrite holds that what is written is read as it was.
func TestEvidenceWrite(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 12, 1, 9, 0, 0, 0, time.FixedZone("CET", 3600))
	var seen catalog.EvidenceSpec
	for _, name := range []string{"hub", "edge-1", "no"} {
		seen.Saw(catalog.Held{Cluster: name, Bundle: digest, Healthy: name == "hub", Pods: "simulated"}, at)
	}
	for name, s := range map[string]catalog.EvidenceSpec{
		"nothing known": {},
		"nothing there": {Signatures: []catalog.Signature{}, Health: []catalog.Held{}},
		"health":        seen,
		"signatures": {Signatures: []catalog.Signature{
			{Digest: digest, Identity: "a: #b", Issuer: "https://forge.example", Verified: "2026-12-01T08:00:00Z"},
			{Digest: digest, Identity: "yes", Verified: "2026-12-01T08:00:00Z"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := catalog.ReadEvidence("seen.yaml", s.Write("seen"))
			if err != nil {
				t.Fatalf("%v\n%s", err, s.Write("seen"))
			}
			if diff := cmp.Diff(s, e.Spec); diff != "" {
				t.Errorf("read again (-want +got):\n%s", diff)
			}
		})
	}
	if got := seen.Health[0]; got.Cluster != "edge-1" || got.Since != "2026-12-01T08:00:00Z" {
		t.Errorf("first of the sorted: %+v", got)
	}
}
