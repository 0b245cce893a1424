package policy

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

const twoPrivileged = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent-a, namespace: shop, labels: {app.kubernetes.io/part-of: shop}}
spec:
  template:
    metadata: {labels: {app.kubernetes.io/part-of: shop}}
    spec:
      automountServiceAccountToken: false
      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
      containers:
      - name: one
        image: registry.example/a:1
        resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 64Mi}}
        securityContext: {privileged: true, allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
      - name: two
        image: registry.example/a:1
        resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 64Mi}}
        securityContext: {privileged: true, allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
`

func TestExceptions(t *testing.T) {
	t.Parallel()
	e := compiled(t)
	const (
		one = "error DT-SEC-001 DaemonSet shop/agent-a /spec/template/spec/containers/0/securityContext/privileged"
		two = "error DT-SEC-001 DaemonSet shop/agent-a /spec/template/spec/containers/1/securityContext/privileged"
	)
	tests := map[string]struct {
		change func(*catalog.Exception)
		want   []string // findings of the cluster
		unused []string // findings of the review
	}{
		"it holds":           {change: func(*catalog.Exception) {}, want: []string{one + " waived", two + " waived"}},
		"cluster":            {change: func(x *catalog.Exception) { x.Selector.Cluster = "edge-1" }, want: []string{one + " waived", two + " waived"}},
		"glob of the name":   {change: func(x *catalog.Exception) { x.Selector.Name = "agent-*" }, want: []string{one + " waived", two + " waived"}},
		"no name":            {change: func(x *catalog.Exception) { x.Selector.Name = "" }, want: []string{one + " waived", two + " waived"}},
		"group and the rest": {change: func(x *catalog.Exception) { x.Selector.Group, x.Selector.Component = "apps", "shop" }, want: []string{one + " waived", two + " waived"}},
		"one container":      {change: func(x *catalog.Exception) { x.Container = "two" }, want: []string{one, two + " waived"}},
		"one pointer": {
			change: func(x *catalog.Exception) { x.Pointer = "/spec/template/spec/containers/0/securityContext/privileged" },
			want:   []string{one + " waived", two},
		},
		"its last day":      {change: func(x *catalog.Exception) { x.Expires = "2030-01-15" }, want: []string{one + " waived", two + " waived"}},
		"expired":           {change: func(x *catalog.Exception) { x.Expires = "2030-01-14" }, want: []string{one, two, "error exception   "}},
		"no date":           {change: func(x *catalog.Exception) { x.Expires = "soon" }, want: []string{one, two, "error exception   "}},
		"unknown rule":      {change: func(x *catalog.Exception) { x.Rule = "DT-SEC-999" }, want: []string{one, two, "error exception   "}},
		"rule in lower":     {change: func(x *catalog.Exception) { x.Rule = "dt-sec-001" }, want: []string{one, two, "error exception   "}},
		"unwaivable rule":   {change: func(x *catalog.Exception) { x.Rule = "DT-SUP-004" }, want: []string{one, two, "error exception   "}},
		"bad glob":          {change: func(x *catalog.Exception) { x.Selector.Name = "[" }, want: []string{one, two, "error exception   "}},
		"too many":          {change: func(x *catalog.Exception) { x.MaxCount = 1 }, want: []string{one + " waived", two, "error exception   "}},
		"just enough":       {change: func(x *catalog.Exception) { x.MaxCount = 2 }, want: []string{one + " waived", two + " waived"}},
		"another rule":      {change: func(x *catalog.Exception) { x.Rule = "DT-SEC-002" }, want: []string{one, two}, unused: []string{"warning exception   "}},
		"another kind":      {change: func(x *catalog.Exception) { x.Selector.Kind = "Pod" }, want: []string{one, two}, unused: []string{"warning exception   "}},
		"another group":     {change: func(x *catalog.Exception) { x.Selector.Group = "batch" }, want: []string{one, two}, unused: []string{"warning exception   "}},
		"another namespace": {change: func(x *catalog.Exception) { x.Selector.Namespace = "x" }, want: []string{one, two}, unused: []string{"warning exception   "}},
		"another name":      {change: func(x *catalog.Exception) { x.Selector.Name = "agent" }, want: []string{one, two}, unused: []string{"warning exception   "}},
		"another component": {change: func(x *catalog.Exception) { x.Selector.Component = "x" }, want: []string{one, two}, unused: []string{"warning exception   "}},
		"another container": {change: func(x *catalog.Exception) { x.Container = "x" }, want: []string{one, two}, unused: []string{"warning exception   "}},
		"another cluster":   {change: func(x *catalog.Exception) { x.Selector.Cluster = "hub" }, want: []string{one, two}, unused: []string{"warning exception   "}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := catalog.Exception{
				Rule: "DT-SEC-001", Selector: catalog.Selector{Kind: "DaemonSet", Namespace: "shop", Name: "agent-a"},
				Owner: "team", Reason: "it must", Expires: "2030-12-31", Position: finding.Position{File: "policies/exceptions.yaml", Line: 8},
			}
			tt.change(&x)
			in := testInput(t, namespace, denyAll, twoPrivileged)
			in.Fleet.Spec.Policy.Severity = map[string]string{"DT-SUP-002": "off", "DT-GIT-011": "off"}
			in.Exceptions = []catalog.Exception{x}
			in.Now = time.Date(2030, 1, 15, 23, 59, 0, 0, time.UTC)
			r, err := e.Judge(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, lines(r.Findings)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			unused := e.Review(in.Exceptions, in.Now, r)
			if diff := cmp.Diff(append([]string{}, tt.unused...), lines(unused)); diff != "" {
				t.Errorf("unused (-want +got):\n%s", diff)
			}
			for _, f := range append(unused, r.Findings...) {
				if f.Rule == exceptionRule && f.Position.Line != 8 {
					t.Errorf("%q stands at %s", f.Message, f.Position)
				}
			}
		})
	}
}

// TestReview asks several clusters: an exception that one of them uses is used.
func TestReview(t *testing.T) {
	t.Parallel()
	e := compiled(t)
	list := []catalog.Exception{{Rule: "DT-SEC-001", Selector: catalog.Selector{Kind: "DaemonSet"}, Expires: "2030-12-31"}}
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	var results []*Result
	for _, docs := range [][]string{{namespace}, {namespace, twoPrivileged}} {
		in := testInput(t, docs...)
		in.Exceptions, in.Now = list, now
		r, err := e.Judge(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, r)
	}
	if got := e.Review(list, now, results[0]); len(got) != 1 {
		t.Errorf("of the first cluster: got %v, want one finding", lines(got))
	}
	if got := e.Review(list, now, results...); len(got) != 0 {
		t.Errorf("of both clusters: got %v, want none", lines(got))
	}
}

// TestUnknownIsNotWaived holds an exception to findings: what is not known
// cannot be allowed.
func TestUnknownIsNotWaived(t *testing.T) {
	t.Parallel()
	in := testInput(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\n")
	in.Partial = []string{"base"}
	in.Exceptions = []catalog.Exception{{Rule: "DT-NSP-001", Selector: catalog.Selector{Kind: "ConfigMap"}, Expires: "2030-12-31"}}
	in.Now = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	r, err := compiled(t).Judge(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if r.Unknown != 1 || r.Waived != 0 {
		t.Errorf("unknown %d and waived %d, want 1 and 0", r.Unknown, r.Waived)
	}
}
