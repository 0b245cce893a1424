package render

import (
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// result puts the jobs' objects together.
func (p *plan) result() *Result {
	r := &Result{sources: newSources(p)}
	pairs := 0
	var all []finding.Finding
	for _, c := range p.clusters {
		pairs += len(c.jobs)
		bundle, findings := assemble(c)
		r.Bundles = append(r.Bundles, bundle)
		all = append(all, findings...)
	}
	r.Findings = finding.Merge(all)
	r.Revision = revision(r.Bundles)
	r.Shared = pairs - len(p.order)
	return r
}

// assemble makes one cluster's bundle.
func assemble(c clusterJobs) (*Bundle, []finding.Finding) {
	b := &Bundle{Cluster: c.cluster.Name, Parts: map[string]string{}}
	var findings []finding.Finding
	var files []File
	keys := make([]string, 0, len(c.jobs))
	for _, j := range c.jobs {
		res := &j.result
		own := slices.Clone(res.findings)
		if res.err != nil {
			b.NotRendered = append(b.NotRendered, NotRendered{Component: j.component.Name, Err: res.err})
			own = append(own, unknownElsewhere(j.component, failures(j.component, res.err))...)
		}
		own = append(own, notes(j.component)...)
		findings = append(findings, distinct(own, j.component.Name)...)
		if j.sharedKey != "" && res.err == nil {
			keys = append(keys, j.sharedKey)
		}
		b.Objects = append(b.Objects, res.objects...)
		b.Hooks = append(b.Hooks, res.hooks...)
		if len(res.objects) > 0 {
			files = append(files, File{Path: fileName(j.stage, j.component.Name), Data: res.data})
			b.Parts[j.component.Name] = res.sum
		}
	}
	slices.SortStableFunc(b.Objects, compareObjects)
	slices.SortStableFunc(b.Hooks, compareObjects)
	objects, twice := dropDuplicates(b.Objects)
	b.Objects = objects
	findings = append(findings, twice...)
	b.Digest = Digest(files)
	if len(keys) == len(c.jobs) {
		b.Sum = sumJSON(keys)
	}
	if len(twice) > 0 { // the jobs' documents hold what was dropped
		b.Parts = nil
		if kept, err := b.Files(); err == nil {
			b.Digest = Digest(kept)
		}
	}
	for i := range findings {
		findings[i].Clusters = []string{c.cluster.Name}
	}
	return b, findings
}

// distinct sets the component and tells equal messages apart: the fingerprint
// has no place, and merging would leave one of them.
func distinct(findings []finding.Finding, component string) []finding.Finding {
	seen := map[string]int{}
	for i := range findings {
		f := &findings[i]
		f.Component = component
		key := f.Message
		if seen[key]++; seen[key] > 1 {
			f.Message += fmt.Sprintf(" (%d times so far)", seen[key])
		}
	}
	return findings
}

// failures turns a component's error into findings, each at its place.
func failures(c *catalog.Component, err error) []finding.Finding {
	problems, other := finding.Gather(err)
	if other != nil {
		f := finding.Finding{Rule: Rule, Severity: finding.Error, Message: "not rendered: " + other.Error(), Position: finding.Position{File: c.File}}
		if _, far := errors.AsType[*catalog.UnavailableError](other); far {
			f.Rule, f.Position = RuleUnavailable, c.At("spec.source")
		}
		return []finding.Finding{f}
	}
	var out []finding.Finding
	for _, p := range problems {
		message := p.What
		if p.Field != "" {
			message = p.Field + ": " + message
		}
		out = append(out, finding.Finding{Rule: Rule, Severity: finding.Error, Message: "not rendered: " + message,
			Position: p.Position, Mend: p.Mend})
	}
	return out
}

// dropDuplicates keeps the first of the objects that are one and the same on a
// cluster and reports the others. The API version does not count: two versions
// of a kind are one object.
func dropDuplicates(objects []Object) ([]Object, []finding.Finding) {
	type id struct {
		schema.GroupKind
		namespace, name string
	}
	first := make(map[id]Object, len(objects))
	kept := make([]Object, 0, len(objects))
	var findings []finding.Finding
	for _, o := range objects {
		key := id{o.GroupVersionKind().GroupKind(), o.GetNamespace(), o.GetName()}
		other, seen := first[key]
		if !seen {
			first[key] = o
			kept = append(kept, o)
			continue
		}
		findings = append(findings, finding.Finding{
			Rule: Rule, Severity: finding.Error, Object: o.Ref(), Component: o.Component, Position: o.Source,
			Message: fmt.Sprintf("%s is in the bundle twice: here and in component %s, %s", o.Ref(), other.Component, other.Source),
			Mend:    "remove one of the two",
		})
	}
	return kept, findings
}
