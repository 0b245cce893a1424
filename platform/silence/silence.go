// Package silence makes an Alertmanager hold the silences that Git says, and
// nothing else of its own: what is missing is created, what was changed in Git is
// renewed, what is gone from Git is expired. A silence is ours if its comment
// bears the mark that this package wrote, and the mark fits what it stands on;
// every other one is foreign, is reported, and is never touched unless Git holds
// the same silence, which takes it over. It judges no silence: policy does, and
// what policy denies must not be handed to it.
package silence

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"dualtrack.internal/platform/catalog"
)

// States of a silence in an Alertmanager.
const (
	Active  = "active"
	Pending = "pending" // it has not begun
	Expired = "expired"
)

// Held is a silence as an Alertmanager holds it.
type Held struct {
	ID       string
	State    string
	Matchers []catalog.Matcher
	From     time.Time
	Until    time.Time
	By       string
	Comment  string
}

// content is what a silence says, in one form for Git and for Alertmanager. The
// begin is not part of it: Alertmanager moves one that has passed.
type content struct {
	Fleet    string   `json:"fleet"`
	Name     string   `json:"name"`
	Matchers []string `json:"matchers"`
	Until    string   `json:"until"`
	Owner    string   `json:"owner"`
	Reason   string   `json:"reason"`
}

// hash is 16 hexadecimal digits of the content's digest.
func (c content) hash() string {
	text, err := json.Marshal(c)
	if err != nil { // strings always marshal
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// wanted is the content of a silence of Git.
func wanted(fleet string, s catalog.Silence) content {
	_, until := s.Span()
	return content{Fleet: fleet, Name: s.Name, Matchers: texts(s.Matchers), Until: instant(until),
		Owner: strings.TrimSpace(s.Owner), Reason: strings.TrimSpace(s.Reason)}
}

// texts are matchers in an order of their own: theirs says nothing.
func texts(matchers []catalog.Matcher) []string {
	var out []string
	for _, m := range matchers {
		out = append(out, m.String())
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// instant is a time as Alertmanager keeps it, to the millisecond.
func instant(t time.Time) string { return t.UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano) }

// mark ends the comment of a silence of ours.
func (c content) mark() string { return fmt.Sprintf("[dualtrack %s/%s %s]", c.Fleet, c.Name, c.hash()) }

// comment is what Alertmanager shows: why, and the mark.
func (c content) comment() string { return c.Reason + " " + c.mark() }

var marked = regexp.MustCompile(`(?s)^(.*) \[dualtrack ([a-z0-9-]{1,63})/([a-z0-9-]{1,63}) ([0-9a-f]{16})\]$`)

// origin is where a held silence comes from.
type origin struct {
	name string // in Git; "" for a foreign one
	hash string // of the content it was written from
	why  string // a silence that bears a mark is foreign all the same
}

// trace reads the mark of a held silence and holds it against what it stands on.
func trace(fleet string, h Held) origin {
	m := marked.FindStringSubmatch(h.Comment)
	if m == nil {
		return origin{}
	}
	if m[2] != fleet {
		return origin{why: "of the fleet " + m[2]}
	}
	is := content{Fleet: fleet, Name: m[3], Matchers: texts(h.Matchers), Until: instant(h.Until), Owner: h.By, Reason: m[1]}
	if is.hash() != m[4] {
		return origin{why: "made from " + m[3] + " by hand"}
	}
	return origin{name: m[3], hash: m[4]}
}
