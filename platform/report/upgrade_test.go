package report_test

import (
	"strings"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/change"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/report"
)

// upgraded is a lock that moved, or that policy kept where it was.
func upgraded(denied bool) *report.Result {
	r := begin("upgrade")
	r.Awaited = true
	for _, name := range []string{"hub", "edge-1"} {
		r.Clusters = append(r.Clusters, report.Cluster{Name: name, State: report.NotChanged, Objects: 21})
	}
	u := r.AddUpgrade(catalog.LockedDistribution{Version: "0.9.0", Digest: "sha256:" + strings.Repeat("a1", 32)},
		catalog.LockedDistribution{Version: "0.9.1", Digest: "sha256:" + strings.Repeat("b2", 32)})
	if denied {
		u.NotCompared = "distribution 0.9.0: the cache holds no copy of it"
		r.Findings = finding.Merge([]finding.Finding{{
			Rule: "DT-SEC-001", Severity: finding.Error, Message: "container \"shop\" is privileged", Mend: "remove privileged",
			Position: finding.Position{File: "distribution/components/shop/pod.yaml", Line: 7, Column: 5}, Clusters: []string{"hub"},
			Object: finding.Object{APIVersion: "v1", Kind: "Pod", Namespace: "shop", Name: "shop"},
		}})
		return r
	}
	u.Moved = true
	u.Versions = []change.Version{{Part: "component new", After: "1.0.0"}, {Part: "component old", Before: "2.0.0"}, {Part: "kubernetes", Before: "v1.99.0", After: "v1.99.1"}}
	config := func(name string, a change.Action) change.Object {
		return change.Object{Object: finding.Object{APIVersion: "v1", Kind: "ConfigMap", Namespace: "shop", Name: name}, Action: a}
	}
	r.AddDifferences([]change.Cluster{
		{Name: "hub", Objects: []change.Object{config("more", change.Added), config("other", change.Changed), config("gone", change.Removed)}},
		{Name: "edge-1", Unknown: []string{"shop"}},
	})
	return r
}
