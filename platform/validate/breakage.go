package validate

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"text/tabwriter"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// Mutant is a configuration or an object with one field broken.
type Mutant struct {
	Component string `json:"component"`
	What      string `json:"what"`  // the configuration or object
	Field     string `json:"field"` // file and path of the field
	Fault     Fault  `json:"fault"`
	CaughtBy  string `json:"caughtBy,omitempty"` // "": nothing caught it
}

// Breakage is what was broken with one seed, and who caught it.
type Breakage struct {
	Seed    uint64   `json:"seed"`
	Mutants []Mutant `json:"mutants"`
}

// Breaking is what is broken and who judges it.
type Breaking struct {
	Checkers []Checker
	Programs Programs
	Subjects []Subject
	Bundles  []*render.Bundle
	// Objects judges one object against its schema.
	Objects func(context.Context, render.Object) []finding.Finding
	Each    int    // fields a component, in its configurations and in its objects
	Seed    uint64 // the same seed breaks the same fields
}

// Break breaks fields of every component and sees who catches them. A field of a
// map whose keys are free, as labels are, is left alone.
func (b Breaking) Break(ctx context.Context) (*Breakage, error) {
	out := &Breakage{Seed: b.Seed}
	random := rand.New(rand.NewPCG(b.Seed, 0)) //nolint:gosec // a seed, so that it can be repeated
	objects := b.breakObjects(ctx, random)
	configurations, err := b.breakFiles(ctx, random)
	if err != nil {
		return nil, err
	}
	out.Mutants = slices.Concat(configurations, objects)
	slices.SortStableFunc(out.Mutants, func(a, b Mutant) int {
		return cmp.Or(strings.Compare(a.Component, b.Component), strings.Compare(a.What, b.What), strings.Compare(a.Field, b.Field))
	})
	return out, nil
}

// breakObjects takes each component's objects of the first bundle that has any.
func (b Breaking) breakObjects(ctx context.Context, random *rand.Rand) []Mutant {
	seen := map[string]bool{}
	var out []Mutant
	for _, bundle := range b.Bundles {
		byComponent := map[string][]render.Object{}
		for _, o := range bundle.Objects {
			if !seen[o.Component] {
				byComponent[o.Component] = append(byComponent[o.Component], o)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(byComponent)) {
			seen[name] = true
			var fields []leaf
			for i, o := range byComponent[name] {
				for _, l := range leaves(o.Object) {
					l.place = i
					fields = append(fields, l)
				}
			}
			for _, l := range pick(random, fields, b.Each) {
				o := byComponent[name][l.place]
				broken := o
				broken.Unstructured = o.DeepCopy()
				fault := l.breakIn(broken.Object, random)
				m := Mutant{Component: name, What: o.Ref().String(), Field: l.String(), Fault: fault}
				if slices.ContainsFunc(b.Objects(ctx, broken), finding.Finding.Denies) {
					m.CaughtBy = "schema"
				}
				out = append(out, m)
			}
		}
	}
	return out
}

// breakFiles takes each component's configurations of the first cluster that has
// any.
func (b Breaking) breakFiles(ctx context.Context, random *rand.Rand) ([]Mutant, error) {
	groups := map[string][]Subject{}
	for _, s := range b.Subjects {
		if first := groups[s.Component]; len(first) == 0 || first[0].Cluster == s.Cluster {
			groups[s.Component] = append(groups[s.Component], s)
		}
	}
	var mutants []Mutant
	var broken, controls []Subject
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		var fields []leaf
		for i, s := range groups[name] {
			for _, l := range fileLeaves(s) {
				l.place = i
				fields = append(fields, l)
			}
		}
		for _, l := range pick(random, fields, b.Each) {
			s, fault, err := l.breakFile(groups[name][l.place], random)
			if err != nil {
				return nil, err
			}
			mutants = append(mutants, Mutant{Component: name, What: s.Name, Field: l.String(), Fault: fault})
			// A name of its own keeps the judges' answers apart.
			s.Name = fmt.Sprintf("mutant %d of %s", len(broken), s.Name)
			broken = append(broken, s)
			control, err := l.rewritten(groups[name][l.place])
			if err != nil {
				return nil, err
			}
			control.Name = "control of " + s.Name
			controls = append(controls, control)
		}
	}
	// Dashboards may show what the rules of another cluster record, so all are there.
	rows, err := Run(ctx, b.Checkers, b.Programs, slices.Concat(broken, controls, b.Subjects))
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if strings.HasPrefix(row.What, "control of ") && len(row.Problems) > 0 {
			return nil, fmt.Errorf("%s, written anew with nothing broken, is refused by %s, so nothing follows from broken ones: %s", row.What, row.By, row.Problems[0].Message)
		}
		i := slices.IndexFunc(broken, func(s Subject) bool { return s.Name == row.What })
		// Of several readers the program that reads it in production counts first.
		if i >= 0 && len(row.Problems) > 0 && (mutants[i].CaughtBy == "" || row.How == ByProgram) {
			mutants[i].CaughtBy = row.By
		}
	}
	return mutants, nil
}

// pick takes n of the fields, in random order.
func pick(random *rand.Rand, fields []leaf, n int) []leaf {
	random.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	return fields[:min(n, len(fields))]
}

// JSON writes the breakage.
func (b *Breakage) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(b); err != nil {
		return fmt.Errorf("writing what was broken: %w", err)
	}
	return nil
}

// Text writes a line a component, and what nothing caught.
func (b *Breakage) Text(w io.Writer) error {
	type tally struct {
		caught, all int
		by          map[string]int
	}
	tallies := map[string]*tally{}
	total := tally{}
	for _, m := range b.Mutants {
		t := tallies[m.Component]
		if t == nil {
			t = &tally{by: map[string]int{}}
			tallies[m.Component] = t
		}
		t.all, total.all = t.all+1, total.all+1
		if m.CaughtBy != "" {
			t.caught, total.caught = t.caught+1, total.caught+1
			t.by[m.CaughtBy]++
		}
	}
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "COMPONENT\tCAUGHT\tBY")
	for _, name := range slices.Sorted(maps.Keys(tallies)) {
		t := tallies[name]
		var by []string
		for _, judge := range slices.Sorted(maps.Keys(t.by)) {
			by = append(by, fmt.Sprintf("%s %d", judge, t.by[judge]))
		}
		fmt.Fprintf(table, "%s\t%d of %d\t%s\n", name, t.caught, t.all, strings.Join(by, ", "))
	}
	_ = table.Flush() // into memory
	for _, m := range b.Mutants {
		if m.CaughtBy == "" {
			fmt.Fprintf(&text, "not caught: %s: %s: %s: %s\n", m.Component, m.What, m.Field, m.Fault)
		}
	}
	fmt.Fprintf(&text, "\n%d of %d broken fields caught, seed %d\n", total.caught, total.all, b.Seed)
	if _, err := io.WriteString(w, text.String()); err != nil {
		return fmt.Errorf("writing what was broken: %w", err)
	}
	return nil
}
