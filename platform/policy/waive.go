package policy

import (
	"fmt"
	"path"
	"strings"
	"time"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// exceptionRule is the rule of findings about exceptions themselves.
const exceptionRule = "exception"

// waiver applies one cluster's exceptions.
type waiver struct {
	engine  *Engine
	cluster string
	list    []catalog.Exception
	now     time.Time
	uses    map[int]int // shared with the result
	over    map[int]int // findings that an exhausted exception did not waive
}

func newWaiver(e *Engine, in Input, r *Result) *waiver {
	w := &waiver{engine: e, list: in.Exceptions, now: in.Now, uses: r.uses, over: map[int]int{}}
	if in.Cluster != nil {
		w.cluster = in.Cluster.Name
	}
	return w
}

// apply waives f if an exception that holds covers it: the finding stays, with
// its severity, in class waived. An unknown is waived by nothing.
func (w *waiver) apply(f finding.Finding, container string) finding.Finding {
	if f.Class == finding.Unknown {
		return f
	}
	for i, ex := range w.list {
		if !w.covers(ex, f, container) {
			continue
		}
		if ex.MaxCount > 0 && w.uses[i] >= ex.MaxCount {
			w.over[i]++
			continue
		}
		w.uses[i]++
		f.Class = finding.Waived
		return f
	}
	return f
}

func (w *waiver) covers(ex catalog.Exception, f finding.Finding, container string) bool {
	s := ex.Selector
	switch {
	case ex.Rule != f.Rule, ex.Expired(w.now), w.wrong(ex) != "":
		return false
	case s.Cluster != "" && s.Cluster != w.cluster, s.Component != "" && s.Component != f.Component:
		return false
	case s.Kind != f.Object.Kind, s.Group != "" && s.Group != f.Object.Group():
		return false
	case s.Namespace != "" && s.Namespace != f.Object.Namespace, s.Name != "" && !globbed(s.Name, f.Object.Name):
		return false
	case ex.Container != "" && ex.Container != container, ex.Pointer != "" && ex.Pointer != f.Pointer:
		return false
	}
	return true
}

// wrong says why an exception can hold for nothing, "" when it can.
func (w *waiver) wrong(ex catalog.Exception) string {
	r, err := w.engine.Explain(ex.Rule)
	switch {
	case err != nil || r.ID != ex.Rule:
		return fmt.Sprintf("the exception names rule %s, which there is not", ex.Rule)
	case r.Fixed:
		return fmt.Sprintf("rule %s cannot be waived", ex.Rule)
	}
	if _, err := path.Match(ex.Selector.Name, ""); err != nil {
		return fmt.Sprintf("%q is no glob", ex.Selector.Name)
	}
	return ""
}

// mistakes reports the exceptions that are wrong, have expired, or met more
// findings than they may waive.
func (w *waiver) mistakes() []finding.Finding {
	var out []finding.Finding
	for i, ex := range w.list {
		if ex.Selector.Cluster != "" && ex.Selector.Cluster != w.cluster {
			continue
		}
		switch what := w.wrong(ex); {
		case what != "":
			out = append(out, about(ex, finding.Error, what, "name a rule of `platform policy list`, or remove the exception"))
		case ex.Expired(w.now):
			out = append(out, about(ex, finding.Error,
				fmt.Sprintf("the exception from %s expired on %s", ex.Rule, ex.Expires),
				"mend what it waived, or let its owner renew it"))
		case w.over[i] > 0:
			out = append(out, about(ex, finding.Error,
				fmt.Sprintf("the exception from %s may waive %d findings of a cluster and met %d", ex.Rule, ex.MaxCount, ex.MaxCount+w.over[i]),
				"mend the new ones, or raise maxCount with the approver's word"))
		}
	}
	return out
}

// Review reports the exceptions that waived nothing in any of the results.
// The results must be those of every cluster, judged with these exceptions:
// an exception that one cluster does not use may be another's.
func (e *Engine) Review(exceptions []catalog.Exception, now time.Time, results ...*Result) []finding.Finding {
	var out []finding.Finding
	w := &waiver{engine: e}
	for i, ex := range exceptions {
		used := ex.Expired(now) || w.wrong(ex) != "" || judgesChanges(ex.Rule) // which this tree alone is not
		for _, r := range results {
			used = used || r != nil && r.uses[i] > 0
		}
		if !used {
			out = append(out, about(ex, finding.Warning,
				fmt.Sprintf("the exception from %s for %s waives nothing", ex.Rule, selected(ex.Selector)), "remove it"))
		}
	}
	return out
}

// judgesChanges says that a rule judges what a change does, not what a tree holds.
func judgesChanges(rule string) bool {
	return strings.HasPrefix(rule, "DT-CHG-") || strings.HasPrefix(rule, "DT-FLT-")
}

func about(ex catalog.Exception, s finding.Severity, what, mend string) finding.Finding {
	return finding.Finding{Rule: exceptionRule, Severity: s, Message: what, Position: ex.Position, Mend: mend}
}

func selected(s catalog.Selector) string {
	name := s.Name
	if name == "" {
		name = "*"
	}
	return finding.Object{Kind: s.Kind, Namespace: s.Namespace, Name: name}.String()
}

func globbed(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}
