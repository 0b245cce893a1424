// Package report is the one model of what a command found, and its writers. It
// never judges: every word in it was said by another package. Same result, same
// bytes.
package report

import (
	"slices"
	"time"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/policy"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/schema"
	"dualtrack.internal/platform/track"
	"dualtrack.internal/platform/validate"
)

// Version of the JSON form; it changes only when a field changes its meaning.
const Version = "report.dualtrack.internal/v1alpha1"

// State is how one cluster stands at the end of a command.
type State string

// The states.
const (
	Converged    State = "converged"
	NotConverged State = "not converged"
	Unreachable  State = "unreachable"
	NotRunning   State = "not running"
	Stopped      State = "stopped"     // by this command
	Running      State = "running"     // up, not judged
	NotChanged   State = "not changed" // nothing was applied, because policy or input denied
	Failed       State = "failed"      // the environment failed: a program died, a disk is full
	Planned      State = "planned"     // was there before: looked at, and nothing applied without approval
	Refused      State = "refused"     // was there before, and is not ours to change as things are
)

// Evidence says where the health of pods comes from.
type Evidence string

// The evidences. A gate may refuse Simulated.
const (
	Observed  Evidence = "observed"
	Simulated Evidence = "simulated"
)

// Result is what one command found. Its zero slices mean "nothing of the kind",
// never "not looked at".
type Result struct {
	APIVersion string            `json:"apiVersion"`
	Command    string            `json:"command"`
	Fleet      string            `json:"fleet,omitempty"`
	Revision   string            `json:"revision,omitempty"` // fleet revision, sha256:…
	Commit     string            `json:"commit,omitempty"`   // Git commit, "" outside Git
	Dirty      bool              `json:"dirty,omitempty"`    // the tree differs from Commit
	Kubernetes string            `json:"kubernetes,omitempty"`
	Folder     string            `json:"folder,omitempty"` // of the tree within its Git repository, "" for its root
	Clusters   []Cluster         `json:"clusters,omitempty"`
	Findings   []finding.Finding `json:"findings,omitempty"`
	Change     *ChangeSet        `json:"change,omitempty"`     // what was judged, where it is a change
	Upgrade    *Upgrade          `json:"upgrade,omitempty"`    // of a lock
	Validation []validate.Row    `json:"validation,omitempty"` // what the readers of configurations said
	Counts     Counts            `json:"counts"`
	Notes      []string          `json:"notes,omitempty"` // what is not judged, said once
	Awaited    bool              `json:"-"`               // the command promises convergence: a cluster that does not run is a failure
	Next       []string          `json:"-"`               // commands a person may want next
	Rules      []policy.Rule     `json:"-"`               // that judged; `platform policy explain` tells them too
	Scopes     []Scope           `json:"-"`               // what each cluster consists of
}

// Counts is how much was looked at.
type Counts struct {
	Clusters    int `json:"clusters"`
	Components  int `json:"components"`
	Objects     int `json:"objects"`
	Rules       int `json:"rules"`
	Passed      int `json:"passed"`  // rule × object pairs that passed
	Unknown     int `json:"unknown"` // pairs that lacked their evidence
	Waived      int `json:"waived"`
	NotRendered int `json:"notRendered"`
}

// Cluster is one cluster's part of a result.
type Cluster struct {
	Name           string             `json:"name"`
	Role           string             `json:"role"`
	State          State              `json:"state"`
	Why            string             `json:"why,omitempty"`
	Bundle         string             `json:"bundle,omitempty"`
	Kubernetes     string             `json:"kubernetes,omitempty"` // as the server says
	HealthEvidence Evidence           `json:"healthEvidence,omitempty"`
	Pods           *Pods              `json:"pods,omitempty"` // nil: not looked at
	Objects        int                `json:"objects"`
	Tracks         []Track            `json:"tracks,omitempty"`
	Disagreements  []Disagreement     `json:"disagreements,omitempty"`
	Survey         *cluster.Survey    `json:"survey,omitempty"`  // of a cluster that was there before
	Changes        []Change           `json:"changes,omitempty"` // objects that were or would be changed
	Withheld       []Note             `json:"withheld,omitempty"`
	Waiting        []Note             `json:"waiting,omitempty"`
	Kept           []Note             `json:"kept,omitempty"` // left the bundle and stays on purpose
	Drift          []Drift            `json:"drift,omitempty"`
	Programs       []Program          `json:"programs,omitempty"`
	Started        []string           `json:"started,omitempty"`
	Took           map[string]Seconds `json:"-"` // by phase; a clock has no place in JSON that is compared
}

// Pods counts the pods on a cluster's nodes by the evidence of their health.
type Pods struct {
	Observed  int `json:"observed"`  // a kubelet runs them
	Simulated int `json:"simulated"` // kwok plays them
}

// Seconds is a duration shown to people.
type Seconds time.Duration

// Track is one judge's word on one cluster.
type Track struct {
	Name         track.Name      `json:"name"`
	InSync       int             `json:"inSync"`
	Objects      int             `json:"objects"`
	Healthy      int             `json:"healthy"`
	NotJudgeable int             `json:"notJudgeable"`
	Against      []track.Verdict `json:"against,omitempty"` // verdicts that are not OK
	OK           bool            `json:"ok"`
}

// Disagreement is an object on which the tracks differ.
type Disagreement struct {
	Object finding.Object `json:"object"`
	Flux   string         `json:"flux"`
	Argo   string         `json:"argo"`
	Field  string         `json:"field,omitempty"`
	Cause  string         `json:"cause,omitempty"` // short name of a known cause
	Why    string         `json:"why"`
}

// Change is one object a writer changed, or would change.
type Change struct {
	Object finding.Object `json:"object"`
	Action string         `json:"action"`
	Fields []track.Field  `json:"fields,omitempty"`
}

// Note is an object and a sentence about it.
type Note struct {
	Object finding.Object `json:"object"`
	Why    string         `json:"why"`
}

// Drift is one object whose live state left the bundle.
type Drift struct {
	Object    finding.Object    `json:"object"`
	Component string            `json:"component,omitempty"`
	Class     track.Class       `json:"class"`
	Fields    []track.Field     `json:"fields,omitempty"`
	Writer    track.Writer      `json:"writer,omitzero"` // for a whole object; zero is unknown
	Flux      string            `json:"flux"`
	Argo      string            `json:"argo"`
	Policy    []finding.Finding `json:"policy,omitempty"`
}

// Program is one process of a cluster.
type Program struct {
	Name  string `json:"name"`
	PID   int    `json:"pid,omitempty"`
	State string `json:"state"`
	PSS   uint64 `json:"pssBytes,omitempty"` // shared pages count in parts
}

// NewTrack sums up one judge's verdicts.
func NewTrack(name track.Name, verdicts []track.Verdict) Track {
	t := Track{Name: name, Objects: len(verdicts), OK: true}
	for _, v := range verdicts {
		switch v.Sync {
		case track.InSync:
			t.InSync++
		case track.Extra:
			t.Objects-- // not an object of the bundle
		case track.Differs, track.Missing, track.SyncUnknown:
		}
		switch v.Health {
		case track.Healthy, track.Suspended:
			t.Healthy++
		case track.NotJudgeable:
			t.NotJudgeable++
		case track.Progressing, track.Degraded, track.HealthMissing, track.HealthUnknown:
		}
		if !v.OK() {
			t.OK = false
			t.Against = append(t.Against, v)
		}
	}
	return t
}

// Denials are the findings that keep everything from every cluster; of a change,
// those that it brings.
func (r *Result) Denials() int {
	n := 0
	for _, f := range r.Findings {
		if f.Denies() && !r.spared(f) {
			n++
		}
	}
	return n
}

// BadInput says that a source could not be used as it is: it does not render, or
// an object does not fit its schema.
func (r *Result) BadInput() bool {
	for _, f := range r.Findings {
		if f.Denies() && !r.spared(f) && (f.Rule == render.Rule || f.Rule == schema.Rule) {
			return true
		}
	}
	return false
}

// Unavailable says that a remote source could not be had, so that what it brings
// was not judged.
func (r *Result) Unavailable() bool {
	return slices.ContainsFunc(r.Findings, func(f finding.Finding) bool { return f.Denies() && f.Rule == render.RuleUnavailable })
}

// Count says how many clusters are in the state.
func (r *Result) Count(s State) int {
	n := 0
	for _, c := range r.Clusters {
		if c.State == s {
			n++
		}
	}
	return n
}

// Differs says that something live is not what the bundle says, or would change;
// what a command has changed already is its success.
func (r *Result) Differs() bool {
	for _, c := range r.Clusters {
		if len(c.Drift) > 0 || !r.Awaited && len(c.Changes) > 0 {
			return true
		}
	}
	return false
}
