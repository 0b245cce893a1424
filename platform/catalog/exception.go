package catalog

import (
	"time"

	"dualtrack.internal/platform/finding"
)

// Exceptions is policies/exceptions.yaml: what is waived, by whom, until when.
type Exceptions struct {
	Name   string        `yaml:"-"`
	Labels Labels        `yaml:"-"`
	Spec   ExceptionSpec `yaml:"spec" required:"true" doc:"the exceptions"`
	File   string        `yaml:"-"`
	at     places
}

// At is where a field of the file stands ("spec.exceptions[0].expires"), or the
// nearest field around it that is written.
func (e *Exceptions) At(field string) finding.Position { return e.at.nearest(e.File, field) }

// ExceptionSpec is a list of exceptions.
type ExceptionSpec struct {
	Exceptions []Exception `yaml:"exceptions" doc:"findings that are waived"`
}

// Exception waives the findings of one rule on the objects it selects.
type Exception struct {
	Rule      string   `yaml:"rule" required:"true" pattern:"^[A-Z]+(-[A-Z0-9]+)+$|^[a-z]+(-[a-z]+)*$" example:"DT-SEC-001" doc:"id of the rule"`
	Selector  Selector `yaml:"selector" required:"true" doc:"the objects it holds for"`
	Container string   `yaml:"container" doc:"only this container of the object"`
	Pointer   string   `yaml:"pointer" pattern:"^(/.*)?$" example:"/spec/replicas" doc:"only findings at this JSON pointer"`
	Owner     string   `yaml:"owner" required:"true" doc:"team or role that answers for it"`
	Approver  string   `yaml:"approver" doc:"team or role that allowed it"`
	Reason    string   `yaml:"reason" required:"true" doc:"why the rule cannot be kept"`
	Expires   string   `yaml:"expires" required:"true" format:"date" doc:"last day it holds, YYYY-MM-DD, in UTC"`
	MaxCount  int      `yaml:"maxCount" min:"0" max:"100000" doc:"most findings it may waive; 0 means no limit"`
	// Position is where the entry stands.
	Position finding.Position `yaml:"-"`
}

// Selector selects objects. Empty fields match everything; Kind is required.
type Selector struct {
	Cluster   string `yaml:"cluster" doc:"cluster"`
	Component string `yaml:"component" doc:"component"`
	Group     string `yaml:"group" doc:"API group; empty means every group"`
	Kind      string `yaml:"kind" required:"true" doc:"kind"`
	Namespace string `yaml:"namespace" doc:"namespace"`
	Name      string `yaml:"name" doc:"name, or a glob of it; empty means every name"`
}

// Expired says whether the exception's last day is over. Days end in UTC.
func (e Exception) Expired(now time.Time) bool {
	day, err := time.Parse(time.DateOnly, e.Expires)
	return err != nil || !now.UTC().Before(day.AddDate(0, 0, 1))
}
