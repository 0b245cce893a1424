// Package judge looks at what Grafana reads, and at the rules of Prometheus,
// with the official types and Prometheus' own parser, and with rules of its own:
// a dashboard shows nothing that no program of the stack exports. It changes
// nothing and asks no server.
package judge

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"

	"dualtrack.internal/tools/dashboards/catalogue"
)

// Subject is one configuration as a container sees it.
type Subject struct {
	Name   string            `json:"name"`
	Files  map[string]string `json:"files"`
	Args   []string          `json:"args"`
	Opaque []string          `json:"opaque"` // mounts whose files are not known
}

// Problem is one thing that is refused.
type Problem struct {
	File    string `json:"file,omitempty"`
	Path    string `json:"path,omitempty"` // dashboard, panel and query
	Line    int    `json:"line,omitempty"`
	Message string `json:"message"`
}

func (p Problem) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", p.File, p.Line, p.Path, p.Message)
}

// Answer is the word on one subject.
type Answer struct {
	Name     string    `json:"name"`
	Accepted []string  `json:"accepted"`
	Problems []Problem `json:"problems"`
}

// Judge judges subjects that belong together: dashboards may show what the rules
// of any of them record.
func Judge(subjects []Subject, lists []catalogue.List) []Answer {
	plugins.RegisterDefaultPlugins() // or the SDK decodes neither panels nor queries
	samples := catalogue.Index(lists)
	k := &known{samples: samples}
	parts := make([]any, len(subjects))
	for i, s := range subjects {
		parts[i] = k.read(s)
	}
	var out []Answer
	for i, s := range subjects {
		c := &checker{known: k, subject: s, problems: []Problem{}, metrics: map[string]bool{}}
		var accepted []string
		switch part := parts[i].(type) {
		case ruleFiles:
			accepted = c.rules(part)
		default:
			accepted = c.grafana()
		}
		slices.SortStableFunc(c.problems, func(a, b Problem) int {
			return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
		})
		c.problems = slices.Compact(c.problems)
		if len(c.problems) > 0 {
			accepted = []string{}
		}
		out = append(out, Answer{Name: s.Name, Accepted: accepted, Problems: c.problems})
	}
	return out
}

// known is what queries of every subject may name.
type known struct {
	samples catalogue.Samples
	records map[string]bool
	alerts  []rule
	boards  map[string]map[string]bool // dashboards by uid: what can be chosen there
}

// read takes in what a subject makes known. Of Prometheus it gives its rules.
func (k *known) read(s Subject) any {
	if !slices.ContainsFunc(s.Args, func(arg string) bool { return strings.HasPrefix(arg, "--config.file") }) {
		k.choices(s)
		return nil
	}
	files := readRules(s)
	if k.records == nil {
		k.records = map[string]bool{}
	}
	for _, f := range files {
		for _, r := range f.rules {
			if r.Record != "" {
				k.records[r.Record] = true
			} else {
				k.alerts = append(k.alerts, r)
			}
		}
	}
	return files
}

// checker judges one subject.
type checker struct {
	*known
	subject  Subject
	problems []Problem
	metrics  map[string]bool // that were named and exist
	queries  int
}

// place is where something stands.
type place struct {
	file string
	line int
	path string
}

func (c *checker) refuse(at place, format string, args ...any) {
	c.problems = append(c.problems, Problem{File: at.file, Line: at.line, Path: at.path, Message: fmt.Sprintf(format, args...)})
}

// below are the names of the subject's files in a folder, sorted.
func (c *checker) below(dir string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(c.subject.Files)), func(name string) bool {
		return path.Dir(name) != path.Clean(dir)
	})
}

func count(n int, noun string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(noun, "y"):
		noun = strings.TrimSuffix(noun, "y") + "ies"
	default:
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
