// Package finding is the vocabulary of everything Dualtrack reports: one thing
// wrong or worth saying, where it stands, and how to mend it. Every later
// package reports in these types. It never reads a file and never decides an
// exit code.
package finding

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
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
	Places    []Place         `json:"places,omitempty"` // where it stands at more than one place: Position and the others
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

// cleaner takes from findings what must not be shown. Many clusters have the same: it
// looks at a text once.
type cleaner struct {
	texts   map[string]string
	patches map[string]bool // whether one holds what must not be shown
}

// clean is f without what must not be shown. A patch that holds such a value is of no
// use without it.
func (c cleaner) clean(f Finding) Finding {
	f.Message, f.Mend = c.text(f.Message), c.text(f.Mend)
	if len(f.Patch) == 0 {
		return f
	}
	holds, known := c.patches[string(f.Patch)]
	if !known {
		var steps any
		holds = json.Unmarshal(f.Patch, &steps) == nil && !reflect.DeepEqual(Hide("", steps), steps)
		c.patches[string(f.Patch)] = holds
	}
	if holds {
		f.Patch = nil
	}
	return f
}

func (c cleaner) text(text string) string {
	known, ok := c.texts[text]
	if !ok {
		known = Clean(text)
		c.texts[text] = known
	}
	return known
}
