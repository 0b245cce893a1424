// Package track says whether a live cluster holds the bundle it was given, and
// why not. It holds the words that the two tracks share; package flux and
// package argo judge, each in its own way and without the other's code. It only
// reads: a judge is handed a transport that refuses every write but a dry run.
package track

import (
	"time"

	"dualtrack.internal/platform/finding"
)

// Name is a track's name.
type Name string

// The tracks.
const (
	Flux Name = "flux"
	Argo Name = "argo"
)

// Sync says how live and bundle compare.
type Sync string

// The comparisons. SyncUnknown is absence of evidence: never in sync.
const (
	InSync      Sync = "in sync"
	Differs     Sync = "differs"
	Missing     Sync = "missing"
	Extra       Sync = "extra" // in the inventory, no longer in the bundle
	SyncUnknown Sync = "unknown"
)

// Health says how the live object fares.
type Health string

// The healths. NotJudgeable means that the cluster's provider lacks what the
// judgement needs.
const (
	Healthy       Health = "healthy"
	Progressing   Health = "progressing"
	Degraded      Health = "degraded"
	Suspended     Health = "suspended"
	HealthMissing Health = "missing"
	NotJudgeable  Health = "not judgeable here"
	HealthUnknown Health = "unknown"
)

// Writer is who wrote a field last, as managedFields tell it. The zero value is
// an unknown writer (a deletion, or wiped managedFields). Time is zero where the
// API server notes none, as for writes through the scale subresource.
type Writer struct {
	Manager     string    `json:"manager,omitempty"`
	Operation   string    `json:"operation,omitempty"` // Apply or Update
	Subresource string    `json:"subresource,omitempty"`
	Time        time.Time `json:"time,omitzero"`
}

// Field is one differing field.
type Field struct {
	Pointer string `json:"pointer"` // RFC 6901
	Want    any    `json:"want,omitempty"`
	Have    any    `json:"have,omitempty"` // Secret values are masked
	Writer  Writer `json:"writer,omitzero"`
}

// Verdict is one track's word on one object.
type Verdict struct {
	Track              Name           `json:"track"`
	Object             finding.Object `json:"object"`
	Component          string         `json:"component,omitempty"`
	Sync               Sync           `json:"sync"`
	Health             Health         `json:"health"`
	Why                string         `json:"why,omitempty"`
	Native             string         `json:"native,omitempty"` // the engine's own words: "Current", "OutOfSync/Healthy"
	Fields             []Field        `json:"fields,omitempty"`
	ObservedGeneration int64          `json:"observedGeneration,omitempty"`
}

// OK says that the object is in sync and nothing is known against its health.
func (v Verdict) OK() bool {
	return v.Sync == InSync && (v.Health == Healthy || v.Health == Suspended || v.Health == NotJudgeable)
}
