// Package finding is the vocabulary of everything Dualtrack reports: one thing
// wrong or worth saying, where it stands, and how to mend it. Every later
// package reports in these types. It never reads a file and never decides an
// exit code.
package finding

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Severity says what a finding does to the verdict: an Error denies, a Warning
// and an Info are shown.
type Severity string

// The severities, worst first.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Info    Severity = "info"
)

// rank orders severities, worst first; one that is none stands last.
func (s Severity) rank() int {
	switch s {
	case Error:
		return 0
	case Warning:
		return 1
	case Info:
		return 2
	}
	return 3
}

// Class says how a finding came about.
type Class string

// The classes. The zero value is an ordinary finding of the tree that was
// judged; New, Fixed and PreExisting need a base to compare with.
const (
	New         Class = "new"
	Fixed       Class = "fixed"
	PreExisting Class = "pre-existing"
	Waived      Class = "waived"
	Unknown     Class = "unknown" // the rule lacked its evidence: never a pass
)

// Position is a place in a source file. Line and Column count from 1; 0 means
// the whole file. File is relative to the repository, with forward slashes.
type Position struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// String gives "file:line:column", leaving out what is not known.
func (p Position) String() string {
	s := p.File
	for _, n := range []int{p.Line, p.Column} {
		if n == 0 {
			break
		}
		s += ":" + strconv.Itoa(n)
	}
	return s
}

// Object names a Kubernetes object.
type Object struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind,omitempty"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name,omitempty"`
}

// IsZero says that no object is meant.
func (o Object) IsZero() bool { return o == Object{} }

// Group is the API group, "" for the core group.
func (o Object) Group() string {
	if group, _, ok := strings.Cut(o.APIVersion, "/"); ok {
		return group
	}
	return ""
}

// String gives "Kind namespace/name", or "Kind name" without a namespace.
func (o Object) String() string {
	if o.Namespace == "" {
		return o.Kind + " " + o.Name
	}
	return o.Kind + " " + o.Namespace + "/" + o.Name
}

// Finding is one thing wrong or worth saying.
type Finding struct {
	Rule      string          `json:"rule"` // "DT-SEC-001", "schema", "render", …
	Severity  Severity        `json:"severity"`
	Message   string          `json:"message"`
	Object    Object          `json:"object,omitzero"`
	Pointer   string          `json:"pointer,omitempty"` // RFC 6901, into the object
	Position  Position        `json:"position,omitzero"`
	Component string          `json:"component,omitempty"`
	Mend      string          `json:"mend,omitempty"`  // what to write instead
	Patch     json.RawMessage `json:"patch,omitempty"` // RFC 6902, against the rendered object
	Clusters  []string        `json:"clusters,omitempty"`
	Class     Class           `json:"class,omitempty"`
	// Fingerprint tells the same finding again in another run: it does not
	// change with line numbers or with the clusters that show it.
	Fingerprint string `json:"fingerprint,omitempty"`
}

// Denies says that nothing may reach a cluster while this finding stands.
func (f Finding) Denies() bool {
	return f.Severity == Error && f.Class != Waived && f.Class != Fixed && f.Class != Unknown
}

// WithFingerprint returns f with its Fingerprint computed.
func (f Finding) WithFingerprint() Finding {
	sum := sha256.Sum256([]byte(strings.Join([]string{
		f.Rule, f.Component, f.Object.Group(), f.Object.Kind, f.Object.Namespace, f.Object.Name, f.Pointer, f.Message,
	}, "\x00")))
	f.Fingerprint = hex.EncodeToString(sum[:8])
	return f
}

// cleaned is f without what must not be shown. A patch that holds such a value is
// of no use without it.
func (f Finding) cleaned() Finding {
	f.Message, f.Mend = Clean(f.Message), Clean(f.Mend)
	var steps any
	if len(f.Patch) > 0 && json.Unmarshal(f.Patch, &steps) == nil && !reflect.DeepEqual(Hide("", steps), steps) {
		f.Patch = nil
	}
	return f
}

// Merge shows equal findings of many clusters once, with all their clusters,
// and sorts: errors first, then by file, line, column, rule, object and pointer.
func Merge(all []Finding) []Finding {
	m := NewMerger()
	for _, f := range all {
		m.Add(f)
	}
	return m.Merged()
}

// Merger does what Merge does, one finding after the other: those of many clusters
// need not be there all at once.
type Merger struct {
	said  map[said]int   // index into out
	known map[string]int // by what tells merged findings apart
	out   []Finding
}

// said is all of a finding that tells it from others, as it was said.
type said struct {
	rule, component string
	object          Object
	pointer         string
	message         string
	class           Class
	severity        Severity
}

// NewMerger begins with nothing.
func NewMerger() *Merger { return &Merger{said: map[said]int{}, known: map[string]int{}} }

func (f *Finding) said() said {
	return said{f.Rule, f.Component, f.Object, f.Pointer, f.Message, f.Class, f.Severity}
}

// Again adds the clusters of a finding that was said before. It says false of one
// that is to be added whole: the place that a finding is first added with counts.
func (m *Merger) Again(f Finding) bool {
	i, seen := m.said[f.said()]
	if seen {
		m.out[i].Clusters = append(m.out[i].Clusters, f.Clusters...)
	}
	return seen
}

// Add adds a finding.
func (m *Merger) Add(f Finding) {
	if m.Again(f) {
		return
	}
	words := f.said()
	f = f.cleaned().WithFingerprint()
	key := f.Fingerprint + string(f.Class) + string(f.Severity)
	i, seen := m.known[key]
	if seen {
		m.out[i].Clusters = append(m.out[i].Clusters, f.Clusters...)
	} else {
		i = len(m.out)
		m.known[key] = i
		f.Clusters = slices.Clone(f.Clusters)
		m.out = append(m.out, f)
	}
	m.said[words] = i
}

// Merged gives the findings and ends the merging.
func (m *Merger) Merged() []Finding {
	for i := range m.out {
		slices.Sort(m.out[i].Clusters)
		m.out[i].Clusters = slices.Compact(m.out[i].Clusters)
	}
	slices.SortStableFunc(m.out, compare)
	return m.out
}

func compare(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(a.Severity.rank(), b.Severity.rank()),
		cmp.Compare(a.Position.File, b.Position.File),
		cmp.Compare(a.Position.Line, b.Position.Line),
		cmp.Compare(a.Position.Column, b.Position.Column),
		cmp.Compare(a.Rule, b.Rule),
		cmp.Compare(a.Object.String(), b.Object.String()),
		cmp.Compare(a.Pointer, b.Pointer),
		cmp.Compare(a.Message, b.Message),
	)
}
