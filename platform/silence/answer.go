package silence

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"dualtrack.internal/platform/catalog"
)

// wire is a silence in the API's words.
type wire struct {
	ID        string        `json:"id,omitempty"`
	Status    *wireStatus   `json:"status,omitempty"`
	Matchers  []wireMatcher `json:"matchers"`
	StartsAt  time.Time     `json:"startsAt"`
	EndsAt    time.Time     `json:"endsAt"`
	CreatedBy string        `json:"createdBy"`
	Comment   string        `json:"comment"`
}

type wireStatus struct {
	State string `json:"state"`
}

type wireMatcher struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	IsRegex bool   `json:"isRegex"`
	IsEqual *bool  `json:"isEqual,omitempty"` // absent: true
}

// parse reads the API's list of silences. Fields that are not known here are left
// to newer servers; what is known must be whole.
func parse(text []byte) ([]Held, error) {
	var list []wire
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("its answer is no list of silences: %w", err)
	}
	out := make([]Held, 0, len(list))
	for i, w := range list {
		h, err := w.held()
		if err != nil {
			return nil, fmt.Errorf("silence %d of its answer: %w", i+1, err)
		}
		out = append(out, h)
	}
	return out, nil
}

var idText = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)

func (w wire) held() (Held, error) {
	switch {
	case !idText.MatchString(w.ID):
		return Held{}, errors.New("it has no id that could be one")
	case w.Status == nil || w.Status.State != Active && w.Status.State != Pending && w.Status.State != Expired:
		return Held{}, fmt.Errorf("%s is in no state that is known", w.ID)
	case w.StartsAt.IsZero() || w.EndsAt.IsZero():
		return Held{}, fmt.Errorf("%s lacks its begin or its end", w.ID)
	case len(w.Matchers) == 0:
		return Held{}, fmt.Errorf("%s has no matcher", w.ID)
	}
	h := Held{ID: w.ID, State: w.Status.State, From: w.StartsAt, Until: w.EndsAt, By: w.CreatedBy, Comment: w.Comment}
	for _, m := range w.Matchers {
		if m.Name == "" {
			return Held{}, fmt.Errorf("%s has a matcher without a label", w.ID)
		}
		h.Matchers = append(h.Matchers, m.matcher())
	}
	return h, nil
}

func (m wireMatcher) matcher() catalog.Matcher {
	equal := m.IsEqual == nil || *m.IsEqual
	op := catalog.Equal
	switch {
	case equal && m.IsRegex:
		op = catalog.Matches
	case !equal && m.IsRegex:
		op = catalog.NotMatches
	case !equal:
		op = catalog.NotEqual
	}
	return catalog.Matcher{Label: m.Name, Op: op, Value: m.Value}
}

// post is a change as the API takes it.
func (c Change) post() wire {
	w := wire{ID: c.ID, StartsAt: c.from.UTC(), CreatedBy: c.want.Owner, Comment: c.want.comment()}
	w.EndsAt, _ = time.Parse(time.RFC3339, c.want.Until) // it was formatted by instant
	for _, m := range c.held {
		equal := !m.Negative()
		w.Matchers = append(w.Matchers, wireMatcher{Name: m.Label, Value: m.Value, IsRegex: m.Regex(), IsEqual: &equal})
	}
	return w
}
