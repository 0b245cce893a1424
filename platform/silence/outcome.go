package silence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"dualtrack.internal/platform/finding"
)

// Outcome is how Git and an Alertmanager compare, and what was done about it.
type Outcome struct {
	Fleet   string            `json:"fleet"`
	Wanted  int               `json:"wanted"` // silences in Git
	Kept    int               `json:"kept"`   // held as they are in Git
	Ended   []string          `json:"ended"`  // in Git, their time over
	Changes []Change          `json:"changes"`
	Foreign []Foreign         `json:"foreign"`
	Writes  int               `json:"writes"` // that the Alertmanager took
	Denied  []finding.Finding `json:"denied,omitempty"`
}

func newOutcome(s Source, p Plan) *Outcome {
	return &Outcome{Fleet: s.Fleet, Wanted: len(s.Wanted), Kept: len(p.Kept), Ended: append([]string{}, p.Ended...),
		Changes: append([]Change{}, p.Changes...), Foreign: append([]Foreign{}, p.Foreign...)}
}

// Deny is the outcome of silences that policy denies: nothing was asked or done.
func Deny(s Source, denied []finding.Finding) *Outcome {
	o := newOutcome(s, Plan{})
	o.Denied = denied
	return o
}

// Differs says that Git and the Alertmanager do not say the same: a foreign
// silence is one that Git does not know.
func (o *Outcome) Differs() bool {
	for _, c := range o.Changes {
		if !c.Done {
			return true
		}
	}
	return len(o.Foreign) > 0 || len(o.Denied) > 0
}

// Text writes the outcome for people.
func (o *Outcome) Text(w io.Writer) error {
	var b bytes.Buffer
	for _, f := range o.Denied {
		fmt.Fprintf(&b, "%s: %s: %s: %s\n    mend: %s\n", f.Position, f.Severity, f.Rule, f.Message, f.Mend)
	}
	if len(o.Denied) > 0 {
		b.WriteString("policy denies the silences; nothing was asked of the Alertmanager\n")
		_, err := w.Write(b.Bytes())
		return err
	}
	for _, c := range o.Changes {
		fmt.Fprintf(&b, "%-7s %s  %s until %s\n        %s\n", c.word(), c.Name, strings.Join(c.Says, " "), c.Until, c.Why)
		if c.Error != "" {
			fmt.Fprintf(&b, "        %s\n", c.Error)
		}
	}
	for _, f := range o.Foreign {
		fmt.Fprintf(&b, "foreign %s  %s until %s\n        by %q: %q\n", f.ID, strings.Join(f.Says, " "), f.Until, f.By, f.Text)
		if f.Why != "" {
			fmt.Fprintf(&b, "        %s\n", f.Why)
		}
	}
	fmt.Fprintf(&b, "%s: in Git %d, held as they are %d, ended %d; changes %d, written %d; foreign, left alone %d\n",
		o.Fleet, o.Wanted, o.Kept, len(o.Ended), len(o.Changes), o.Writes, len(o.Foreign))
	_, err := w.Write(b.Bytes())
	return err
}

// word is what is done, or was.
func (c Change) word() string {
	if !c.Done {
		return c.Do
	}
	return map[string]string{Create: "created", Renew: "renewed", Adopt: "adopted", Expire: "expired"}[c.Do]
}

// JSON writes the outcome as one document.
func (o *Outcome) JSON(w io.Writer) error { return json.NewEncoder(w).Encode(o) }
