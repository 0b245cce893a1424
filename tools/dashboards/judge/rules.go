package judge

import (
	"fmt"
	"maps"
	"path"
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
			c.expression(place{file: f.name, line: r.Expr.Line, path: r.name()}, r.Expr.Value)
		}
	}
	return []string{count(n, "rule"), fmt.Sprintf("%s, all exported", count(len(c.metrics), "metric"))}
}
