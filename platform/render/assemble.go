package render

import (
	"errors"
	"fmt"
	"slices"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// result puts the jobs' objects together.
func (p *plan) result() *Result {
	r := &Result{sources: newSources(p)}
	pairs := 0
	var all []finding.Finding
	known := map[string]*Bundle{}
	for _, c := range p.clusters {
		pairs += len(c.jobs)
		bundle, findings := assemble(c, known)
		r.Bundles = append(r.Bundles, bundle)
		all = append(all, findings...)
	}
	r.Findings = finding.Merge(all)
	r.Revision = revision(r.Bundles)
	r.Shared = pairs - len(p.order)
	return r
}

// assemble makes one cluster's bundle. Clusters with the same jobs share what they
// hold: known are the bundles of those before.
func assemble(c clusterJobs, known map[string]*Bundle) (*Bundle, []finding.Finding) {
	findings := findingsOf(c)
	keys := make([]string, len(c.jobs))
	for i, j := range c.jobs {
		keys[i] = j.ownKey
	}
	key := sumJSON(keys)
	b := known[key]
	if b == nil {
		var twice []finding.Finding
		if b, twice = bundleOf(c.jobs); len(twice) == 0 {
			known[key] = b
		}
		findings = append(findings, twice...)
	}
	for i := range findings {
		findings[i].Clusters = []string{c.cluster.Name}
	}
	own := *b
	own.Cluster = c.cluster.Name
	return &own, findings
}

// findingsOf are the findings of a cluster's renderings.
func findingsOf(c clusterJobs) []finding.Finding {
	var findings []finding.Finding
	for _, j := range c.jobs {
		res := j.rendering()
		own := slices.Clone(res.findings)
		if res.err != nil {
			own = append(own, unknownElsewhere(j.component, failures(j.component, res.err))...)
		}
		own = append(own, notes(j.component)...)
		findings = append(findings, distinct(own, j.component.Name)...)
	}
	return findings
}

// bundleOf puts what jobs rendered together, and reports what is there twice.
func bundleOf(jobs []*job) (*Bundle, []finding.Finding) {
	b := &Bundle{Parts: map[string]string{}}
	var files []File
	var objects, hooks []ordered
	keys := make([]string, 0, len(jobs))
	for _, j := range jobs {
		res := j.rendering()
		if res.err != nil {
			b.NotRendered = append(b.NotRendered, NotRendered{Component: j.component.Name, Err: res.err})
		} else if j.sharedKey != "" {
			keys = append(keys, j.sharedKey)
		}
		for i := range res.order {
			if i < len(res.objects) {
				objects = append(objects, ordered{&res.order[i], &res.objects[i], res.traces[i], j})
			} else {
				hooks = append(hooks, ordered{&res.order[i], &res.hooks[i-len(res.objects)], res.traces[i], j})
			}
		}
		if len(res.objects) > 0 {
			files = append(files, File{Path: fileName(j.stage, j.component.Name), Data: res.data})
			b.Parts[j.component.Name] = res.sum
		}
	}
	objects, twice := dropDuplicates(inOrder(objects))
	b.Objects, b.Hooks = owned(objects), owned(inOrder(hooks))
	b.Digest = Digest(files)
	if len(keys) == len(jobs) {
		b.Sum = sumJSON(keys)
	}
	if len(twice) > 0 { // the jobs' documents hold what was dropped
		b.Parts = nil
		if kept, err := b.Files(); err == nil {
			b.Digest = Digest(kept)
		}
	}
	return b, twice
}

// ordered is an object of a job among those of a bundle.
type ordered struct {
	*standing
	object *Object
	trace  *trace
	job    *job
}

func inOrder(list []ordered) []ordered {
	slices.SortStableFunc(list, func(a, b ordered) int { return a.compare(*b.standing) })
	return list
}

// owned are the objects as their job has them.
func owned(list []ordered) []Object {
	if len(list) == 0 {
		return nil
	}
	out := make([]Object, len(list))
	for i, o := range list {
		out[i] = *o.object
		out[i].trace = o.trace.under(o.job.patches)
	}
	return out
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
// cluster and reports the others.
func dropDuplicates(objects []ordered) ([]ordered, []finding.Finding) {
	first := make(map[identified]*Object, len(objects))
	var findings []finding.Finding
	kept := slices.DeleteFunc(objects, func(at ordered) bool {
		o := at.object
		other, seen := first[at.identified]
		if !seen {
			first[at.identified] = o
			return false
		}
		findings = append(findings, finding.Finding{
			Rule: Rule, Severity: finding.Error, Object: o.Ref(), Component: o.Component, Position: o.Source,
			Message: fmt.Sprintf("%s is in the bundle twice: here and in component %s, %s", o.Ref(), other.Component, other.Source),
			Mend:    "remove one of the two",
		})
		return true
	})
	return kept, findings
}
