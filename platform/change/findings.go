package change

import (
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// The rules of this package's findings.
const (
	RuleRefused   = "change-refused"
	RuleLosesData = "change-loses-data"
)

// Findings are the consequences that a reviewer must not miss: what the API server
// will refuse is an error, lost data a warning. They are new by nature. after and
// before find the places in the source.
func Findings(clusters []Cluster, before, after *render.Result) []finding.Finding {
	was, now := objects(before), objects(after)
	var out []finding.Finding
	for _, c := range clusters {
		for _, o := range c.Objects {
			for _, q := range o.Consequences {
				f := finding.Finding{Object: o.Object, Component: o.Component, Message: q.Why, Pointer: q.Pointer,
					Class: finding.New, Clusters: []string{c.Name}, Position: o.Position}
				switch q.Effect {
				case Refused:
					f.Rule, f.Severity = RuleRefused, finding.Error
					f.Position = after.Locate(now[c.Name][o.Object], q.Pointer)
					f.Mend = "leave the field as it was, or make a new object beside the old one and delete that later"
				case LosesData:
					f.Rule, f.Severity = RuleLosesData, finding.Warning
					f.Position = was[c.Name][o.Object].Source
					f.Mend = "keep the object, or save what it holds first"
				case Restarts, Image, Scales:
					continue
				}
				out = append(out, f)
			}
		}
	}
	return finding.Merge(out)
}

// objects finds each cluster's objects by name.
func objects(r *render.Result) map[string]map[finding.Object]render.Object {
	out := map[string]map[finding.Object]render.Object{}
	for _, b := range r.Bundles {
		out[b.Cluster] = map[finding.Object]render.Object{}
		for _, o := range b.Objects {
			out[b.Cluster][o.Ref()] = o
		}
	}
	return out
}
