package policy

import (
	"time"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// Input is what one cluster is judged on.
type Input struct {
	Cluster  *catalog.Cluster  // nil when the objects belong to no cluster of the catalog
	Fleet    *catalog.Fleet    // its policy: registries and severities; nil means none is known
	Baseline *catalog.Baseline // its Kubernetes version
	Objects  []render.Object
	// Exceptions waive findings. With any, Now must be set.
	Exceptions []catalog.Exception
	Now        time.Time
	// Locate gives the place of a field in the source; nil gives the object's.
	Locate func(render.Object, string) finding.Position
	// KubeVersion ("v1.99.0" or "1.99") is judged against instead of the baseline's.
	KubeVersion string
	// APIs is what was removed and deprecated in Kubernetes, as package schema
	// lists it; without it DT-API-001 is unknown.
	APIs []API
	// RealNodes says that containers really run, so that an image must be pinned.
	RealNodes bool
	// Production says that the fleet counts the cluster among those whose findings
	// weigh more.
	Production bool
	// Parts tell the objects of each component from all others: sums over them. A
	// component without one is judged anew each time.
	Parts map[string]string
	// NoSettings says that the cluster's own settings are not known: its tree has no
	// catalog.
	NoSettings bool
	// Partial names what the objects lack: components that did not render. What
	// is absent then is unknown, not missing.
	Partial []string
	clock   bool // the rules may see Now
}

// seconds is the time as rules see it: those of silences alone have a clock.
func (in Input) seconds() int64 {
	if in.clock {
		return in.Now.Unix()
	}
	return 0
}

// API is the fate of one kind of one API version. Minors count Kubernetes'
// releases 1.x; 0 means that none is known.
type API struct {
	APIVersion string
	Kind       string
	Deprecated int    // first minor that calls it deprecated
	Removed    int    // first minor that does not serve it
	Use        string // apiVersion to use instead; "" when there is none
}

// Result is the verdict on one cluster. An object may have several findings.
type Result struct {
	Findings []finding.Finding // in the order of the objects, then by rule and pointer
	Objects  int               // objects judged
	Passed   int               // objects that no rule said anything about
	Unknown  int               // findings of class unknown
	Waived   int               // findings of class waived
	uses     map[int]int       // index of an exception → findings it waived
	late     bool              // a verdict was for want of time: another run may say something else
}
