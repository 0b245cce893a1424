package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// mutant is one edit of a rule's text.
type mutant struct {
	file     string // below policies
	row      int
	what     string // the edit in words
	line     string // the line as it is then
	from, to int    // bytes that are replaced
	by       string
}

func (m mutant) String() string {
	return fmt.Sprintf("policies/%s:%d: %s\n    %s", m.file, m.row, m.what, m.line)
}

// apply gives the text of the mutant.
func (m mutant) apply(text string) string { return text[:m.from] + m.by + text[m.to:] }

// walker collects the mutants of one module. Edits are made in the text, at places
// that the parsed module gives, so that a mutant can be read and tried by hand.
type walker struct {
	file, text string
	aliases    map[string]bool // names of imports
	found      []mutant
	seen       map[string]bool
	instead    map[int]string // what a literal at this place becomes
}

// mutants are those of one file, in the order of the text.
func mutants(file, text string, module *ast.Module) []mutant {
	w := &walker{file: file, text: text, aliases: map[string]bool{"data": false, "input": false}, seen: map[string]bool{}, instead: map[int]string{}}
	for _, i := range module.Imports {
		w.aliases[string(i.Name())] = true
	}
	times := map[string]int{}
	for _, r := range module.Rules {
		times[r.Head.Ref().GroundPrefix().String()]++
	}
	for _, r := range module.Rules {
		w.rule(r, times[r.Head.Ref().GroundPrefix().String()] > 1)
	}
	slices.SortStableFunc(w.found, func(a, b mutant) int {
		return cmp.Compare(a.from, b.from)
	})
	return w.found
}

// edit notes a mutant; the same edit counts once.
func (w *walker) edit(from, to int, by, what string) {
	key := fmt.Sprint(from, " ", to, " ", by)
	if w.seen[key] || w.text[from:to] == by {
		return
	}
	w.seen[key] = true
	m := mutant{file: w.file, row: 1 + strings.Count(w.text[:from], "\n"), what: what, from: from, to: to, by: by}
	after := m.apply(w.text)
	begin := 1 + strings.LastIndex(after[:from], "\n")
	line, _, _ := strings.Cut(after[begin:], "\n")
	m.line = strings.TrimSpace(line)
	w.found = append(w.found, m)
}

// span is where a node stands; false for what the parser made up.
func (w *walker) span(at *ast.Location) (from, to int, ok bool) {
	if at == nil || len(at.Text) == 0 {
		return 0, 0, false
	}
	from, to = at.Offset, at.Offset+len(at.Text)
	return from, to, to <= len(w.text) && w.text[from:to] == string(at.Text)
}

// brief is a text in one line.
func brief(text string) string {
	const most = 60
	line := strings.Join(strings.Fields(text), " ")
	if runes := []rune(line); len(runes) > most {
		line = string(runes[:most]) + "…"
	}
	return "`" + line + "`"
}

func (w *walker) rule(r *ast.Rule, several bool) {
	if r.Head.Name == "meta" {
		w.meta(r.Head.Value)
		return
	}
	if several || r.Default {
		w.definition(r)
	}
	for _, arg := range r.Head.Args {
		w.term(arg, plain)
	}
	w.term(r.Head.Key, plain)
	w.term(r.Head.Value, plain)
	w.body(r.Body)
	for e := r.Else; e != nil; e = e.Else {
		if from, to, ok := w.span(e.Location); ok {
			w.edit(from, to, "", "the branch "+brief(w.text[from:to])+" is dropped")
		}
		w.term(e.Head.Value, plain)
		w.body(e.Body)
	}
}

// meta is data about the rule but for its parameters.
func (w *walker) meta(value *ast.Term) {
	object, ok := value.Value.(ast.Object)
	if !ok {
		return
	}
	object.Foreach(func(key, value *ast.Term) {
		if key.Equal(ast.StringTerm("params")) {
			w.term(value, plain)
		}
	})
}

// definition drops one definition of several.
func (w *walker) definition(r *ast.Rule) {
	from, to, ok := w.span(r.Location)
	if !ok {
		return
	}
	if _, end, ok := w.span(r.Head.Value.Loc()); r.Default && ok { // whose place is the word
		to = end
	}
	for _, arg := range r.Head.Args { // of a function without a body the place is its name's
		if _, end, ok := w.span(arg.Location); ok && end > to {
			to = end + strings.Index(w.text[end:], ")") + 1
		}
	}
	w.edit(from, to, "", "the definition "+brief(w.text[from:to])+" is dropped")
}

func (w *walker) body(body ast.Body) {
	for _, e := range body {
		w.expr(e)
	}
}

func (w *walker) expr(e *ast.Expr) {
	from, to, ok := w.span(e.Location)
	if t, alone := e.Terms.(*ast.Term); !ok || (alone && t.Equal(ast.BooleanTerm(true))) {
		return // nothing is asked
	}
	_, declares := e.Terms.(*ast.SomeDecl)
	_, every := e.Terms.(*ast.Every)
	if !declares && !e.IsAssignment() {
		w.edit(from, to, "true", "the condition "+brief(w.text[from:to])+" is dropped")
		if rest, negated := strings.CutPrefix(w.text[from:to], "not "); negated {
			w.edit(from, from+len("not "), "", "`not` is removed from "+brief(rest))
		} else if !every && !w.compares(e) {
			w.edit(from, from, "not ", "`not` is put before "+brief(w.text[from:to]))
		}
	}
	switch terms := e.Terms.(type) {
	case *ast.Term:
		w.term(terms, plain)
	case []*ast.Term:
		w.call(terms, plain)
	case *ast.SomeDecl:
		for _, symbol := range terms.Symbols {
			if call, ok := symbol.Value.(ast.Call); ok {
				w.each(call[1:], plain)
			}
		}
	case *ast.Every:
		w.term(terms.Domain, plain)
		w.body(terms.Body)
	}
	for _, with := range e.With {
		w.term(with.Value, plain)
	}
}

func (w *walker) compares(e *ast.Expr) bool {
	terms, ok := e.Terms.([]*ast.Term)
	return ok && len(infix(terms[0].String())) > 0
}

func (w *walker) each(terms []*ast.Term, as role) {
	for _, t := range terms {
		w.term(t, as)
	}
}
