package render

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"text/template/parse"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render/place"
)

// templateScan is what a chart's templates call that a reproducible rendering
// can't have, or should say.
type templateScan struct {
	problems finding.Problems
	findings []finding.Finding
	usesTpl  bool
	seen     map[string]bool
	day      string      // what templates of somebody else's chart take for today
	of       *chart.File // the template that is looked at, nil for other texts
	calls    []call      // of templates, in the order of problems' first finding
}

// call is a template's call of a function that can't be had.
type call struct {
	template *chart.File
	offset   int
	name     string
	problem  *finding.Problem
}

// irreproducible says of a template function why its result differs from run
// to run, and what to write instead. Source: Sprig's and Helm's functions.
func irreproducible(name string) (why, mend string) {
	const random = "gives another result each time"
	const value = "take it from values or from a Secret that is made once"
	switch name {
	case "randAlphaNum", "randAlpha", "randAscii", "randNumeric", "randBytes", "randInt", "shuffle", "uuidv4",
		"genCA", "genCAWithKey", "genSelfSignedCert", "genSelfSignedCertWithKey", "genSignedCert",
		"genSignedCertWithKey", "genPrivateKey", "htpasswd", "bcrypt", "encryptAES":
		return random, value
	case "now", "ago", "durationRound":
		return "reads the clock", "take the time from values"
	case "date", "htmlDate", "toDate":
		return "reads the machine's time zone", "use dateInZone"
	case "getHostByName":
		return "asks the network", "take the address from values"
	case "keys", "values":
		return "gives an arbitrary order", "pipe it through sortAlpha"
	}
	return "", ""
}

// scan looks through the templates, and through values and files that
// templates may run as templates.
func (r *release) scan(c *chart.Chart, values chartutil.Values) *templateScan {
	s := &templateScan{seen: map[string]bool{}, day: cmp.Or(r.day, firstDay)}
	s.chart(r, c)
	if s.usesTpl {
		s.chartFiles(r, c)
		s.values(r, values["Values"])
	}
	r.clock = s.readsClock()
	return s
}

func (s *templateScan) chart(r *release, c *chart.Chart) {
	for _, t := range c.Templates {
		s.of = t
		s.text(r.source(c.ChartFullPath()+"/"+t.Name), 0, t.Data)
	}
	s.of = nil
	for _, sub := range c.Dependencies() {
		s.chart(r, sub)
	}
}

func (s *templateScan) chartFiles(r *release, c *chart.Chart) {
	for _, f := range c.Files {
		if bytes.Contains(f.Data, []byte("{{")) {
			s.text(r.source(c.ChartFullPath()+"/"+f.Name), 0, f.Data)
		}
	}
}

// values looks into strings of the values that hold template actions.
func (s *templateScan) values(r *release, value any) {
	switch v := value.(type) {
	case chartutil.Values:
		s.values(r, map[string]any(v))
	case map[string]any:
		for _, k := range sortedKeys(v) {
			s.values(r, v[k])
		}
	case []any:
		for _, item := range v {
			s.values(r, item)
		}
	case string:
		if strings.Contains(v, "{{") {
			where := r.valuePlace(v)
			s.text(where.File, where.Line, []byte(v))
		}
	}
}

// valuePlace finds where a value is written: in the chart's own values, else
// where the values over them begin.
func (r *release) valuePlace(value string) finding.Position {
	name := path.Join(r.dir, "values.yaml")
	docs, _ := place.Scan(name, r.folder.data[name])
	for _, d := range docs {
		if node := place.FindScalar(d.Root, value, 0); node != nil {
			return place.At(name, node)
		}
	}
	return r.valuesAt
}

// text looks through one template text. With a fixed line every call is
// reported there. A text that does not parse is left to the engine's own error.
func (s *templateScan) text(file string, line int, text []byte) {
	set := map[string]*parse.Tree{}
	t := parse.New(file)
	t.Mode = parse.SkipFuncCheck
	if _, err := t.Parse(string(text), "", "", set); err != nil {
		return
	}
	for _, name := range sortedKeys(set) {
		w := walker{scan: s, file: file, line: line, text: text}
		w.node(set[name].Root, false)
	}
}

// walker visits the nodes of one template text.
type walker struct {
	scan *templateScan
	file string
	line int
	text []byte
}

// node visits a node; ordered says that an enclosing call makes order
// irrelevant.
func (w walker) node(node parse.Node, ordered bool) {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, child := range n.Nodes {
			w.node(child, ordered)
		}
	case *parse.ActionNode:
		w.pipe(n.Pipe, ordered)
	case *parse.IfNode:
		w.branch(&n.BranchNode)
	case *parse.RangeNode:
		w.branch(&n.BranchNode)
	case *parse.WithNode:
		w.branch(&n.BranchNode)
	case *parse.TemplateNode:
		w.pipe(n.Pipe, ordered)
	case *parse.PipeNode:
		w.pipe(n, ordered)
	case *parse.ChainNode:
		w.node(n.Node, ordered)
	case *parse.IdentifierNode:
		w.call(n, ordered)
	}
}

func (w walker) branch(n *parse.BranchNode) {
	w.pipe(n.Pipe, false)
	w.node(n.List, false)
	w.node(n.ElseList, false)
}

func (w walker) pipe(pipe *parse.PipeNode, ordered bool) {
	if pipe == nil {
		return
	}
	for _, cmd := range pipe.Cmds {
		ordered = ordered || ignoresOrder(cmd)
	}
	for _, cmd := range pipe.Cmds {
		for _, arg := range cmd.Args {
			w.node(arg, ordered)
		}
	}
}

func ignoresOrder(cmd *parse.CommandNode) bool {
	if len(cmd.Args) == 0 {
		return false
	}
	f, ok := cmd.Args[0].(*parse.IdentifierNode)
	return ok && (f.Ident == "sortAlpha" || f.Ident == "len" || f.Ident == "has")
}

func (w walker) call(f *parse.IdentifierNode, ordered bool) {
	where := finding.Position{File: w.file, Line: w.line}
	if w.line == 0 {
		where.Line, where.Column = lineColumn(w.text, int(f.Pos))
	}
	key := f.Ident + "\x00" + where.String()
	if w.scan.seen[key] {
		return
	}
	w.scan.seen[key] = true
	switch f.Ident {
	case "tpl":
		w.scan.usesTpl = true
	case "lookup":
		w.scan.findings = append(w.scan.findings, finding.Finding{
			Rule: Rule, Severity: finding.Info, Position: where,
			Message: "lookup finds nothing while rendering: the template takes the way of a new installation",
			Mend:    "take what it looks for from values",
		})
	}
	why, mend := irreproducible(f.Ident)
	if why == "" || ordered && (f.Ident == "keys" || f.Ident == "values") {
		return
	}
	p := &finding.Problem{Position: where,
		What: fmt.Sprintf("%s %s: the rendering would not be reproducible", f.Ident, why), Mend: mend}
	w.scan.problems = append(w.scan.problems, p)
	if w.scan.of != nil {
		w.scan.calls = append(w.scan.calls, call{w.scan.of, int(f.Pos), f.Ident, p})
	}
}

// refused are the problems that stop the rendering before it begins: all, or of a
// chart of somebody else those that disarm does not reach.
func (s *templateScan) refused(remote bool) finding.Problems {
	if !remote {
		return s.problems
	}
	return slices.DeleteFunc(slices.Clone(s.problems), func(p *finding.Problem) bool {
		return slices.ContainsFunc(s.calls, func(c call) bool { return c.problem == p })
	})
}

// disarm makes every call that can't be had end the rendering, if it is made: a
// chart of somebody else may hold many that its values never lead to. The time is
// a day that is given: it is often asked for only to check a duration.
func (s *templateScan) disarm() {
	calls := slices.SortedFunc(slices.Values(s.calls), func(a, b call) int { return b.offset - a.offset }) // the last first
	for _, c := range calls {
		data := c.template.Data
		if end := c.offset + len(c.name); end <= len(data) && string(data[c.offset:end]) == c.name {
			instead := "fail"
			if c.name == "now" {
				instead = `(toDate "2006-01-02" "` + s.day + `")`
			}
			c.template.Data = slices.Concat(data[:c.offset], []byte(instead), data[end:])
		}
	}
}

// blame says which call ended the rendering, where one did.
func (s *templateScan) blame(err error) error {
	failed, ok := errors.AsType[*finding.Problem](err)
	if !ok {
		return err
	}
	for _, c := range s.calls {
		if c.problem.File == failed.File && c.problem.Line == failed.Line {
			return c.problem
		}
	}
	return err
}

// forgive makes warnings of what stops the rendering of one's own: what changes by
// it is not the doing of whoever looks at the chart.
func (s *templateScan) forgive() {
	for _, p := range s.problems {
		s.findings = append(s.findings, finding.Finding{Rule: Rule, Severity: finding.Warning, Message: p.What, Position: p.Position, Mend: p.Mend})
	}
}

// lineColumn gives line and column of an offset, both from 1.
func lineColumn(text []byte, offset int) (line, column int) {
	before := text[:min(max(offset, 0), len(text))]
	return 1 + bytes.Count(before, []byte("\n")), len(before) - bytes.LastIndexByte(before, '\n')
}
