package change

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"dualtrack.internal/platform/change/inside"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// drains say which disruption budgets allow no eviction any more.
func (f *follower) drains() {
	for _, b := range f.new.budgets {
		if !f.touched[b.GetNamespace()] {
			continue
		}
		covered := f.new.matched(b.GetNamespace(), labelSelector(inside.At(b.Object, "spec", "selector")))
		f.together(b, covered)
		why, blocks := f.new.blocks(b, covered)
		if !blocks {
			continue
		}
		if old := f.was[identityOf(*b)]; old != nil {
			if _, blocked := f.old.blocks(old, f.old.matched(old.GetNamespace(), labelSelector(inside.At(old.Object, "spec", "selector")))); blocked {
				continue
			}
		}
		q := Consequence{Effect: Blocks, Level: finding.Error, Why: why + ": no node that runs one of them can be drained", Pointer: "/spec"}
		if f.add(identityOf(*b), q) {
			continue
		}
		q.Why = fmt.Sprintf("%s: %s", b.Ref(), q.Why)
		q.Pointer = "/spec/replicas"
		for _, w := range covered {
			if f.add(identityOf(*w.Object), q) {
				break
			}
			if s := f.new.scalers[identityOf(*w.Object)]; s != nil && f.add(identityOf(*s), q) {
				break
			}
		}
	}
}

// together says that a workload with a quorum and what guards it change at once.
func (f *follower) together(b *render.Object, covered []*workload) {
	o := f.changedObject(identityOf(*b))
	if o == nil || o.before == nil {
		return
	}
	for _, w := range covered {
		if c := f.changedObject(identityOf(*w.Object)); c != nil && c.before != nil && groupKind(w.Object) == "apps/StatefulSet" && disturbs(c) {
			f.add(identityOf(*b), Consequence{Effect: Blocks, Level: finding.Warning, Pointer: "/spec",
				Why: fmt.Sprintf("%s changes at the same time: what guards it differs while its pods are replaced", w.Ref())})
		}
	}
}

func disturbs(o *Object) bool {
	for _, q := range o.Consequences {
		if q.Effect == Restarts || q.Effect == Scales {
			return true
		}
	}
	return false
}

// blocks says why a budget allows no eviction; false where it allows one, and where
// that can't be told.
func (n *neighbours) blocks(b *render.Object, covered []*workload) (string, bool) {
	pods := 0
	for _, w := range covered {
		if groupKind(w.Object) == "apps/DaemonSet" { // draining leaves its pods alone
			continue
		}
		least, ok := n.least(w)
		if !ok {
			return "", false
		}
		pods += least
	}
	if pods == 0 {
		return "", false
	}
	if v := inside.At(b.Object, "spec", "maxUnavailable"); v != nil {
		if most, ok := share(v, pods); ok && most <= 0 {
			return fmt.Sprintf("maxUnavailable %v of %d pods", v, pods), true
		}
		return "", false
	}
	v := inside.At(b.Object, "spec", "minAvailable")
	if v == nil {
		v = 1
	}
	if least, ok := share(v, pods); ok && least >= pods {
		return fmt.Sprintf("minAvailable %v of %d pods", v, pods), true
	}
	return "", false
}

// share is a number, or a percentage of so many, rounded up as the disruption
// controller does.
func share(v any, of int) (int, bool) {
	if n, ok := inside.Number(v); ok {
		return n, true
	}
	s, ok := v.(string)
	if !ok || !strings.HasSuffix(s, "%") {
		return 0, false
	}
	p, err := strconv.Atoi(strings.TrimSuffix(s, "%"))
	if err != nil || p < 0 || p > 100000 {
		return 0, false
	}
	return int(math.Ceil(float64(p) * float64(of) / 100)), true
}
