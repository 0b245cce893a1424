package silence

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"dualtrack.internal/platform/catalog"
)

// What is done to a silence.
const (
	Create = "create"
	Renew  = "renew"
	Adopt  = "adopt" // a foreign one that Git holds as well
	Expire = "expire"
)

// Change is one write.
type Change struct {
	Do    string   `json:"do"`
	Name  string   `json:"name"`            // in Git
	ID    string   `json:"id,omitempty"`    // in Alertmanager, before
	NewID string   `json:"newID,omitempty"` // afterwards, where it is another one
	Says  []string `json:"matchers"`
	Until string   `json:"until"`
	Why   string   `json:"why"`
	Done  bool     `json:"done"`
	Error string   `json:"error,omitempty"`

	want content
	from time.Time
	held []catalog.Matcher
}

// Foreign is a silence that Git does not know.
type Foreign struct {
	ID    string   `json:"id"`
	State string   `json:"state"`
	Says  []string `json:"matchers"`
	From  string   `json:"from"`
	Until string   `json:"until"`
	By    string   `json:"createdBy"`
	Text  string   `json:"comment"`
	Why   string   `json:"why,omitempty"`
}

// Plan is what makes an Alertmanager hold what Git says: first what is added,
// then what ends, so that nothing is unmuted in between.
type Plan struct {
	Changes []Change
	Kept    []string // names that are held as they are in Git
	Ended   []string // names of Git whose time is over
	Foreign []Foreign
}

// Compare plans for one Alertmanager. It depends on its arguments alone.
func Compare(s Source, held []Held) Plan {
	p := planner{source: s, ours: map[string][]Held{}}
	held = slices.Clone(held)
	slices.SortFunc(held, func(a, b Held) int { return strings.Compare(a.ID, b.ID) }) // the API's order says nothing
	for _, h := range held {
		switch from := trace(s.Fleet, h); {
		case h.State == Expired:
		case from.name == "":
			p.foreign = append(p.foreign, h)
		default:
			p.ours[from.name] = append(p.ours[from.name], h)
		}
	}
	for _, one := range s.Wanted {
		p.wanted(one)
	}
	for name, mine := range p.ours { // what nobody wanted
		p.expire(name, "it is gone from Git", mine)
	}
	slices.SortFunc(p.ends, func(a, b Change) int { return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID)) })
	p.plan.Changes = append(p.plan.Changes, p.ends...)
	for _, h := range p.foreign {
		p.plan.Foreign = append(p.plan.Foreign, Foreign{ID: h.ID, State: h.State, Says: texts(h.Matchers), From: instant(h.From), Until: instant(h.Until),
			By: h.By, Text: h.Comment, Why: trace(s.Fleet, h).why})
	}
	return p.plan
}

// planner is a plan while it is made.
type planner struct {
	source  Source
	plan    Plan
	ours    map[string][]Held // by name in Git; what a silence of Git took is gone
	foreign []Held
	ends    []Change
}

// wanted plans for one silence of Git.
func (p *planner) wanted(s catalog.Silence) {
	c := wanted(p.source.Fleet, s)
	mine := p.ours[s.Name]
	delete(p.ours, s.Name)
	if s.Over(p.source.Now) {
		p.plan.Ended = append(p.plan.Ended, s.Name)
		p.expire(s.Name, "it has ended in Git", lasting(mine, p.source.Now))
		return
	}
	if len(mine) == 0 {
		p.missing(s, c)
		return
	}
	best := nearest(p.source.Fleet, c, mine)
	if why := differs(p.source, s, c, mine[best]); why != "" {
		p.plan.Changes = append(p.plan.Changes, write(Renew, s, c, &mine[best], p.source.Now, why))
	} else {
		p.plan.Kept = append(p.plan.Kept, s.Name)
	}
	p.expire(s.Name, "it is held twice", slices.Delete(slices.Clone(mine), best, best+1))
}

// missing creates a silence, or takes over a foreign one that is the same.
func (p *planner) missing(s catalog.Silence, c content) {
	at := slices.IndexFunc(p.foreign, func(h Held) bool { return same(c, h) })
	if at < 0 {
		p.plan.Changes = append(p.plan.Changes, write(Create, s, c, nil, p.source.Now, "Alertmanager does not hold it"))
		return
	}
	p.plan.Changes = append(p.plan.Changes, write(Adopt, s, c, &p.foreign[at], p.source.Now, "Git holds the same silence"))
	p.foreign = slices.Delete(p.foreign, at, at+1)
}

func (p *planner) expire(name, why string, held []Held) {
	for _, h := range held {
		p.ends = append(p.ends, Change{Do: Expire, Name: name, ID: h.ID, Says: texts(h.Matchers), Until: instant(h.Until), Why: why})
	}
}

// write is a change that posts a silence of Git.
func write(do string, s catalog.Silence, c content, old *Held, now time.Time, why string) Change {
	from, _ := s.Span()
	out := Change{Do: do, Name: s.Name, Says: c.Matchers, Until: c.Until, Why: why, want: c, from: from, held: s.Matchers}
	if old != nil {
		out.ID = old.ID
		if begun(*old, now) && !from.After(now) {
			out.from = old.From // one that goes on is changed in place, where that is possible
		}
	}
	return out
}

// lasting are those that would go on.
func lasting(held []Held, now time.Time) []Held {
	return slices.DeleteFunc(slices.Clone(held), func(h Held) bool { return !h.Until.After(now) })
}

// same says that a foreign silence mutes what a silence of Git does, as long.
func same(c content, h Held) bool {
	return instant(h.Until) == c.Until && slices.Equal(texts(h.Matchers), c.Matchers)
}

// nearest is the index of the one that was written from this content, else of the
// first.
func nearest(fleet string, c content, held []Held) int {
	return max(0, slices.IndexFunc(held, func(h Held) bool { return trace(fleet, h).hash == c.hash() }))
}

// differs says in what a silence of ours is not what Git says now.
func differs(source Source, s catalog.Silence, c content, h Held) string {
	var what []string
	if !slices.Equal(texts(h.Matchers), c.Matchers) {
		what = append(what, "matchers")
	}
	if instant(h.Until) != c.Until {
		what = append(what, "end")
	}
	from, _ := s.Span()
	if from = from.Truncate(time.Millisecond); !from.Equal(h.From) && (from.After(h.From) || !begun(h, source.Now)) {
		what = append(what, "begin")
	}
	if h.By != c.Owner {
		what = append(what, "owner")
	}
	if trace(source.Fleet, h).hash != c.hash() && len(what) == 0 {
		what = append(what, "reason")
	}
	if what == nil {
		return ""
	}
	return "Git has changed: " + strings.Join(what, ", ")
}

// begun trusts the Alertmanager's clock before ours.
func begun(h Held, now time.Time) bool { return h.State == Active || !h.From.After(now) }
