package report

import (
	"errors"

	"dualtrack.internal/platform/apply"
	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/converge"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/fleet"
	"dualtrack.internal/platform/track"
)

// AddOutcomes takes over what happened to each cluster.
func (r *Result) AddOutcomes(outcomes []fleet.Outcome, cat *catalog.Catalog) {
	for _, o := range outcomes {
		c := Cluster{
			Name: o.Cluster, Role: string(cat.Cluster(o.Cluster).Spec.Role), State: state(o), Why: why(o),
			Kubernetes: o.Version, HealthEvidence: evidenceOf(o.Lacks), Survey: o.Survey, Started: o.Started, Took: map[string]Seconds{},
		}
		for phase, d := range o.Took {
			c.Took[phase] = Seconds(d)
		}
		if o.Pods != nil {
			c.Pods = &Pods{Observed: o.Pods.Observed, Simulated: o.Pods.Simulated}
		}
		if o.Converge != nil {
			c.add(o.Converge)
		}
		for _, p := range o.Plan {
			c.Changes = append(c.Changes, Change{Object: p.Change.Object, Action: string(p.Change.Action), Fields: p.Fields})
		}
		for _, d := range o.Drift {
			c.Drift = append(c.Drift, drift(d))
		}
		r.Clusters = append(r.Clusters, c)
	}
}

func state(o fleet.Outcome) State {
	switch {
	case o.Unreachable:
		return Unreachable
	case errors.Is(o.Err, cluster.ErrRefused):
		return Refused
	case o.Planned:
		return Planned
	case o.Err != nil:
		return Failed
	case o.NotRunning:
		return NotRunning
	case o.Converge == nil:
		return Running
	case !o.Converge.Reachable:
		return Unreachable
	case o.Converge.Converged:
		return Converged
	}
	return NotConverged
}

func why(o fleet.Outcome) string {
	switch {
	case o.Err != nil:
		return o.Err.Error()
	case o.Converge != nil && o.Converge.Err != nil:
		return o.Converge.Err.Error()
	}
	return ""
}

func evidenceOf(lacks []cluster.Ability) Evidence {
	for _, a := range lacks {
		if a == cluster.RunsPods {
			return Simulated
		}
	}
	return Observed
}

func (c *Cluster) add(o *converge.Outcome) {
	c.Bundle = o.Bundle
	for _, name := range []track.Name{track.Flux, track.Argo} {
		if verdicts, judged := o.Verdicts[name]; judged {
			t := NewTrack(name, verdicts)
			c.Objects = max(c.Objects, t.Objects)
			c.Tracks = append(c.Tracks, t)
		}
	}
	for _, d := range o.Disagreements {
		c.Disagreements = append(c.Disagreements, Disagreement{
			Object: d.Object, Flux: words(d.Flux), Argo: words(d.Argo), Field: d.Pointer, Cause: d.Cause, Why: d.Why,
		})
	}
	for _, w := range o.Withheld {
		c.Withheld = append(c.Withheld, Note{Object: w.Object, Why: w.Why})
	}
	for _, w := range o.Waiting {
		c.Waiting = append(c.Waiting, Note{Object: w.Object, Why: w.Why})
	}
	for _, k := range o.Kept {
		c.Kept = append(c.Kept, Note{Object: k.Object, Why: k.Kept})
	}
	if o.Apply == nil {
		return
	}
	for _, ch := range o.Apply.Changes {
		if ch.Action != apply.Unchanged && ch.Action != apply.Kept {
			c.Changes = append(c.Changes, Change{Object: ch.Object, Action: string(ch.Action)})
		}
	}
}

// words are a track's own, for a person: "differs, healthy (OutOfSync/Healthy)".
func words(v track.Verdict) string {
	s := string(v.Sync)
	if v.Health != "" && v.Sync != track.Missing {
		s += ", " + string(v.Health)
	}
	if v.Native != "" {
		s += " (" + v.Native + ")"
	}
	return s
}

func drift(d track.Drifted) Drift {
	out := Drift{Object: d.Object, Component: d.Component, Class: d.Class, Fields: d.Fields, Writer: d.Writer,
		Flux: "not in the bundle", Argo: "not in the bundle"}
	for _, v := range d.Verdicts {
		switch v.Track {
		case track.Flux:
			out.Flux = words(v)
		case track.Argo:
			out.Argo = words(v)
		}
	}
	return out
}

// AddDriftPolicy gives each drifted object its policy verdict.
func (r *Result) AddDriftPolicy(findings []finding.Finding) {
	for i := range r.Clusters {
		c := &r.Clusters[i]
		for j := range c.Drift {
			for _, f := range findings {
				if f.Object == c.Drift[j].Object && len(f.Clusters) == 1 && f.Clusters[0] == c.Name {
					c.Drift[j].Policy = append(c.Drift[j].Policy, f)
				}
			}
		}
	}
}

// AddPrograms notes the processes of one cluster.
func (r *Result) AddPrograms(name string, programs []cluster.ProcessStatus) {
	for i := range r.Clusters {
		if r.Clusters[i].Name != name {
			continue
		}
		for _, p := range programs {
			r.Clusters[i].Programs = append(r.Clusters[i].Programs, Program{Name: p.Program, PID: p.PID, State: string(p.State), PSS: p.PSS})
		}
	}
}

// OnlyChanges leaves the plan of a dry run, without the verdicts it rests on.
func (r *Result) OnlyChanges() {
	for i := range r.Clusters {
		c := &r.Clusters[i]
		c.Drift, c.Tracks, c.Disagreements, c.Waiting = nil, nil, nil, nil
		c.Took = nil
		if c.State == Converged || c.State == NotConverged {
			c.State = Running
		}
	}
}

// OnlyDrift leaves what drifted, without the verdicts it was read from.
func (r *Result) OnlyDrift() {
	for i := range r.Clusters {
		c := &r.Clusters[i]
		c.Tracks, c.Disagreements, c.Waiting, c.Took = nil, nil, nil, nil
		if c.State == Converged || c.State == NotConverged {
			c.State = Running
		}
	}
}
