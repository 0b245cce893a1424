package catalog

import (
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"dualtrack.internal/platform/finding"
)

// Silences is a file of policies/silences/: alerts that nobody is told about, by whose
// word, why, from when until when.
type Silences struct {
	Name   string      `yaml:"-"`
	Labels Labels      `yaml:"-"`
	Spec   SilenceSpec `yaml:"spec" required:"true" doc:"the silences"`
	File   string      `yaml:"-"`
	at     places
}

// At is where a field of the file stands ("spec.silences[0].until"), or the
// nearest field around it that is written.
func (s *Silences) At(field string) finding.Position { return s.at.nearest(s.File, field) }

// SilenceSpec is a list of silences.
type SilenceSpec struct {
	Silences []Silence `yaml:"silences" doc:"silences that Alertmanager shall hold"`
}

// Silence mutes the alerts that all its matchers match. An owner, a reason and a
// bounded time are for policy to demand: their lack denies the tree and leaves it
// readable.
type Silence struct {
	Name     string    `yaml:"name" required:"true" format:"name" doc:"name, the only one of its kind in policies/silences/; a renamed silence is another one"`
	Matchers []Matcher `yaml:"matchers" required:"true" doc:"what an alert's labels must be, all of it"`
	From     string    `yaml:"from" required:"true" format:"date-time" doc:"begin, RFC 3339"`
	Until    string    `yaml:"until" required:"true" format:"date-time" doc:"end, RFC 3339; at most 30 days after the begin"`
	Owner    string    `yaml:"owner" doc:"team or role that answers for it; policy demands one"`
	Reason   string    `yaml:"reason" doc:"why nobody is to be told; policy demands one"`
	// Position is where the entry stands.
	Position finding.Position `yaml:"-"`
}

// Matcher is one demand on one label.
type Matcher struct {
	Label string `yaml:"label" required:"true" pattern:"^[a-zA-Z_][a-zA-Z0-9_]*$" example:"site" doc:"name of the label"`
	Op    string `yaml:"op" default:"=" enum:"=,!=,=~,!~" doc:"how the label's value is compared; with ~ value is a regular expression of the whole of it"`
	Value string `yaml:"value" doc:"value to compare with; a label that an alert lacks is empty"`
}

// The ways to compare a label.
const (
	Equal      = "="
	NotEqual   = "!="
	Matches    = "=~"
	NotMatches = "!~"
)

// Regex says that the value is a regular expression.
func (m Matcher) Regex() bool { return m.Op == Matches || m.Op == NotMatches }

// Negative says that the comparison must fail.
func (m Matcher) Negative() bool { return m.Op == NotEqual || m.Op == NotMatches }

// String is the matcher as Alertmanager writes it. A label that no file can name
// stands in quotes: what a server says is not printed as it is.
func (m Matcher) String() string {
	label := m.Label
	if strings.ContainsFunc(label, func(r rune) bool {
		return r != '_' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	}) {
		label = strconv.Quote(label)
	}
	return label + m.Op + strconv.Quote(m.Value)
}

// Span is the time the silence holds. The reader has checked that both parse.
func (s Silence) Span() (from, until time.Time) {
	from, _ = time.Parse(time.RFC3339, s.From)
	until, _ = time.Parse(time.RFC3339, s.Until)
	return from, until
}

// Over says whether the silence has ended.
func (s Silence) Over(now time.Time) bool {
	_, until := s.Span()
	return !until.After(now)
}

// Wanted lists every silence of the repository, by file and place.
func (c *Catalog) Wanted() []Silence {
	var out []Silence
	for _, file := range c.Silences {
		out = append(out, file.Spec.Silences...)
	}
	return out
}

// silences reads policies/silences/, which may be missing.
func (l *loader) silences() {
	if !l.tree.there(silencesDir) {
		return
	}
	files, err := l.tree.Files(silencesDir)
	if err != nil {
		l.note(err)
	}
	for _, file := range files {
		switch path.Ext(file) {
		case ".md":
			continue
		case ".yaml":
		default: // it would be read by nobody
			l.problems = append(l.problems, problem(finding.Position{File: file}, "", "is no .yaml file", "rename or remove it"))
			continue
		}
		data, err := l.tree.Read(file)
		if err != nil {
			l.note(err)
			continue
		}
		l.silencesFile(file, data)
	}
}

func (l *loader) silencesFile(file string, data []byte) {
	s := &Silences{File: file}
	env, at, ok := l.decode(file, "Silences", data, s)
	if name := strings.TrimSuffix(path.Base(file), ".yaml"); env.name != "" && env.name != name && !l.broken(file, "metadata.name") {
		l.problems = append(l.problems, problem(at.nearest(file, "metadata.name"), "metadata.name", "is not the file's", "write "+name+" or rename the file"))
	}
	if ok {
		s.Name, s.Labels, s.at = env.name, env.labels, at
		l.catalog.Silences = append(l.catalog.Silences, s)
	}
}

// silenceLists holds what one file alone, or one field alone, cannot show.
func (l *loader) silenceLists() {
	places := map[string]finding.Position{}
	for _, file := range l.catalog.Silences {
		l.labels(file, "metadata.labels", file.Labels)
		for i, s := range file.Spec.Silences {
			at := fmt.Sprintf("spec.silences[%d]", i)
			if first, taken := places[s.Name]; taken && s.Name != "" {
				l.fail(file, at+".name", fmt.Sprintf("%s is the name of the silence at %s too", s.Name, first), "choose another one")
			} else {
				places[s.Name] = file.At(at + ".name")
			}
			if from, until := s.Span(); !from.IsZero() && !until.IsZero() && !until.After(from) {
				l.fail(file, at+".until", s.Until+" is not after "+s.From, "write a later time")
			}
			for j, m := range s.Matchers {
				if _, err := regexp.Compile("^(?:" + m.Value + ")$"); err != nil && m.Regex() {
					l.fail(file, fmt.Sprintf("%s.matchers[%d].value", at, j), fmt.Sprintf("%q is no regular expression", m.Value),
						"write one in RE2's syntax, or compare with = or !=")
				}
			}
		}
	}
}

// ReadSilences reads the text of one file of silences, as strictly as the whole
// catalog is read: its mistakes are finding.Problems.
func ReadSilences(file string, data []byte) ([]Silence, error) {
	m, err := newModel()
	if err != nil {
		return nil, err
	}
	if p := checkText(file, data); p != nil {
		return nil, p
	}
	l := &loader{model: m, mistakes: map[string][]string{}, catalog: &Catalog{}}
	l.silencesFile(file, data)
	l.silenceLists()
	return l.catalog.Wanted(), l.problems.Err()
}
