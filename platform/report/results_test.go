package report_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"dualtrack.internal/platform/apply"
	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/converge"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/fleet"
	"dualtrack.internal/platform/report"
	"dualtrack.internal/platform/track"
)

const (
	revision = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	commit   = "fedcba9876543210fedcba9876543210fedcba98"
)

// results are one of each command that people read most, by name of the golden
// file. They go through the same conversions as a command's.
func results() map[string]*report.Result {
	return map[string]*report.Result{
		"check":            checked(),
		"check-clean":      begin("check"),
		"up-converged":     up(converged("hub"), converged("edge-1")),
		"up-not-converged": notConverged(),
		"up-denied":        denied(),
		"drift":            drifted(),
		"planned":          planned(),
		"drift-none":       noDrift(),
		"repair-plan":      repair(),
		"doctor":           doctor(),
		"down":             down(),
		"upgrade":          upgraded(false),
		"upgrade-denied":   upgraded(true),
	}
}

func small() *catalog.Catalog {
	cat := &catalog.Catalog{Fleet: &catalog.Fleet{Name: "shop"}, Baseline: &catalog.Baseline{}}
	cat.Baseline.Spec.Kubernetes = "v1.99.0"
	for _, name := range []string{"hub", "edge-1", "edge-2", "edge-3", "edge-4"} {
		c := &catalog.Cluster{Name: name}
		if c.Spec.Role = catalog.Edge; name == "hub" {
			c.Spec.Role = catalog.Hub
		}
		cat.Clusters = append(cat.Clusters, c)
	}
	return cat
}

// begin is a result after a gate that found nothing.
func begin(command string) *report.Result {
	r := report.New(command, small())
	r.Revision, r.Commit = revision, commit
	r.Counts = report.Counts{Clusters: 5, Components: 3, Objects: 42, Rules: 7, Passed: 280}
	return r
}

func object(kind, name string) finding.Object {
	version := map[string]string{"Deployment": "apps/v1", "HorizontalPodAutoscaler": "autoscaling/v2"}[kind]
	if version == "" {
		version = "v1"
	}
	return finding.Object{APIVersion: version, Kind: kind, Namespace: "shop", Name: name}
}

// tree are findings of each kind.
func tree() []finding.Finding {
	return finding.Merge([]finding.Finding{
		{Rule: "DT-SEC-001", Severity: finding.Error, Message: "container api runs privileged", Object: object("Deployment", "api"),
			Pointer: "/spec/template/spec/containers/0/securityContext/privileged", Component: "api",
			Position: finding.Position{File: "components/api/chart/templates/deployment.yaml", Line: 31, Column: 9},
			Mend:     "set privileged: false", Patch: json.RawMessage(`[{"op":"remove","path":"/spec"}]`),
			Clusters: []string{"edge-1", "edge-2", "edge-3", "edge-4", "hub"}},
		{Rule: "DT-IMG-002", Severity: finding.Warning, Message: "image without digest", Object: object("Deployment", "web"), Component: "web",
			Position: finding.Position{File: "components/web/deployment.yaml", Line: 12}, Clusters: []string{"edge-1", "edge-2", "edge-3", "hub"}},
		{Rule: "DT-NET-003", Severity: finding.Error, Class: finding.Waived, Message: "no network policy", Object: object("Deployment", "web"),
			Component: "web", Position: finding.Position{File: "components/web/deployment.yaml"}, Clusters: []string{"hub"}},
		{Rule: "DT-RES-004", Severity: finding.Error, Class: finding.Unknown, Message: "the limit is not known here", Clusters: []string{"hub"}},
		{Rule: "schema-deprecated", Severity: finding.Info, Message: "v1beta1 goes away", Object: object("Deployment", "web"), Clusters: []string{"hub", "edge-1"}},
	})
}

func checked() *report.Result {
	r := begin("check")
	r.Dirty, r.Findings = true, tree()
	r.Counts.Waived, r.Counts.Unknown, r.Counts.NotRendered = 1, 1, 1
	return r
}

func verdict(name track.Name, o finding.Object, sync track.Sync, health track.Health, native string) track.Verdict {
	return track.Verdict{Track: name, Object: o, Component: "api", Sync: sync, Health: health, Native: native, ObservedGeneration: 1}
}

// converged is what a driver says of a cluster that holds its bundle.
func converged(name string) fleet.Outcome {
	api, config := object("Deployment", "api"), object("ConfigMap", "settings")
	created := apply.Result{Changes: []apply.Change{{Object: config, Action: apply.Created}, {Object: object("Service", "api"), Action: apply.Unchanged}}}
	for i := range 11 { // more than a person wants to read
		created.Changes = append(created.Changes, apply.Change{Object: object("Deployment", fmt.Sprintf("api-%02d", i)), Action: apply.Configured})
	}
	return fleet.Outcome{
		Cluster: name, Version: "v1.99.0", Started: []string{"started etcd-1"},
		Took: map[string]time.Duration{"start": 2400 * time.Millisecond, "converge": 5 * time.Second},
		Converge: &converge.Outcome{
			Cluster: name, Bundle: revision, Converged: true, Reachable: true, Apply: &created,
			RequestedAt: time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC), ObservedAt: time.Date(2001, 2, 3, 4, 5, 7, 0, time.UTC),
			Verdicts: map[track.Name][]track.Verdict{
				track.Flux: {verdict(track.Flux, api, track.InSync, track.Healthy, "Current"), verdict(track.Flux, config, track.InSync, track.Healthy, "Current")},
				track.Argo: {verdict(track.Argo, api, track.InSync, track.Healthy, "Synced/Healthy"), verdict(track.Argo, config, track.InSync, track.Suspended, "Synced/Suspended")},
			},
			Kept: []apply.Entry{{Object: object("PersistentVolumeClaim", "data"), Kept: "its data would be lost"}},
		},
	}
}

// simulated says that none of the clusters runs containers.
func simulated(outcomes []fleet.Outcome) []fleet.Outcome {
	for i := range outcomes {
		outcomes[i].Lacks = []cluster.Ability{cluster.RunsPods}
	}
	return outcomes
}

func up(outcomes ...fleet.Outcome) *report.Result {
	r := begin("up")
	r.Awaited, r.Counts.Clusters = true, len(outcomes)
	r.AddOutcomes(simulated(outcomes), small())
	r.Next = []string{"platform status"}
	return r
}

// notConverged holds a cluster in each state that is not well.
func notConverged() *report.Result {
	api, hpa := object("Deployment", "api"), object("HorizontalPodAutoscaler", "api")
	waiting := converged("edge-1")
	waiting.Converge.Converged = false
	waiting.Converge.Err = errors.New("2 objects were refused:\nfirst\nsecond")
	waiting.Converge.Waiting = []apply.Waiting{{Object: api, Why: "1 of 2 replicas ready;\nlast pod: ErrImagePull"}}
	waiting.Converge.Withheld = []apply.Withheld{{Object: hpa, Why: "the provider offers no metrics"}}
	differs := verdict(track.Argo, api, track.Differs, track.Progressing, "OutOfSync/Progressing")
	differs.Why = "three-way"
	differs.Fields = []track.Field{{Pointer: "/spec/replicas", Want: 2, Have: 3, Writer: writer()}, {Pointer: "/spec/paused", Have: true}}
	waiting.Converge.Verdicts = map[track.Name][]track.Verdict{
		track.Flux: {verdict(track.Flux, api, track.InSync, track.Progressing, "InProgress"), verdict(track.Flux, hpa, track.InSync, track.NotJudgeable, "")},
		track.Argo: {differs, verdict(track.Argo, hpa, track.InSync, track.NotJudgeable, "Synced/not judged")},
	}
	waiting.Converge.Disagreements = []converge.Disagreement{{
		Object: api, Flux: waiting.Converge.Verdicts[track.Flux][0], Argo: differs, Pointer: "/spec/replicas", Cause: "replicas", Why: "an autoscaler writes it",
	}}
	return up(converged("hub"), waiting,
		fleet.Outcome{Cluster: "edge-2", Unreachable: true, Err: fmt.Errorf("edge-2: %w", cluster.ErrUnreachable)},
		fleet.Outcome{Cluster: "edge-3", Converge: &converge.Outcome{}, Err: errors.New("etcd-1 died: exit status 1")},
		fleet.Outcome{Cluster: "edge-4", NotRunning: true})
}

func denied() *report.Result {
	r := begin("up")
	r.Awaited, r.Findings = true, tree()
	for _, c := range small().Clusters {
		r.Clusters = append(r.Clusters, report.Cluster{Name: c.Name, Role: string(c.Spec.Role), State: report.NotChanged, Bundle: revision, Objects: 8})
	}
	return r
}

func writer() track.Writer {
	return track.Writer{Manager: "kubectl-edit", Operation: "Update", Time: time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)}
}

func driftOutcomes() []fleet.Outcome {
	api, gone, extra, by := object("Deployment", "api"), object("ConfigMap", "settings"), object("ConfigMap", "old"), object("Secret", "by-hand")
	hand := track.Drifted{Object: by, Class: track.DriftUnmanaged, Writer: writer()}
	hand.Writer.Subresource = "scale"
	o := converged("edge-1")
	o.Converge.Converged, o.Converge.Apply = false, nil
	long := "a value that is longer than sixty letters, so that a person is not shown the whole of it"
	o.Drift = []track.Drifted{
		{Object: api, Component: "api", Class: track.DriftDiffers, Fields: []track.Field{
			{Pointer: "/spec/replicas", Want: 2, Have: 5, Writer: writer()},
			{Pointer: "/metadata/annotations/note", Have: long, Writer: writer()},
		}, Verdicts: []track.Verdict{
			verdict(track.Flux, api, track.Differs, track.Healthy, "Current"), verdict(track.Argo, api, track.Differs, track.Healthy, "OutOfSync/Healthy"),
		}},
		{Object: gone, Component: "api", Class: track.DriftMissing, Verdicts: []track.Verdict{
			verdict(track.Flux, gone, track.Missing, track.HealthMissing, "NotFound"), verdict(track.Argo, gone, track.Missing, track.HealthMissing, "OutOfSync/Missing"),
		}},
		{Object: extra, Class: track.DriftExtra, Writer: track.Writer{Manager: apply.FieldManager, Operation: "Apply"}, Verdicts: []track.Verdict{
			verdict(track.Flux, extra, track.Extra, track.Healthy, ""), verdict(track.Argo, extra, track.Extra, track.Healthy, "OutOfSync/Healthy"),
		}},
		hand,
	}
	well := converged("hub")
	well.Converge.Apply = nil
	return []fleet.Outcome{well, o, {Cluster: "edge-2", Converge: &converge.Outcome{}}, {Cluster: "edge-3", NotRunning: true}}
}

// planned are clusters that were there before: one to adopt, one whose account
// may not enough, one of another fleet.
func planned() *report.Result {
	plan := converged("edge-1")
	plan.Planned, plan.Converge.Converged, plan.Converge.Apply = true, false, nil
	plan.Plan = []fleet.Planned{{Change: apply.Change{Object: object("ConfigMap", "settings"), Action: apply.Created}}}
	plan.Survey = &cluster.Survey{
		Server: "v1.98.3", Version: "the server is v1.98.3 and the baseline v1.99.0", Lacks: []cluster.Ability{cluster.MetricsAPI},
		Foreign: []finding.Object{object("Service", "api")},
	}
	short := fleet.Outcome{Cluster: "edge-2", Planned: true, Survey: &cluster.Survey{
		Server: "v1.99.0", Owner: "fleet shop, cluster edge-2", Adopted: true,
		Missing: []cluster.Permission{{Verb: "patch", Group: "apps", Resource: "deployments", Namespace: "shop"}, {Verb: "list", Resource: "nodes"}},
	}}
	theirs := fleet.Outcome{Cluster: "edge-3", Err: &fleet.RefusedError{Cluster: "edge-3", Reasons: []string{"this fleet has not adopted the cluster"}}}
	r := begin("up")
	r.Awaited = true
	r.AddOutcomes([]fleet.Outcome{plan, short, theirs}, small())
	return r
}

func drifted() *report.Result {
	r := begin("drift")
	r.AddOutcomes(simulated(driftOutcomes()), small())
	r.AddDriftPolicy([]finding.Finding{
		{Rule: "DT-DRIFT-001", Severity: finding.Warning, Message: "scaled by hand", Object: object("Deployment", "api"), Clusters: []string{"edge-1"}},
		{Rule: "DT-DRIFT-002", Severity: finding.Error, Message: "of another cluster", Object: object("Deployment", "api"), Clusters: []string{"hub"}},
	})
	r.OnlyDrift()
	return r
}

func noDrift() *report.Result {
	r := begin("drift")
	r.AddOutcomes(driftOutcomes()[:1], small())
	r.OnlyDrift()
	return r
}

func repair() *report.Result {
	o := converged("edge-1")
	o.Converge.Converged, o.Converge.Apply = false, nil
	o.Plan = []fleet.Planned{
		{Change: apply.Change{Object: object("Deployment", "api"), Action: apply.Configured},
			Fields: []track.Field{{Pointer: "/spec/replicas", Want: 2, Have: 5, Writer: writer()}}},
		{Change: apply.Change{Object: object("ConfigMap", "settings"), Action: apply.Created}},
		{Change: apply.Change{Object: object("ConfigMap", "old"), Action: apply.Pruned}},
	}
	r := begin("repair")
	r.AddOutcomes(simulated([]fleet.Outcome{o}), small())
	r.OnlyChanges()
	r.Next = []string{"platform repair --yes"}
	return r
}

func doctor() *report.Result {
	r := report.New("doctor", small())
	r.Findings = []finding.Finding{
		{Rule: "disk", Severity: finding.Error, Message: "1.0 GB free", Mend: "free 4 GB"},
		{Rule: "process", Severity: finding.Warning, Clusters: []string{"hub"}, Message: "etcd-1 is dead", Mend: "`platform up` restarts it"},
		{Rule: "provider", Severity: finding.Info, Message: "nodes are simulated"},
	}
	r.Clusters = []report.Cluster{{Name: "hub", Role: "hub", State: report.Running}, {Name: "edge-1", Role: "edge", State: report.NotRunning}}
	r.AddPrograms("hub", []cluster.ProcessStatus{
		{Program: "etcd-1", State: cluster.Dead, PID: 11, Since: time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)},
		{Program: "kube-apiserver-1", State: cluster.Running, PID: 12, PSS: 1 << 20},
	})
	return r
}

func down() *report.Result {
	r := report.New("down", small())
	r.Clusters = []report.Cluster{{Name: "hub", Role: "hub", State: report.Stopped}}
	return r
}
