package change

import (
	"fmt"

	"dualtrack.internal/platform/change/inside"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// numbers say how many pods run from now on, and who decides it.
func (f *follower) numbers() {
	for i := range f.cluster.Objects {
		o := &f.cluster.Objects[i]
		switch {
		case o.after == nil:
		case o.Object.Kind == "HorizontalPodAutoscaler" || o.Object.Kind == "ScaledObject":
			f.scaler(o)
		case o.before != nil && o.Action != Renamed && scaled(groupKind(o.after)):
			f.replicas(o)
		}
	}
}

func scaled(groupKind string) bool {
	return groupKind == "apps/Deployment" || groupKind == "apps/StatefulSet" || groupKind == "apps/ReplicaSet"
}

// swing is how much a number may fall at once before it is worth a warning.
const swing = 50

func (f *follower) replicas(o *Object) {
	was, ok := numberOr(inside.At(o.before.Object, "spec", "replicas"), 1)
	now, ok2 := numberOr(inside.At(o.after.Object, "spec", "replicas"), 1)
	written, writes := inside.At(o.before.Object, "spec", "replicas") != nil, inside.At(o.after.Object, "spec", "replicas") != nil
	before, after := f.old.scalers[identityOf(*o.before)], f.new.scalers[identityOf(*o.after)]
	if !ok || !ok2 || was == now && written == writes {
		return
	}
	q := Consequence{Effect: Scales, Level: finding.Info, Pointer: "/spec/replicas", Why: fmt.Sprintf("%d → %d pods", was, now),
		Facts: map[string]any{"before": was, "after": now, "scaler": after != nil, "dropped": written && !writes}}
	switch {
	case written && !writes && before != nil && after != nil:
		q.Effect, q.Why = TakesOver, fmt.Sprintf("%s alone says how many pods there are from now on", after.Ref())
	case written && !writes && was != now:
		q.Why += ": the line goes, and nobody else owns the field"
		if after != nil {
			q.Why += fmt.Sprintf(" until %s has scaled once", after.Ref())
		}
	case was == now:
		return
	case after != nil:
		q.Why += fmt.Sprintf(", and %s scales on from there", after.Ref())
	}
	if q.Effect == Scales && now < was && (now == 0 || (was-now)*100 >= was*swing) {
		q.Level = finding.Warning
	}
	f.add(identityOf(*o.after), q)
}

// scaler says what an autoscaler takes over, and within which bounds.
func (f *follower) scaler(o *Object) {
	target := scaledBy(o.after)
	workload := f.now[target]
	if o.before == nil || scaledBy(o.before) != target {
		q := Consequence{Effect: TakesOver, Level: finding.Info, Pointer: "/spec/scaleTargetRef",
			Why: fmt.Sprintf("it says how many pods %s has from now on", called(target.Kind, target.Name))}
		switch {
		case workload == nil:
			q.Level, q.Why = finding.Warning, fmt.Sprintf("it scales %s, which the bundle does not hold", called(target.Kind, target.Name))
		case inside.At(workload.Object, "spec", "replicas") != nil:
			q.Level = finding.Warning
			q.Why += fmt.Sprintf(", and the manifest says so too (replicas: %v): every apply sets it back", inside.At(workload.Object, "spec", "replicas"))
		}
		f.add(identityOf(*o.after), q)
		return
	}
	for _, bound := range []struct {
		field string
		other int
	}{{"minReplicas", 1}, {"maxReplicas", 1}, {"minReplicaCount", 0}, {"maxReplicaCount", 100}} {
		was, ok := numberOr(inside.At(o.before.Object, "spec", bound.field), bound.other)
		now, ok2 := numberOr(inside.At(o.after.Object, "spec", bound.field), bound.other)
		if ok && ok2 && was != now {
			q := Consequence{Effect: Scales, Level: finding.Info, Pointer: pointer("spec", bound.field),
				Why:   fmt.Sprintf("%s of %s: %d → %d", bound.field, called(target.Kind, target.Name), was, now),
				Facts: map[string]any{"before": was, "after": now, "scaler": true, "dropped": false}}
			if now < was && (now == 0 || (was-now)*100 >= was*swing) {
				q.Level = finding.Warning
			}
			f.add(identityOf(*o.after), q)
		}
	}
}

// least is how many pods a workload keeps: what its autoscaler may go down to.
func (n *neighbours) least(w *workload) (int, bool) {
	if s := n.scalers[identityOf(*w.Object)]; s != nil {
		if s.GetKind() == "ScaledObject" {
			return numberOr(inside.At(s.Object, "spec", "minReplicaCount"), 0)
		}
		return numberOr(inside.At(s.Object, "spec", "minReplicas"), 1)
	}
	return desired(w.Object)
}

// desired is how many pods a manifest asks for, false for a DaemonSet and what is
// no number.
func desired(o *render.Object) (int, bool) {
	switch groupKind(o) {
	case "/Pod":
		return 1, true
	case "apps/Deployment", "apps/StatefulSet", "apps/ReplicaSet":
		return numberOr(inside.At(o.Object, "spec", "replicas"), 1)
	}
	return 0, false
}
