package judge

import (
	"encoding/json"
	"fmt"
	"regexp"
)

// chosen stands where a query has a value that somebody chooses.
const chosen = "chosen_in_the_browser"

// variables are a dashboard's choices, and which of them were used.
type variables struct {
	names   map[string]bool   // name → used
	sources map[string]string // those that are data sources: name → type
	order   []string
}

var (
	reference   = regexp.MustCompile(`\$\{(\w+)(?::\w+)?\}|\$([A-Za-z_]\w*)`)
	labelValues = regexp.MustCompile(`^label_values\(\s*(?:(.+),\s*)?([a-zA-Z_]\w*)\s*\)$`)
)

// variableName is the name in ${name}; "" where it is something else.
func variableName(text string) string {
	found := reference.FindStringSubmatch(text)
	if found == nil || found[0] != text {
		return ""
	}
	return found[1] + found[2]
}

// variables judges a dashboard's choices.
func (c *checker) variables(at place, b board) *variables {
	v := &variables{names: map[string]bool{}, sources: map[string]string{}}
	for _, one := range b.Templating.List {
		here := at
		here.path = fmt.Sprintf("%s, variable %q", at.path, one.Name)
		if _, twice := v.names[one.Name]; twice || one.Name == "" {
			c.refuse(here, "has no name or another's")
		}
		v.names[one.Name] = false
		v.order = append(v.order, one.Name)
		query := queryOf(one.Query)
		switch one.Type {
		case "datasource":
			v.sources[one.Name] = query
		case "query":
			c.source(here, one.Datasource, v)
			c.labelValues(here, v, query)
		default:
			c.refuse(here, "is of the type %q; datasource and query are known", one.Type)
		}
	}
	if len(v.sources) == 0 {
		c.refuse(at, "has no variable for its data source")
	}
	return v
}

// queryOf is a query as a text, or the query in an object.
func queryOf(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var object struct {
		Query string `json:"query"`
	}
	if json.Unmarshal(raw, &object) == nil {
		return object.Query
	}
	return ""
}

// labelValues judges a variable's query.
func (c *checker) labelValues(at place, v *variables, query string) {
	found := labelValues.FindStringSubmatch(query)
	switch {
	case found == nil:
		c.refuse(at, "its query %q is no label_values(metric, label)", query)
	case found[1] == "":
		c.refuse(at, "its query %q names no metric, so Prometheus would look at all", query)
	default:
		selector := v.replace(c, at, found[1])
		c.expression(at, fmt.Sprintf("count by (%s) (%s)", found[2], selector))
	}
}

// replace puts values in the place of variables, so that Prometheus' parser reads
// what Grafana would send.
func (v *variables) replace(c *checker, at place, text string) string {
	return reference.ReplaceAllStringFunc(text, func(found string) string {
		name := variableName(found)
		switch name {
		case "__rate_interval", "__interval", "__range":
			return "5m"
		case "__rate_interval_ms", "__interval_ms", "__range_ms":
			return "300000"
		case "__range_s":
			return "300"
		}
		if _, ok := v.names[name]; !ok {
			c.refuse(at, "names the variable $%s, which the dashboard does not have; in: %s", name, oneLine(text))
			return "unknown"
		}
		v.names[name] = true
		return chosen
	})
}

// unused says which choices change nothing.
func (v *variables) unused(c *checker, at place) {
	for _, name := range v.order {
		if !v.names[name] && v.sources[name] == "" {
			c.refuse(at, "its variable %s is used nowhere", name)
		}
	}
}
