package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"dualtrack.internal/platform/finding"
)

// The parts of JUnit's form that both GitLab and Jenkins take: the latter's xUnit
// plugin refuses a file with others, such as the file of a test.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure"`
	Skipped *junitSkipped `xml:"skipped"`
	Out     string        `xml:"system-out,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

type junitSkipped struct {
	Message string `xml:"message,attr"`
}

// noClock stands for a time, which has no place in a report that is compared.
const noClock = "0"

// JUnit writes a suite a cluster: a test for each finding on it, which fails where
// the finding denies and is skipped where it is waived, unknown or was there
// before, and one that passes for each component without a failure. Findings that
// are about no cluster stand in a suite of their own.
func JUnit(w io.Writer, r *Result) error {
	all := junitSuites{Name: "platform " + r.Command, Time: noClock}
	byCluster := map[string][]listed{}
	for _, f := range r.listing() {
		for _, name := range f.Clusters {
			byCluster[name] = append(byCluster[name], f)
		}
		if len(f.Clusters) == 0 {
			byCluster[""] = append(byCluster[""], f)
		}
	}
	scopes := slices.Clone(r.Scopes)
	for name := range byCluster { // one that only the base has, or that was not judged
		if name != "" && !slices.ContainsFunc(scopes, func(s Scope) bool { return s.Cluster == name }) {
			scopes = append(scopes, Scope{Cluster: name})
		}
	}
	slices.SortStableFunc(scopes, func(a, b Scope) int { return strings.Compare(a.Cluster, b.Cluster) })
	for _, s := range scopes {
		all.add(r.junitSuite(s, byCluster[s.Cluster]))
	}
	if rest := byCluster[""]; len(rest) > 0 || len(scopes) == 0 {
		all.add(r.junitSuite(Scope{}, rest))
	}
	data, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the result as JUnit: %w", err)
	}
	_, err = w.Write(slices.Concat([]byte(xml.Header), data, []byte("\n")))
	return err
}

func (a *junitSuites) add(s junitSuite) {
	a.Suites = append(a.Suites, s)
	a.Tests, a.Failures = a.Tests+s.Tests, a.Failures+s.Failures
}

// fleetSuite is the suite of what is about no cluster.
const fleetSuite = "fleet"

func (r *Result) junitSuite(scope Scope, found []listed) junitSuite {
	s := junitSuite{Name: orElse(scope.Cluster, orElse(r.Fleet, fleetSuite)), Time: noClock}
	failed := map[string]bool{}
	for _, f := range found {
		c := r.junitCase(s.Name, f)
		if c.Failure != nil {
			failed[f.Component] = true
		}
		s.Cases = append(s.Cases, c)
	}
	for _, name := range scope.Components {
		if !failed[name] && !slices.Contains(scope.NotRendered, name) {
			s.Cases = append(s.Cases, junitCase{Class: s.Name + "." + junitText(name), Time: noClock,
				Name: fmt.Sprintf("%s renders, fits its schemas, and no rule of %d denies it", junitText(name), r.Counts.Rules)})
		}
	}
	if len(s.Cases) == 0 { // a suite without a test is an error to Jenkins
		s.Cases = append(s.Cases, junitCase{Class: s.Name, Name: "no error", Time: noClock})
	}
	slices.SortStableFunc(s.Cases, func(a, b junitCase) int {
		return strings.Compare(a.Class+"\x00"+a.Name, b.Class+"\x00"+b.Name)
	})
	for _, c := range s.Cases {
		s.Tests++
		if c.Failure != nil {
			s.Failures++
		}
		if c.Skipped != nil {
			s.Skipped++
		}
	}
	return s
}

// junitCase names a test by what does not change with the lines of the source, so
// that a forge tells it again in another run.
func (r *Result) junitCase(suite string, f listed) junitCase {
	class := suite
	if f.Component != "" {
		class += "." + f.Component
	}
	c := junitCase{Class: junitText(class), Time: noClock, Name: junitText(strings.Join(slices.DeleteFunc(
		[]string{f.Rule + ":", strings.TrimSpace(f.Object.String() + " " + f.Pointer), "[" + f.Fingerprint + "]"},
		func(part string) bool { return strings.TrimSpace(part) == "" }), " "))}
	text := junitText(r.junitDetail(f))
	if f.standing == fails {
		c.Failure = &junitFailure{Message: junitText(f.Message), Type: f.Rule, Text: text}
		return c
	}
	if f.standing == unclear || f.standing == waivedBy || f.standing == stood && f.Severity == finding.Error {
		c.Skipped = &junitSkipped{Message: junitText(f.standing.String() + ": " + f.Message)}
	}
	c.Out = text
	return c
}

func (r *Result) junitDetail(f listed) string {
	var b bytes.Buffer
	if place, own := r.at(f.Finding); own {
		fmt.Fprintf(&b, "%s: ", place)
	} else if at := f.Position.String(); at != "" {
		fmt.Fprintf(&b, "%s: ", at)
	}
	word := string(f.Severity)
	if f.Class != "" {
		word = string(f.Class) + " " + word
	}
	fmt.Fprintf(&b, "%s: %s: %s\n", word, f.Rule, f.Message)
	if also := r.alsoAt(f.Finding); also != "" {
		fmt.Fprintf(&b, "%s\n", also)
	}
	if f.Mend != "" && f.standing != mended {
		fmt.Fprintf(&b, "mend: %s\n", f.Mend)
	}
	fmt.Fprintf(&b, "fingerprint: %s\n", f.Fingerprint)
	return b.String()
}

// junitText leaves out what XML 1.0 can't hold.
func junitText(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t', r == '\n', r == utf8.RuneError:
			return r
		case r < 0x20, r == 0xFFFE, r == 0xFFFF, unicode.Is(unicode.Cs, r):
			return -1
		}
		return r
	}, s)
}
