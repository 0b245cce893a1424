package report

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"dualtrack.internal/platform/change"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/policy"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/schema"
)

// Scope is what one cluster consists of, for forms that list what passed too.
type Scope struct {
	Cluster     string
	Components  []string
	NotRendered []string
}

// standing is what a finding does to the verdict, worst first.
type standing int

// The standings.
const (
	fails    standing = iota // keeps everything from every cluster
	unclear                  // the rule lacked its evidence
	warns                    //
	stood                    // was there before the change, which does not fail for it
	remarks                  // an info
	waivedBy                 // by an exception
	mended                   // by the change
)

func (r *Result) standing(f finding.Finding) standing {
	switch f.Class {
	case finding.Fixed:
		return mended
	case finding.Waived:
		return waivedBy
	case finding.Unknown:
		return unclear
	case finding.PreExisting:
		if r.spared(f) {
			return stood
		}
	case finding.New:
	}
	switch f.Severity {
	case finding.Error:
		return fails
	case finding.Warning:
		return warns
	case finding.Info:
	}
	return remarks
}

// String is the word that other forms show.
func (s standing) String() string {
	return map[standing]string{fails: "error", unclear: "unknown", warns: "warning", stood: "pre-existing", remarks: "info",
		waivedBy: "waived", mended: "fixed"}[s]
}

// listed is a finding with its standing.
type listed struct {
	finding.Finding
	standing standing
}

// listing is every finding, worst first and otherwise in the result's order.
func (r *Result) listing() []listed {
	out := make([]listed, len(r.Findings))
	for i, f := range r.Findings {
		if f.Fingerprint == "" {
			f = f.WithFingerprint()
		}
		out[i] = listed{f, r.standing(f)}
	}
	slices.SortStableFunc(out, func(a, b listed) int { return cmp.Compare(a.standing, b.standing) })
	return out
}

// tally counts the findings by standing.
func (r *Result) tally() map[standing]int {
	n := map[standing]int{}
	for _, f := range r.Findings {
		n[r.standing(f)]++
	}
	return n
}

// verdict is the one sentence that every form must carry whole.
func (r *Result) verdict() string {
	n, by := r.tally(), ""
	if r.Change != nil && r.Change.NotCompared == "" && !r.Change.All {
		by = " by this change"
	}
	s := "Passed: no error" + by
	if n[fails] > 0 {
		s = "Denied: " + plural(n[fails], "error") + by
	}
	if r.BadInput() {
		s += ", among them a source that can't be used as it is"
	}
	if r.Unavailable() {
		s += ", among them a remote source that can't be had"
	}
	if n[unclear] > 0 {
		s += "; " + plural(n[unclear], "finding") + " unknown, which is no pass"
	}
	if r.Counts.NotRendered > 0 {
		s += "; " + plural(r.Counts.NotRendered, "component") + " not rendered"
	}
	return s
}

// at is a finding's place within the Git repository that holds the tree; of one
// that has none in it, such as what the distribution brings, the file of what it
// is about, and false.
func (r *Result) at(f finding.Finding) (finding.Position, bool) {
	p, own := f.Position, true
	if p.File == "" || strings.HasPrefix(p.File, distributionFolder) || strings.HasPrefix(p.File, "../") || path.IsAbs(p.File) {
		p, own = finding.Position{File: "clusters/fleet.yaml"}, false
		if len(f.Clusters) > 0 {
			p.File = path.Join("clusters", f.Clusters[0], "cluster.yaml")
		}
	}
	return r.place(p), own
}

// place is a place of the tree within the Git repository that holds it.
func (r *Result) place(p finding.Position) finding.Position {
	if p.File != "" {
		p.File = path.Join(r.Folder, p.File)
	}
	return p
}

// distributionFolder begins the names of files that a program carries.
const distributionFolder = "distribution/"

// ownRules describe what is said by no rule of policy.
func ownRules() []policy.Rule {
	const catalogued = "It is what the API server of that Kubernetes version says to the same object."
	return []policy.Rule{
		{ID: render.Rule, Severity: finding.Error, Title: "A component renders on every cluster that has it",
			Why: "What does not render can't be judged, and is neither unchanged nor deleted.", Mend: "mend the source at the place that is named"},
		{ID: render.RuleUnavailable, Severity: finding.Error, Title: "The remote source of a component can be had",
			Why: "What is not there can't be judged. The machine or the network lacks it, so it is no mistake of the repository's.", Mend: "mend the connection, or name a mirror"},
		{ID: schema.Rule, Severity: finding.Error, Title: "An object fits the schema of its kind", Why: catalogued, Mend: "write what the schema allows"},
		{ID: schema.RuleRemoved, Severity: finding.Error, Title: "An object is of an API that is still served", Why: catalogued, Mend: "write the object in a version that is served"},
		{ID: schema.RuleDeprecated, Severity: finding.Info, Title: "An object is of an API that will go on being served", Why: catalogued, Mend: "write the object in the newer version"},
		{ID: change.RuleNotRendered, Severity: finding.Warning, Title: "A component renders on both sides of a change",
			Why: "What did not render on one side is compared with nothing.", Mend: "mend the source at the place that is named"},
		{ID: "exception", Severity: finding.Error, Title: "An exception names a rule, holds, and is of use",
			Why: "An exception that nobody needs lets through what comes later.", Mend: "mend or remove the exception"},
		{ID: "policy", Severity: finding.Error, Title: "The rules can judge an object", Why: "What was not judged is not shown to be harmless.", Mend: "write what the Kubernetes API expects"},
	}
}

// rules describe every rule that the program knows or that a finding names, by id.
func (r *Result) rules() []policy.Rule {
	known := map[string]policy.Rule{}
	for _, rule := range append(ownRules(), r.Rules...) {
		known[rule.ID] = rule
	}
	for _, f := range r.Findings {
		if _, there := known[f.Rule]; !there {
			known[f.Rule] = policy.Rule{ID: f.Rule, Title: f.Rule, Severity: f.Severity}
		}
	}
	var out []policy.Rule
	for _, rule := range known {
		out = append(out, rule)
	}
	slices.SortFunc(out, func(a, b policy.Rule) int { return cmp.Compare(a.ID, b.ID) })
	return out
}
