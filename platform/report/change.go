package report

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/change"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/policy"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/source"
)

// ChangeSet is what lies between a base and a head.
type ChangeSet struct {
	Base Side   `json:"base"`
	Head Side   `json:"head"`
	Why  string `json:"why"` // how the base was found
	// NotCompared says why the base could not be judged: then every finding
	// counts, and nothing is said about changes.
	NotCompared string         `json:"notCompared,omitempty"`
	Objects     []change.Group `json:"objects,omitempty"`
	Joins       []string       `json:"joins,omitempty"`  // clusters that only the head has
	Leaves      []string       `json:"leaves,omitempty"` // clusters that only the base has
	// NotKnown are the components that one side did not render.
	NotKnown []string `json:"notKnown,omitempty"`
	// Lifted are the fingerprints of findings that the change would let through by
	// exceptions or settings of its own.
	Lifted []string `json:"lifted,omitempty"`
	// All says that findings which the base has too fail the command.
	All bool `json:"failOnAll,omitempty"`
	// Before and After are both sides' bundles, for forms that show objects whole.
	Before []*render.Bundle `json:"-"`
	After  []*render.Bundle `json:"-"`
}

// Side is one side of a change.
type Side struct {
	Name   string `json:"name"`
	Commit string `json:"commit,omitempty"`
}

// AddChange notes the sides of a change.
func (r *Result) AddChange(c *source.Change, all bool) *ChangeSet {
	r.Change = &ChangeSet{Base: Side{c.Base.Name, c.Base.Commit}, Head: Side{c.Head.Name, c.Head.Commit}, Why: c.Why, All: all}
	return r.Change
}

// AddGatedChange takes over a judged change: what differs, and what rules say of
// that.
func (r *Result) AddGatedChange(g *policy.GatedChange, judged *change.Judged) {
	r.AddGate(g.Head)
	clusters := judged.Clusters
	r.Findings = finding.Merge(slices.Concat(g.Findings, judged.Findings))
	s := r.Change
	s.Objects = change.Grouped(clusters)
	s.Before, s.After = g.Base.Rendered.Bundles, g.Head.Rendered.Bundles
	for _, c := range clusters {
		if c.Joins {
			s.Joins = append(s.Joins, c.Name)
		}
		if c.Leaves {
			s.Leaves = append(s.Leaves, c.Name)
		}
		s.NotKnown = append(s.NotKnown, c.Unknown...)
	}
	slices.Sort(s.NotKnown)
	s.NotKnown = slices.Compact(s.NotKnown)
	for _, f := range slices.Concat(g.Lifted, judged.Lifted) {
		s.Lifted = append(s.Lifted, f.Fingerprint)
	}
}

// spared says that a finding was there before the change, which therefore does
// not fail for it.
func (r *Result) spared(f finding.Finding) bool {
	return f.Class == finding.PreExisting && r.Change != nil && !r.Change.All
}

// begin shows what is compared, and what changes.
func (s *ChangeSet) begin(b *bytes.Buffer, clusters int, o TextOptions) {
	fmt.Fprintf(b, "%s against %s", side(s.Head), side(s.Base))
	if s.Why != "" {
		fmt.Fprintf(b, " (%s)", s.Why)
	}
	b.WriteString("\n\n")
	if s.NotCompared != "" {
		fmt.Fprintf(b, "not compared, so every finding counts: %s\n\n", indent(s.NotCompared))
		return
	}
	for _, name := range s.Joins {
		fmt.Fprintf(b, "cluster %s joins the fleet\n", name)
	}
	for _, name := range s.Leaves {
		fmt.Fprintf(b, "cluster %s leaves the fleet; nobody removes what it holds\n", name)
	}
	for _, name := range s.NotKnown {
		fmt.Fprintf(b, "%s did not render on one side: its objects are not compared\n", name)
	}
	some(b, s.Objects, o, func(g change.Group) { writeGroup(b, g, clusters, o) })
	if !bytes.HasSuffix(b.Bytes(), []byte("\n\n")) {
		b.WriteByte('\n')
	}
}

func side(s Side) string {
	if s.Commit == "" {
		return s.Name
	}
	return fmt.Sprintf("%s, commit %.12s", s.Name, s.Commit)
}

func writeGroup(b *bytes.Buffer, g change.Group, clusters int, o TextOptions) {
	fmt.Fprintf(b, "%s %s", g.Action, g.Object)
	switch g.Action {
	case change.Moved:
		fmt.Fprintf(b, " from component %s", g.From)
	case change.Renamed:
		fmt.Fprintf(b, ", which was %s", g.From)
	case change.Added, change.Changed, change.Removed, change.Affected:
	}
	if g.Component != "" {
		fmt.Fprintf(b, " · %s", g.Component)
	}
	fmt.Fprintf(b, " · %s", onClusters(g.Clusters, clusters))
	if at := g.Position.String(); at != "" {
		fmt.Fprintf(b, " · %s", at)
	}
	b.WriteByte('\n')
	some(b, g.Fields, o, func(f change.Field) {
		fmt.Fprintf(b, "    %s: %s → %s\n", f.Path, value(f.Before), value(f.After))
	})
	for _, c := range g.Consequences {
		fmt.Fprintf(b, "    %s: %s\n", o.paint(levelColor(c.Level), string(c.Effect)), c.Why)
	}
}

// onClusters names the clusters that something is about, in few words.
func onClusters(names []string, all int) string {
	switch n := len(names); {
	case n == all && n > 1:
		return fmt.Sprintf("all %d clusters", n)
	case n <= 3:
		return strings.Join(names, ", ")
	default:
		return fmt.Sprintf("%d clusters: %s, …", n, strings.Join(names[:2], ", "))
	}
}

// headline sums up what changes.
func (s *ChangeSet) headline() string {
	if s.NotCompared != "" {
		return "changes not known"
	}
	if len(s.Objects)+len(s.Joins)+len(s.Leaves) == 0 {
		if len(s.NotKnown) > 0 {
			return "no change in what was rendered on both sides"
		}
		return "no change: every cluster's bundle is the same"
	}
	count, on := map[change.Action]int{}, map[string]bool{}
	settings := 0
	for _, g := range s.Objects {
		switch {
		case g.Action == change.Affected:
			continue // what it follows of is counted
		case g.Object.APIVersion == catalog.APIVersion:
			settings++
			continue
		}
		count[g.Action] += len(g.Clusters)
		for _, name := range g.Clusters {
			on[name] = true
		}
	}
	var parts []string
	for _, a := range []change.Action{change.Added, change.Changed, change.Moved, change.Renamed, change.Removed} {
		if count[a] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[a], a))
		}
	}
	text := fmt.Sprintf("%s on %s", strings.Join(parts, ", "), plural(len(on), "cluster"))
	if len(parts) == 0 {
		text = "no object changes"
	}
	if settings > 0 {
		text += " · " + plural(settings, "changed declaration")
	}
	for _, moved := range []struct {
		names []string
		what  string
	}{{s.Joins, "joins"}, {s.Leaves, "leaves"}} {
		if len(moved.names) > 0 {
			text += fmt.Sprintf(" · %s %s", onClusters(moved.names, 0), moved.what)
		}
	}
	return text
}
