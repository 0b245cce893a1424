package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"dualtrack.internal/platform/finding"
)

// MarkdownLimit is the most characters that GitHub takes of a comment. Bytes are
// counted, of which there are no fewer.
const MarkdownLimit = 65_536

// markerOf begins a comment and is shown to nobody: by it the comment is found
// again and replaced.
func (r *Result) markerOf() string {
	return "<!-- dualtrack " + r.Command + " " + strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' {
			return c
		}
		return '_'
	}, r.Folder+"."+r.Fleet) + " -->"
}

// Markdown writes one comment for a pull request. What is too long is folded, see
// detail; no verdict is cut.
func Markdown(w io.Writer, r *Result, o TextOptions) error {
	_, err := w.Write(Comment(r, o))
	return err
}

// Comment is what Markdown writes.
func Comment(r *Result, o TextOptions) []byte { return r.markdown(o, MarkdownLimit) }

// Summary is the same for the page of a CI's run, with more room: so many bytes, at
// most SummaryLimit. It is nil where not even what can't be left out fits.
func Summary(r *Result, o TextOptions, room int) []byte {
	room = min(room, SummaryLimit)
	if data := r.markdown(o, room); len(data) <= room {
		return data
	}
	return nil
}

// detail is how much is told. Findings that deny are folded last.
type detail struct {
	fields   int  // of each object
	lines    int  // of a text that explains, such as an error
	objects  bool // each changed object; else they are counted, by cluster
	clusters bool // each cluster; else all are counted together
	quiet    bool // each finding that does not fail; else they are counted, by rule
	each     bool // each finding that fails; else likewise
	rules    bool // each rule; else findings are counted together
}

// details are from all that is known to what must never be left out.
func details() []detail {
	const all = 1 << 30
	return []detail{
		{all, all, true, true, true, true, true},
		{20, 40, true, true, true, true, true},
		{5, 20, true, true, true, true, true},
		{0, 20, true, true, true, true, true},
		{0, 20, true, true, false, true, true},
		{0, 5, false, true, true, true, true},
		{0, 5, false, true, false, true, true},
		{0, 5, false, true, false, false, true},
		{0, 1, false, false, false, true, true},
		{0, 1, false, false, false, false, true},
		{0, 1, false, false, false, false, false},
	}
}

func (r *Result) markdown(o TextOptions, limit int) []byte {
	var b bytes.Buffer
	for _, d := range details() {
		b.Reset()
		m := &markdown{r: r, detail: d, out: &b, limit: limit}
		m.write(o)
		if b.Len() <= limit {
			break
		}
	}
	return b.Bytes()
}

// markdown writes one result in one detail.
type markdown struct {
	r      *Result
	detail detail
	out    *bytes.Buffer
	limit  int
}

// full says that this detail is too much, so that no more of it need be written.
func (m *markdown) full() bool { return m.out.Len() > m.limit }

func (m *markdown) f(format string, args ...any) { fmt.Fprintf(m.out, format, args...) }

func (m *markdown) write(o TextOptions) {
	r := m.r
	m.f("%s\n### platform %s: %s\n\n", r.markerOf(), markdownText(r.Command), markdownText(r.verdict()))
	if r.Change != nil {
		m.sides(r.Change)
	}
	m.f("%s · %s · %s · Kubernetes %s · %s\n\n", plural(r.Counts.Clusters, "cluster"), plural(r.Counts.Components, "component"),
		plural(r.Counts.Objects, "object"), markdownText(r.Kubernetes), plural(r.Counts.Rules, "rule"))
	n := r.tally()
	var names, rule, counts string
	for s := fails; s <= mended; s++ {
		names += fmt.Sprintf("| %s ", s)
		rule += "|---:"
		counts += fmt.Sprintf("| %d ", n[s])
	}
	m.f("%s|\n%s|\n%s|\n\n", names, rule, counts)
	if o.Link != "" {
		m.f("[The whole report](<%s>)\n\n", linkTarget(o.Link))
	}
	m.findings(fails, warns)
	if r.Change != nil && r.Change.NotCompared == "" {
		m.change(r.Change)
	}
	m.findings(stood, mended)
	m.foot()
}

// linkTarget keeps an address within its angle brackets.
func linkTarget(s string) string {
	return strings.NewReplacer("<", "%3C", ">", "%3E", " ", "%20", "\n", "", "\r", "", "\\", "%5C", "&", "&amp;").Replace(s)
}

func (m *markdown) foot() {
	r := m.r
	if m.detail != details()[0] {
		m.f("Folded to fit; the other forms of the report hold all.\n\n")
	}
	if r.Revision == "" {
		return
	}
	m.f("fleet revision %s", markdownCode(short(r.Revision)))
	if r.Commit != "" {
		m.f(" · commit %s", markdownCode(fmt.Sprintf("%.12s", r.Commit)))
	}
	if r.Dirty {
		m.f(" · tree differs from the commit")
	}
	m.f("\n")
}

func (m *markdown) sides(s *ChangeSet) {
	m.f("%s against %s", markdownText(side(s.Head)), markdownText(side(s.Base)))
	if s.Why != "" {
		m.f(" (%s)", markdownText(s.Why))
	}
	m.f("\n\n")
	if s.NotCompared != "" {
		m.f("Not compared, so every finding counts:\n\n%s\n", m.quote(s.NotCompared))
	}
}

// quote is a text of several lines, as many as there is room for.
func (m *markdown) quote(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	more := 0
	if len(lines) > m.detail.lines {
		lines, more = lines[:m.detail.lines], len(lines)-m.detail.lines
	}
	var b strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&b, "> %s<br>\n", markdownCode(line))
	}
	if more > 0 {
		fmt.Fprintf(&b, "> … and %s more\n", plural(more, "line"))
	}
	return b.String()
}

// findings shows each standing of these, the worst open and the others folded away.
func (m *markdown) findings(first, last standing) {
	by := map[standing][]listed{}
	for _, f := range m.r.listing() {
		by[f.standing] = append(by[f.standing], f)
	}
	for s := first; s <= last; s++ {
		found := by[s]
		if len(found) == 0 {
			continue
		}
		title := fmt.Sprintf("%d %s", len(found), s)
		if s == fails {
			m.f("**%s, each of which denies**\n\n", title)
			m.list(found, m.detail.each)
			continue
		}
		m.f("<details><summary>%s</summary>\n\n", title)
		m.list(found, m.detail.quiet)
		m.f("</details>\n\n")
	}
}

func (m *markdown) list(found []listed, each bool) {
	if !each {
		m.byRule(found)
		return
	}
	for _, f := range found {
		if m.full() {
			return
		}
		m.finding(f)
	}
	m.f("\n")
}

func (m *markdown) finding(f listed) {
	m.f("- **%s** %s", markdownText(f.Rule), markdownText(f.Message))
	if !f.Object.IsZero() {
		m.f(" · %s", markdownCode(f.Object.String()))
	}
	if f.Pointer != "" {
		m.f(" %s", markdownCode(f.Pointer))
	}
	if place, own := m.r.at(f.Finding); own {
		m.f(" · %s", markdownCode(place.String()))
	} else if at := f.Position.String(); at != "" {
		m.f(" · %s", markdownCode(at))
	}
	if len(f.Clusters) > 0 {
		m.f(" · %s", markdownText(onClusters(f.Clusters, m.r.Counts.Clusters)))
	}
	if also := m.r.alsoAt(f.Finding); also != "" {
		m.f(" · %s", markdownText(also))
	}
	if f.standing != fails && f.standing != warns && f.standing != remarks {
		m.f(" · %s", markdownText(string(f.Severity)))
	}
	if f.Mend != "" && f.standing != mended {
		m.f("<br>mend: %s", markdownText(f.Mend))
	}
	m.f(" <!-- %s -->\n", markdownText(f.Fingerprint))
}

// byRule counts findings that there is no room for.
func (m *markdown) byRule(found []listed) {
	if !m.detail.rules {
		m.f("%s of %s, not listed here.\n\n", plural(len(found), "finding"), plural(len(ruleCounts(found)), "rule"))
		return
	}
	m.f("| rule | findings | objects | clusters |\n|---|---:|---:|---:|\n")
	for _, c := range ruleCounts(found) {
		m.f("| %s | %d | %d | %d |\n", markdownText(c.rule), c.findings, len(c.objects), len(c.clusters))
	}
	m.f("\n")
}

// ruleCount is how often a rule speaks.
type ruleCount struct {
	rule     string
	findings int
	objects  map[finding.Object]bool
	clusters map[string]bool
}

func ruleCounts(found []listed) []*ruleCount {
	at := map[string]*ruleCount{}
	var out []*ruleCount
	for _, f := range found {
		c := at[f.Rule]
		if c == nil {
			c = &ruleCount{rule: f.Rule, objects: map[finding.Object]bool{}, clusters: map[string]bool{}}
			at[f.Rule] = c
			out = append(out, c)
		}
		c.findings++
		c.objects[f.Object] = true
		for _, name := range f.Clusters {
			c.clusters[name] = true
		}
	}
	return out
}
