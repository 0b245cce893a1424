package judge

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"dualtrack.internal/tools/dashboards/catalogue"
)

// maxExpr bounds one query.
const maxExpr = 10_000

// targetLabels are on every series: Prometheus adds them when it scrapes, or
// when a site sends to the hub.
func targetLabels() []string {
	return []string{"instance", "job", "namespace", "node", "pod", "role", "site"}
}

// expression judges one query whose variables have been replaced, and gives the
// labels of its result; nil where they are not known.
func (c *checker) expression(at place, text string) map[string]bool {
	if len(text) > maxExpr {
		c.refuse(at, "the query has more than %d bytes", maxExpr)
		return nil
	}
	if strings.TrimSpace(text) == "" {
		c.refuse(at, "the query is empty")
		return nil
	}
	expr, err := parser.ParseExpr(text)
	if err != nil {
		c.refuse(at, "Prometheus does not read it: %s; in: %s", parseFault(err), oneLine(text))
		return nil
	}
	c.queries++
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		for _, fault := range c.node(node) {
			c.refuse(at, "%s; in: %s", fault, oneLine(text))
		}
		return nil
	})
	return resultLabels(expr)
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// parseFault is the parser's own words without the place, which belongs to the
// query whose variables were replaced.
func parseFault(err error) string {
	if faults, ok := errors.AsType[parser.ParseErrors](err); ok && len(faults) > 0 {
		return faults[0].Err.Error()
	}
	return err.Error()
}

// node says what is wrong with one part of a query.
func (c *checker) node(node parser.Node) []string {
	switch n := node.(type) {
	case *parser.VectorSelector:
		return c.selector(n)
	case *parser.Call:
		return c.call(n)
	case *parser.AggregateExpr:
		return c.labelsExist("aggregates by", n.Grouping, n.Expr)
	case *parser.BinaryExpr:
		if n.VectorMatching != nil {
			return c.labelsExist("matches on", n.VectorMatching.MatchingLabels, n.LHS, n.RHS)
		}
	}
	return nil
}

// selector says whether what is selected exists, and has the labels.
func (c *checker) selector(s *parser.VectorSelector) []string {
	names, fault := c.names(s)
	if fault != "" {
		return []string{fault}
	}
	has, open := c.labelsOf(names)
	faults := c.jobs(s, names)
	for _, m := range s.LabelMatchers {
		if m.Name == labels.MetricName {
			continue
		}
		if !open && !has[m.Name] {
			faults = append(faults, fmt.Sprintf("%s has no label %s; it has %s", strings.Join(names, ", "), m.Name, strings.Join(slices.Sorted(maps.Keys(has)), ", ")))
		}
		if slices.Contains(names, "ALERTS") && !c.alertHas(m) {
			faults = append(faults, fmt.Sprintf("no rule makes an alert with %s", m))
		}
	}
	return faults
}

// jobs says whether the targets of the selected job export any of the names. A
// record may carry any job.
func (c *checker) jobs(s *parser.VectorSelector, names []string) []string {
	for _, m := range s.LabelMatchers {
		if m.Name != "job" || strings.Contains(m.Value, chosen) {
			continue
		}
		var jobs []string
		for _, n := range names {
			sample, exported := c.samples[n]
			if !exported || sample.Jobs[catalogue.AnyJob] {
				jobs = append(jobs, slices.Collect(maps.Keys(c.allJobs()))...)
			}
			jobs = append(jobs, slices.Collect(maps.Keys(sample.Jobs))...)
		}
		if !slices.ContainsFunc(jobs, m.Matches) {
			slices.Sort(jobs)
			return []string{fmt.Sprintf("no job that %s has exports %s; %s do", m, strings.Join(names, ", "), strings.Join(slices.Compact(jobs), ", "))}
		}
	}
	return nil
}

// allJobs are the jobs of every program.
func (c *checker) allJobs() map[string]bool {
	out := map[string]bool{}
	for _, sample := range c.samples {
		maps.Copy(out, sample.Jobs)
	}
	delete(out, catalogue.AnyJob)
	return out
}

// names are the series' names that a selector may mean, or why there are none.
func (c *checker) names(s *parser.VectorSelector) ([]string, string) {
	for _, m := range s.LabelMatchers {
		if m.Name != labels.MetricName {
			continue
		}
		switch m.Type {
		case labels.MatchEqual:
			if !c.exists(m.Value) {
				return nil, "no program of the stack exports " + m.Value + ", and no rule records it" + c.nearest(m.Value)
			}
			c.metrics[m.Value] = true
			return []string{m.Value}, ""
		case labels.MatchRegexp:
			pattern, err := regexp.Compile("^(?:" + m.Value + ")$")
			if err != nil {
				return nil, err.Error() // the parser has read it; kept for certainty
			}
			names := c.samples.Matching(pattern)
			for record := range c.records {
				if pattern.MatchString(record) {
					names = append(names, record)
				}
			}
			if len(names) == 0 {
				return nil, "no program of the stack exports a metric that matches " + m.Value
			}
			slices.Sort(names)
			for _, n := range names {
				c.metrics[n] = true
			}
			return names, ""
		default: // an exclusion names nothing
		}
	}
	return nil, "the selector names no metric, so Prometheus would look at all"
}

func (c *checker) exists(name string) bool {
	_, exported := c.samples[name]
	return exported || c.records[name]
}

// nearest suggests the name that was meant.
func (c *checker) nearest(name string) string {
	best, distance := "", min(len(name)/4+2, 6)
	for _, n := range slices.Concat(slices.Sorted(maps.Keys(c.samples)), slices.Sorted(maps.Keys(c.records))) {
		if d := levenshtein.ComputeDistance(name, n); d < distance {
			best, distance = n, d
		}
	}
	if best == "" {
		return ""
	}
	return "; is " + best + " meant?"
}

// labelsOf are the labels that any of the names has; open: a rule's result is
// among them, whose labels are not known.
func (c *checker) labelsOf(names []string) (has map[string]bool, open bool) {
	has = map[string]bool{}
	for _, l := range targetLabels() {
		has[l] = true
	}
	for _, n := range names {
		sample, ok := c.samples[n]
		if !ok {
			open = true
		}
		maps.Copy(has, sample.Labels)
	}
	return has, open
}

// alertHas says whether a rule makes an alert that a matcher of ALERTS selects.
// Only labels that every alert has its own value of are judged.
func (c *checker) alertHas(m *labels.Matcher) bool {
	if len(c.alerts) == 0 || strings.Contains(m.Value, chosen) {
		return true // no rules were given, or no value
	}
	return slices.ContainsFunc(c.alerts, func(r rule) bool {
		switch m.Name {
		case labels.AlertName:
			return m.Matches(r.Alert)
		case "severity", "team":
			return m.Matches(r.Labels[m.Name])
		}
		return true
	})
}

// call judges functions that mean something only for some kinds of metrics.
func (c *checker) call(n *parser.Call) []string {
	var faults []string
	switch n.Func.Name {
	case "rate", "irate", "increase":
		for _, name := range c.selected(n) {
			if kind := c.samples[name].Kind; kind == catalogue.Gauge {
				faults = append(faults, fmt.Sprintf("%s of %s, which is a gauge", n.Func.Name, name))
			}
		}
	case "delta", "idelta", "deriv", "predict_linear":
		for _, name := range c.selected(n) {
			if kind := c.samples[name].Kind; kind == catalogue.Counter {
				faults = append(faults, fmt.Sprintf("%s of %s, which is a counter", n.Func.Name, name))
			}
		}
	case "histogram_quantile":
		for _, name := range c.selected(n) {
			if sample, ok := c.samples[name]; ok && !sample.Bucket {
				faults = append(faults, "histogram_quantile of "+name+", which is no bucket of a histogram")
			}
		}
		if has := resultLabels(n.Args[1]); has != nil && !has["le"] {
			faults = append(faults, "histogram_quantile of what has lost its label le; aggregate by le too")
		}
	}
	return faults
}

// selected are the known names that stand below a node.
func (c *checker) selected(node parser.Node) []string {
	var out []string
	parser.Inspect(node, func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.VectorSelector); ok {
			names, _ := c.names(s) // the selector's own fault is told there
			out = append(out, names...)
		}
		return nil
	})
	return out
}

// labelsExist says which labels nothing below has.
func (c *checker) labelsExist(what string, wanted []string, below ...parser.Expr) []string {
	var names []string
	added := map[string]bool{}
	for _, e := range below {
		names = append(names, c.selected(e)...)
		parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
			if call, ok := n.(*parser.Call); ok && (call.Func.Name == "label_replace" || call.Func.Name == "label_join") {
				if dst, ok := call.Args[1].(*parser.StringLiteral); ok {
					added[dst.Val] = true
				}
			}
			return nil
		})
	}
	has, open := c.labelsOf(names)
	if open || len(names) == 0 {
		return nil
	}
	maps.Copy(has, added)
	var faults []string
	for _, label := range wanted {
		if !has[label] {
			faults = append(faults, fmt.Sprintf("%s %s, which %s has not", what, label, strings.Join(slices.Compact(names), ", ")))
		}
	}
	return faults
}

// resultLabels are the labels that a query's result has; nil where they depend on
// the series.
func resultLabels(e parser.Expr) map[string]bool {
	switch e := e.(type) {
	case *parser.ParenExpr:
		return resultLabels(e.Expr)
	case *parser.UnaryExpr:
		return resultLabels(e.Expr)
	case *parser.StepInvariantExpr:
		return resultLabels(e.Expr)
	case *parser.AggregateExpr:
		switch {
		case e.Op == parser.TOPK || e.Op == parser.BOTTOMK:
			return resultLabels(e.Expr)
		case e.Without || e.Op == parser.COUNT_VALUES:
			return nil
		}
		return set(e.Grouping)
	case *parser.Call:
		return callLabels(e)
	case *parser.BinaryExpr:
		return binaryLabels(e)
	case *parser.NumberLiteral, *parser.StringLiteral:
		return map[string]bool{}
	}
	return nil
}

func callLabels(e *parser.Call) map[string]bool {
	var out map[string]bool
	for _, arg := range e.Args {
		if t := arg.Type(); t == parser.ValueTypeVector || t == parser.ValueTypeMatrix {
			out = maps.Clone(resultLabels(arg))
		}
	}
	switch e.Func.Name {
	case "vector", "time", "scalar":
		return map[string]bool{}
	case "absent", "absent_over_time":
		return nil
	case "histogram_quantile":
		delete(out, "le")
	case "label_replace", "label_join":
		if dst, ok := e.Args[1].(*parser.StringLiteral); ok && out != nil {
			out[dst.Val] = true
		}
	}
	return out
}

func binaryLabels(e *parser.BinaryExpr) map[string]bool {
	switch {
	case e.LHS.Type() == parser.ValueTypeScalar:
		return resultLabels(e.RHS)
	case e.RHS.Type() == parser.ValueTypeScalar:
		return resultLabels(e.LHS)
	case e.Op == parser.LOR:
		left, right := resultLabels(e.LHS), resultLabels(e.RHS)
		if left == nil || right == nil {
			return nil
		}
		out := maps.Clone(left)
		maps.Copy(out, right)
		return out
	case e.Op == parser.LAND || e.Op == parser.LUNLESS:
		return resultLabels(e.LHS)
	case e.VectorMatching != nil && e.VectorMatching.Card == parser.CardOneToOne && e.VectorMatching.On:
		return set(e.VectorMatching.MatchingLabels)
	case e.VectorMatching != nil && e.VectorMatching.Card == parser.CardOneToOne && len(e.VectorMatching.MatchingLabels) == 0:
		return resultLabels(e.LHS)
	}
	return nil
}

func set(names []string) map[string]bool {
	out := map[string]bool{}
	for _, n := range names {
		out[n] = true
	}
	return out
}
