package render

import (
	"reflect"

	"dualtrack.internal/platform/finding"
)

// Days that templates of somebody else's chart take for today, one after the
// other: what they give must not depend on it.
const (
	firstDay = "2001-02-03"
	otherDay = "2038-11-29"
)

// runForDays is run. A chart of somebody else that asks for the time, often to
// check a duration and no more, is rendered for two days: the objects must be the
// same.
func (r *release) runForDays() ([]raw, []finding.Finding, error) {
	objects, findings, err := r.run()
	if err != nil || !r.remote || r.clock == nil {
		return objects, findings, err
	}
	p := r.clock
	r.day = otherDay
	again, _, err := r.run()
	if err != nil || len(again) != len(objects) {
		return nil, nil, p
	}
	for i := range objects {
		if !reflect.DeepEqual(objects[i].object.Object, again[i].object.Object) {
			return nil, nil, p
		}
	}
	return objects, findings, nil
}

// readsClock is the problem of a template that asks for the time, nil without one.
func (s *templateScan) readsClock() *finding.Problem {
	for _, c := range s.calls {
		if c.name == "now" {
			return c.problem
		}
	}
	return nil
}
