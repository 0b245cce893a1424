package tune

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// Outcome is what a look at the samples came to.
type Outcome struct {
	Cluster     string         `json:"cluster"`
	Samples     int            `json:"samples"`
	Words       map[string]int `json:"words"` // what the step did, how often
	Collections float64        `json:"collectionsAMinute"`
	RSS         float64        `json:"rssBytes"`
	GCShare     float64        `json:"gcShare,omitempty"`
	Changes     []Change       `json:"changes"`
	Committed   *Committed     `json:"committed,omitempty"`
}

// Run steps through samples up to the first change: what was seen after it was
// still seen under the old settings.
func Run(c Config, from Knobs, samples []Sample) (Outcome, error) {
	if err := c.Check(); err != nil {
		return Outcome{}, err
	}
	s, o := NewState(from), Outcome{Words: map[string]int{}, Changes: []Change{}}
	for _, m := range samples {
		var change *Change
		var word string
		s, change, word = Step(c, s, m)
		o.Samples++
		o.Words[word]++
		if change != nil {
			o.Changes = append(o.Changes, *change)
			break
		}
	}
	o.Collections, o.RSS, o.GCShare = s.Averages()
	return o, nil
}

// Change is what is proposed, false when that is nothing.
func (o Outcome) Change() (Change, bool) {
	if len(o.Changes) == 0 {
		return Change{}, false
	}
	return o.Changes[0], true
}

// Evidence is the outcome as figures for a commit.
func (o Outcome) Evidence() string {
	said := fmt.Sprintf("%d samples; moving averages: %.0f collections a minute, %.0f MiB resident", o.Samples, o.Collections, o.RSS/(1<<20))
	if o.GCShare > 0 {
		said += fmt.Sprintf(", %.0f %% of the CPU time for collecting", o.GCShare*100)
	}
	return said + "."
}

// Text writes the outcome for people.
func (o Outcome) Text(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s: %s\n", o.Cluster, o.Evidence())
	for _, c := range o.Changes {
		fmt.Fprintf(&b, "  %s  %s: %s\n", c.At.UTC().Format("2006-01-02 15:04"), c.From.To(c.To), c.Why)
	}
	if change, ok := o.Change(); !ok {
		b.WriteString("nothing to change\n")
	} else if o.Committed != nil {
		fmt.Fprintf(&b, "proposed: %s, commit %.12s on branch %s\n", change.From.To(change.To), o.Committed.Commit, o.Committed.Branch)
	} else {
		fmt.Fprintf(&b, "would propose: %s\n", change.From.To(change.To))
	}
	_, err := w.Write(b.Bytes())
	return err
}

// JSON writes the outcome as one document.
func (o Outcome) JSON(w io.Writer) error { return json.NewEncoder(w).Encode(o) }
