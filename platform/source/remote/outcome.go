package remote

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"dualtrack.internal/platform/catalog"
)

// Outcome is what `platform lock` found and did.
type Outcome struct {
	File    string `json:"file"`
	Sources int    `json:"sources"`
	Moves   []Move `json:"moves"`
	Written bool   `json:"written"`

	mend string
}

// Outcome describes a lock.
func (l *Locked) Outcome(o LockOptions, written bool) *Outcome {
	out := &Outcome{File: catalog.LockFile, Sources: len(l.Sources), Moves: l.Moves, Written: written, mend: "platform lock"}
	if o.Upgrade {
		out.mend = strings.Join(append([]string{out.mend, "--upgrade"}, o.Only...), " ")
	}
	if out.Moves == nil {
		out.Moves = []Move{}
	}
	return out
}

// Text writes the outcome for people.
func (o *Outcome) Text(w io.Writer) error {
	for _, m := range o.Moves {
		if _, err := fmt.Fprintf(w, "%s: %s%s\n", m.Component, m.Why, m.change()); err != nil {
			return err
		}
	}
	word := "is as it should be"
	switch {
	case o.Written:
		word = "is written"
	case len(o.Moves) > 0:
		word = "is to be written; run `" + o.mend + "`"
	}
	_, err := fmt.Fprintf(w, "%s: %d of remote sources, %s\n", o.File, o.Sources, word)
	return err
}

// JSON writes the outcome as one document.
func (o *Outcome) JSON(w io.Writer) error { return json.NewEncoder(w).Encode(o) }

func (m Move) change() string {
	switch {
	case m.From != nil && m.To != nil:
		return ": " + brief(m.From) + " → " + brief(m.To)
	case m.To != nil:
		return ": " + brief(m.To)
	case m.From != nil:
		return ": was " + brief(m.From)
	}
	return ""
}

// brief is a pin in few words.
func brief(l *catalog.LockedSource) string {
	const shown = len("sha256:") + 12
	text := l.Version + " (" + l.Digest[:min(len(l.Digest), shown)]
	if isGit(*l) {
		text += ", commit " + l.Revision[:min(len(l.Revision), 12)]
	}
	return text + ")"
}

// Mirrored is what `platform vendor` did.
type Mirrored struct {
	To      string     `json:"to"`
	Sources []Vendored `json:"sources"`
}

// Text writes for people what was copied.
func (m *Mirrored) Text(w io.Writer) error {
	for _, s := range m.Sources {
		word := "held already"
		if s.New {
			word = "copied"
		}
		if _, err := fmt.Fprintf(w, "%s %s: %s, %d bytes, %s\n", s.Component, s.Version, s.Digest, s.Size, word); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%s holds %d of remote sources; read them from it with --mirror or spec.mirror of clusters/fleet.yaml\n", shown(m.To), len(m.Sources))
	return err
}

// JSON writes as one document what was copied.
func (m *Mirrored) JSON(w io.Writer) error { return json.NewEncoder(w).Encode(m) }
