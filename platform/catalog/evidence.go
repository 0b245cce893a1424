package catalog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"dualtrack.internal/platform/finding"
)

// Evidence is what was seen beforehand and is handed over beside a tree, in a file of
// its own: rules fetch nothing, and a change does not bring its own witness.
type Evidence struct {
	Name   string       `yaml:"-"`
	Labels Labels       `yaml:"-"`
	Spec   EvidenceSpec `yaml:"spec" required:"true" doc:"the evidence"`
	File   string       `yaml:"-"`
	at     places
}

// EvidenceSpec is a list a kind. One that is not there is not known, which an empty
// one is.
type EvidenceSpec struct {
	Signatures []Signature `yaml:"signatures" doc:"signatures of images that were verified; a digest may have several"`
	Health     []Held      `yaml:"health" doc:"what the clusters were seen to run, an entry a cluster"`
}

// Signature is one that was verified.
type Signature struct {
	Digest   string `yaml:"digest" required:"true" pattern:"^sha256:[0-9a-f]{64}$" example:"sha256:0000000000000000000000000000000000000000000000000000000000000000" doc:"the image's digest"`
	Identity string `yaml:"identity" required:"true" doc:"who signed: the subject of the certificate, or the name of the key"`
	Issuer   string `yaml:"issuer" doc:"who vouches for the identity; nobody for a key"`
	Verified string `yaml:"verified" required:"true" format:"date-time" doc:"when it was verified, RFC 3339"`
}

// Held is what one cluster was seen to run, unbroken from the first look to the last.
type Held struct {
	Cluster  string `yaml:"cluster" required:"true" format:"name" doc:"cluster"`
	Bundle   string `yaml:"bundle" required:"true" pattern:"^sha256:[0-9a-f]{64}$" example:"sha256:0000000000000000000000000000000000000000000000000000000000000000" doc:"digest of the bundle that it was judged against"`
	Healthy  bool   `yaml:"healthy" doc:"each look found it in sync and healthy"`
	Pods     string `yaml:"pods" default:"observed" enum:"observed,simulated" doc:"on whose word pods are healthy: a kubelet's, or a simulator's"`
	Since    string `yaml:"since" required:"true" format:"date-time" doc:"the first of these looks, RFC 3339"`
	Observed string `yaml:"observed" required:"true" format:"date-time" doc:"the last one, RFC 3339"`
}

// Span is the time from the first look to the last; zero where one can't be read.
func (h Held) Span() (since, observed time.Time) {
	return moment(h.Since), moment(h.Observed)
}

// At is when it was verified; zero where that can't be read.
func (s Signature) At() time.Time { return moment(s.Verified) }

func moment(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

// ReadEvidence reads the text of one file of evidence, as strictly as the catalog is
// read: its mistakes are finding.Problems. Whether the fleet has the clusters is not
// asked; it may have had them.
func ReadEvidence(file string, data []byte) (*Evidence, error) {
	m, err := newModel()
	if err != nil {
		return nil, err
	}
	if p := checkText(file, data); p != nil {
		return nil, p
	}
	e := &Evidence{File: file}
	env, at, problems := decode(m, file, "Evidence", data, e)
	e.Name, e.Labels, e.at = env.name, env.labels, at
	seen := map[string]bool{}
	for i, h := range e.Spec.Health {
		field := fmt.Sprintf("spec.health[%d]", i)
		if seen[h.Cluster] && h.Cluster != "" {
			problems = append(problems, problem(at.nearest(file, field+".cluster"), field+".cluster", h.Cluster+" has an entry already", "keep the one that is true"))
		}
		seen[h.Cluster] = true
		if since, observed := h.Span(); !since.IsZero() && observed.Before(since) && !observed.IsZero() {
			problems = append(problems, problem(at.nearest(file, field+".observed"), field+".observed", h.Observed+" is before "+h.Since, "write the last look, at or after the first"))
		}
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return e, nil
}

// Join adds what another file knows. Two files that tell of one cluster disagree or
// repeat each other, and neither is believed.
func (e *Evidence) Join(other *Evidence) error {
	var problems finding.Problems
	for i, h := range other.Spec.Health {
		if slices.ContainsFunc(e.Spec.Health, func(mine Held) bool { return mine.Cluster == h.Cluster }) {
			field := fmt.Sprintf("spec.health[%d].cluster", i)
			problems = append(problems, problem(other.at.nearest(other.File, field), field,
				"another file of evidence tells of "+h.Cluster+" too", "hand over one of the two"))
		}
	}
	if err := problems.Err(); err != nil {
		return err
	}
	if other.Spec.Health != nil {
		e.Spec.Health = append(append([]Held{}, e.Spec.Health...), other.Spec.Health...)
	}
	if other.Spec.Signatures != nil {
		e.Spec.Signatures = append(append([]Signature{}, e.Spec.Signatures...), other.Spec.Signatures...)
	}
	return nil
}

// unbroken is the longest time between two looks that find the same: what is not
// looked at for longer is not known to have held.
const unbroken = time.Hour

// Saw adds a look at a cluster: it goes on with what the look before found if that was
// the same and not long ago, else it begins anew.
func (s *EvidenceSpec) Saw(look Held, at time.Time) {
	look.Observed = at.UTC().Format(time.RFC3339)
	look.Since = look.Observed
	i := slices.IndexFunc(s.Health, func(h Held) bool { return h.Cluster == look.Cluster })
	if i < 0 {
		s.Health = append(s.Health, look)
		slices.SortFunc(s.Health, func(a, b Held) int { return strings.Compare(a.Cluster, b.Cluster) })
		return
	}
	before := s.Health[i]
	since, observed := before.Span()
	same := before.Bundle == look.Bundle && before.Healthy == look.Healthy && before.Pods == look.Pods
	if gap := at.Sub(observed); same && !since.IsZero() && gap >= 0 && gap <= unbroken {
		look.Since = before.Since
	}
	s.Health[i] = look
}

// Write gives the content of a file of evidence: the same for the same spec, to the
// byte.
func (s EvidenceSpec) Write(name string) []byte {
	var signatures, health [][]string
	for _, v := range s.Signatures {
		lines := []string{"digest: " + v.Digest, "identity: " + plainText(v.Identity)}
		if v.Issuer != "" {
			lines = append(lines, "issuer: "+plainText(v.Issuer))
		}
		signatures = append(signatures, append(lines, "verified: "+plainText(v.Verified)))
	}
	for _, h := range s.Health {
		health = append(health, []string{"cluster: " + plainText(h.Cluster), "bundle: " + h.Bundle, "healthy: " + strconv.FormatBool(h.Healthy),
			"pods: " + h.Pods, "since: " + plainText(h.Since), "observed: " + plainText(h.Observed)})
	}
	spec := entries("signatures", s.Signatures != nil, signatures) + entries("health", s.Health != nil, health)
	if spec == "" {
		spec = " {}\n"
	} else {
		spec = "\n" + spec
	}
	return fmt.Appendf(nil, "apiVersion: %s\nkind: Evidence\nmetadata:\n  name: %s\nspec:%s", APIVersion, plainText(name), spec)
}

// entries is a list of the spec: nothing where it is not known.
func entries(key string, known bool, list [][]string) string {
	switch {
	case !known:
		return ""
	case len(list) == 0:
		return "  " + key + ": []\n"
	}
	out := "  " + key + ":\n"
	for _, lines := range list {
		out += "    - " + strings.Join(lines, "\n      ") + "\n"
	}
	return out
}
