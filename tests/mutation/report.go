package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"sigs.k8s.io/yaml"
)

// justified is an entry of policies/mutants.yaml: a mutant that says the same as the
// rule, so that no test can tell them apart.
type justified struct {
	File string `json:"file"` // below policies
	What string `json:"what"` // the edit, as the report words it
	Line string `json:"line"` // the line as it is then
	// Times is how often the file has this very edit; 0 means once.
	Times int    `json:"times,omitempty"`
	Why   string `json:"why"`
}

// readJustified reads the entries; a file that is not there has none.
func readJustified(name string) ([]justified, error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list struct {
		Mutants []justified `json:"mutants"`
	}
	if err := yaml.UnmarshalStrict(data, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for i, j := range list.Mutants {
		if j.File == "" || j.What == "" || j.Line == "" || j.Why == "" {
			return nil, fmt.Errorf("%s: entry %d needs file, what, line and why", name, i+1)
		}
	}
	return list.Mutants, nil
}

// report sorts the results by what is to be done about them.
type report struct {
	counts  map[fate]int
	holes   []mutant
	known   []justified
	useless []string // entries that are wrong
}

// newReport matches survivors with their justifications. Where not every mutant was
// run, an entry whose mutants were not all run is not judged.
func newReport(l *library, results []result, known []justified, whole bool) *report {
	r := &report{counts: map[fate]int{}}
	type edit struct{ file, what, line string }
	ran, lived := map[edit]int{}, map[edit]int{}
	for _, one := range results {
		key := edit{one.file, one.what, one.line}
		ran[key]++
		r.counts[one.fate]++
		if one.fate == survived {
			lived[key]++
		}
	}
	named := map[edit]bool{}
	for _, j := range known {
		key := edit{j.File, j.What, j.Line}
		named[key] = true
		switch want := max(1, j.Times); {
		case !whole && ran[key] < want:
		case lived[key] == 0 && l.modules[j.File] == nil:
			r.useless = append(r.useless, fmt.Sprintf("policies/%s: there is no such file", j.File))
		case lived[key] != want:
			r.useless = append(r.useless, fmt.Sprintf("policies/%s: %s, %q: %d such mutants survive, %d are named", j.File, j.What, j.Line, lived[key], want))
		default:
			r.known = append(r.known, j)
		}
	}
	for _, one := range results {
		if one.fate == survived && !named[edit{one.file, one.what, one.line}] {
			r.holes = append(r.holes, one.mutant)
		}
	}
	return r
}

func (r *report) wrong() bool { return len(r.holes)+len(r.useless) > 0 }

func (r *report) print(out io.Writer, words string, took time.Duration, workers int) {
	for _, j := range r.known {
		fmt.Fprintf(out, "says the same: policies/%s: %s\n    %s\n    %s\n", j.File, j.What, j.Line, j.Why)
	}
	for _, m := range r.holes {
		fmt.Fprintf(out, "SURVIVED %s\n", m)
	}
	for _, u := range r.useless {
		fmt.Fprintf(out, "policies/mutants.yaml: %s\n", u)
	}
	n := r.counts[killed] + r.counts[survived] + r.counts[invalid]
	fmt.Fprintf(out, "mutants: %s; %d killed, %d survived (%d named as saying the same), %d not compiled; %.1f s, %.0f ms each on %d at a time\n",
		words, r.counts[killed], r.counts[survived], r.counts[survived]-len(r.holes), r.counts[invalid],
		took.Seconds(), took.Seconds()*1000*float64(workers)/float64(max(1, n)), workers)
}
