package judge

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// rule is what is judged of a rule of Prometheus. Its form is promtool's to judge.
type rule struct {
	Record string            `yaml:"record"`
	Alert  string            `yaml:"alert"`
	Expr   yaml.Node         `yaml:"expr"`
	Labels map[string]string `yaml:"labels"`
	Notes  map[string]string `yaml:"annotations"`
}

func (r rule) name() string {
	if r.Record != "" {
		return "record " + r.Record
	}
	return "alert " + r.Alert
}

type ruleFile struct {
	name  string
	rules []rule
	fault error
}

type ruleFiles []ruleFile

// readRules reads the files that Prometheus' configuration names.
func readRules(s Subject) ruleFiles {
	var patterns []string
	for i, arg := range s.Args {
		name, value, joined := strings.Cut(arg, "=")
		if name != "--config.file" {
			continue
		}
		if !joined && i+1 < len(s.Args) {
			value = s.Args[i+1]
		}
		var config struct {
			RuleFiles []string `yaml:"rule_files"`
		}
		// What is no configuration is promtool's finding.
		if yaml.Unmarshal([]byte(s.Files[value]), &config) == nil {
			patterns = config.RuleFiles
		}
	}
	out := ruleFiles{}
	for _, name := range slices.Sorted(maps.Keys(s.Files)) {
		if !slices.ContainsFunc(patterns, func(p string) bool { ok, err := path.Match(p, name); return ok && err == nil }) {
			continue
		}
		var document struct {
			Groups []struct {
				Rules []rule `yaml:"rules"`
			} `yaml:"groups"`
		}
		f := ruleFile{name: name}
		if err := yaml.Unmarshal([]byte(s.Files[name]), &document); err != nil {
			f.fault = err
		}
		for _, g := range document.Groups {
			f.rules = append(f.rules, g.Rules...)
		}
		out = append(out, f)
	}
	return out
}

// rules judges what the rules of Prometheus ask for.
func (c *checker) rules(files ruleFiles) []string {
	n := 0
	for _, f := range files {
		if f.fault != nil {
			c.refuse(place{file: f.name}, "is no file of rules: %v", f.fault)
		}
		for _, r := range f.rules {
			n++
			at := place{file: f.name, line: r.Expr.Line, path: r.name()}
			c.expression(at, r.Expr.Value)
			if link, ok := r.Notes["dashboard"]; ok {
				c.leads(at, link)
			}
		}
	}
	return []string{count(n, "rule"), fmt.Sprintf("%s, all exported", count(len(c.metrics), "metric"))}
}

var (
	dashboardLink = regexp.MustCompile(`^/d/([a-zA-Z0-9_-]+)(?:\?(.+))?$`)
	choiceInLink  = regexp.MustCompile(`^var-(\w+)=.+$`)
)

// leads holds that an alert's link leads to a dashboard that some Grafana among the
// subjects is given, and chooses only what can be chosen there.
func (c *checker) leads(at place, link string) {
	found := dashboardLink.FindStringSubmatch(link)
	if found == nil {
		c.refuse(at, "its dashboard %q is not /d/ and a uid, with var-NAME=VALUE behind a ? at most", link)
		return
	}
	if c.boards == nil {
		return // no Grafana was given
	}
	choices, ok := c.boards[found[1]]
	if !ok {
		c.refuse(at, "its dashboard %q is none that Grafana has; it has %s", link, strings.Join(slices.Sorted(maps.Keys(c.boards)), ", "))
		return
	}
	for part := range strings.SplitSeq(found[2], "&") {
		if chosen := choiceInLink.FindStringSubmatch(part); found[2] != "" && (chosen == nil || !choices[chosen[1]]) {
			c.refuse(at, "its dashboard %q has no choice %q", link, part)
		}
	}
}

// choices takes in which dashboards a Grafana is given, and what can be chosen there.
// What is none is told where dashboards are judged.
func (k *known) choices(s Subject) {
	for name, text := range s.Files {
		var b board
		if path.Ext(name) != ".json" || json.Unmarshal([]byte(text), &b) != nil || b.UID == "" {
			continue
		}
		if k.boards == nil {
			k.boards = map[string]map[string]bool{}
		}
		k.boards[b.UID] = map[string]bool{}
		for _, v := range b.Templating.List {
			k.boards[b.UID][v.Name] = true
		}
	}
}
