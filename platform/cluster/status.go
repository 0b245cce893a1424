package cluster

import "time"

// ProcessState says what a program of a cluster does.
type ProcessState string

// The states. Stopped means that a signal stopped it: it lives and does nothing.
const (
	Running ProcessState = "running"
	Dead    ProcessState = "dead"
	Stopped ProcessState = "stopped"
)

// ProcessStatus is one program of a cluster that runs as processes.
type ProcessStatus struct {
	Program string       `json:"program"`
	PID     int          `json:"pid"` // of the last one, when dead
	State   ProcessState `json:"state"`
	Since   time.Time    `json:"since"` // when it was started
	RSS     uint64       `json:"rssBytes,omitempty"`
	// PSS counts shared pages in parts, so that it may be summed over programs.
	PSS uint64 `json:"pssBytes,omitempty"`
}
