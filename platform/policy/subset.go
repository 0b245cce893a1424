package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"dualtrack.internal/platform/render"
)

// mostParts is for how few parts it is worth to compile only the rules that they can
// meet: a whole tree meets nearly all.
const mostParts = 12

// mostComponents are those of a change for which it is worth it.
const mostComponents = 4

// What rules are asked about beside objects of a kind. No kind has such a name.
const (
	anyObject = "\x00object"
	anyDrift  = "\x00drift"
	anyChange = "\x00change"
)

// kindsOf are the kinds of objects that the rule of a file can say something about:
// those that each of its bodies begins with, or anyObject where one names none; those
// of live objects and changes are for themselves. False means a file that is no rule.
func kindsOf(m *ast.Module) ([]string, bool) {
	group, _, _ := strings.Cut(strings.TrimPrefix(m.Package.Path.String(), "data.dualtrack."), ".")
	switch group {
	case "rules":
		if kinds, only := named(m); only {
			return kinds, true
		}
		return []string{anyObject}, true
	case "pods", "programs":
		return []string{anyObject}, true
	case "drift":
		return []string{anyDrift}, true
	case "change", "fleet":
		return []string{anyChange}, true
	}
	return nil, false
}

// named are the kinds that every body of a rule's findings names.
func named(m *ast.Module) ([]string, bool) {
	var kinds []string
	findings := false
	for _, r := range m.Rules {
		if r.Head.Name != "findings" && r.Head.Ref().String() != "findings" {
			continue
		}
		findings = true
		named := namedKinds(r.Body)
		if len(named) == 0 || r.Else != nil {
			return nil, false
		}
		kinds = append(kinds, named...)
	}
	slices.Sort(kinds)
	return slices.Compact(kinds), findings
}

// namedKinds are the kinds that a body asks for: input.kind == "X", or
// input.kind in {"X", "Y"}.
func namedKinds(body ast.Body) []string {
	for _, e := range body {
		terms, ok := e.Terms.([]*ast.Term)
		if !ok || e.Negated || len(e.With) > 0 || len(terms) != 3 {
			continue
		}
		a, b := terms[1], terms[2]
		switch terms[0].String() {
		case "equal", "eq":
			if isKind(b) {
				a, b = b, a
			}
			if text, ok := b.Value.(ast.String); ok && isKind(a) {
				return []string{string(text)}
			}
		case "internal.member_2":
			if isKind(a) {
				return texts(b)
			}
		}
	}
	return nil
}

func isKind(t *ast.Term) bool { return t.String() == "input.kind" }

// texts are the strings of a set or an array of strings; nil for anything else.
func texts(t *ast.Term) []string {
	var out []string
	all := true
	note := func(t *ast.Term) {
		text, ok := t.Value.(ast.String)
		all = all && ok
		out = append(out, string(text))
	}
	switch v := t.Value.(type) {
	case ast.Set:
		v.Foreach(note)
	case *ast.Array:
		v.Foreach(note)
	}
	if !all {
		return nil
	}
	return out
}

// indexed are the kinds of every file that names some. There are none where a rule
// reads what another one says: then it takes all to compile one.
func indexed(modules map[string]*ast.Module, files Sources) map[string][]string {
	out := map[string][]string{}
	for name, m := range modules {
		if readsRules(files[name]) {
			return map[string][]string{}
		}
		if kinds, only := kindsOf(m); only {
			out[name] = kinds
		}
	}
	return out
}

// readsRules says that a file reads what rules say: the entry points do, of all that
// are there, which is all that are asked.
func readsRules(text string) bool {
	for _, group := range []string{"rules", "pods", "programs", "drift", "change", "fleet"} {
		if strings.Contains(text, "data.dualtrack."+group+".") {
			return true
		}
	}
	return false
}

// subset are the compiled rules about some kinds, or all. They hold once done is
// closed.
type subset struct {
	files    Sources
	done     chan struct{}
	compiler *ast.Compiler
	err      error
}

// mostSubsets are compiled before all rules are.
const mostSubsets = 3

// compilerFor gives compiled rules, those at least that say something about the
// kinds; nil kinds are all. Nobody waits for rules that are not asked for here.
func (e *Engine) compilerFor(ctx context.Context, kinds []string) (*ast.Compiler, error) {
	for {
		s, mine := e.claim(kinds)
		if mine {
			e.compile(ctx, s)
		}
		select {
		case <-s.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if mine || s.err == nil {
			return s.compiler, s.err
		}
		// Who was to compile them has gone.
	}
}

// claim gives the rules about some kinds, and says whether the caller must compile
// them.
func (e *Engine) claim(kinds []string) (*subset, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	need := e.files
	if kinds != nil && len(e.kinds) > 0 {
		need = e.files.meets(e.kinds, kinds)
	}
	if len(need) < len(e.files) {
		for _, known := range e.subsets {
			if known.files.holds(need) {
				return known, false
			}
		}
	}
	if e.all != nil {
		return e.all, false
	}
	s := &subset{files: need, done: make(chan struct{})}
	if len(need) < len(e.files) && len(e.subsets) < mostSubsets {
		e.subsets = append(e.subsets, s)
	} else {
		s.files, e.all = e.files, s
	}
	return s, true
}

// compile compiles what was claimed, and forgets what can't be.
func (e *Engine) compile(ctx context.Context, s *subset) {
	defer close(s.done)
	var skip []ast.StageID
	if len(s.files) < len(e.files) {
		skip = proven()
	}
	compiler, index, err := compile(ctx, s.files, skip...)
	e.mu.Lock()
	defer e.mu.Unlock()
	s.compiler, s.err = compiler, err
	switch {
	case err != nil && e.all == s:
		e.all = nil
	case err != nil:
		e.subsets = slices.DeleteFunc(e.subsets, func(other *subset) bool { return other == s })
	case e.all == s:
		e.kinds = index
	}
}

// proven are the steps of the compiler that look for mistakes and change nothing. Some
// rules are compiled without them, for all were compiled with them before: who opens
// the rules for the first time compiles all.
func proven() []ast.StageID {
	return []ast.StageID{
		ast.StageCheckUnusedImports, ast.StageCheckKeywordOverrides, ast.StageCheckDuplicateImports, ast.StageCheckVoidCalls,
		ast.StageCheckRuleConflicts, ast.StageCheckUndefinedFuncs, ast.StageCheckSafetyRuleHeads, ast.StageCheckRecursion,
		ast.StageCheckTypes, ast.StageCheckUnsafeBuiltins, ast.StageCheckDeprecatedBuiltins, ast.StageBuildRequiredCapabilities,
	}
}

// prepare compiles the rules that a change of some components will probably ask, by
// what the components hold in a tree that is nearly the same: so they are there when
// the components are rendered. Without such a tree it does nothing.
func (e *Engine) prepare(ctx context.Context, like *render.Result, components []string) error {
	if like == nil || len(components) > mostComponents {
		return nil
	}
	kinds := []string{anyObject}
	for _, b := range like.Bundles {
		for _, o := range b.Objects {
			if slices.Contains(components, o.Component) {
				kinds = append(kinds, o.GetKind())
			}
		}
	}
	if _, err := e.compilerFor(ctx, kinds); err != nil {
		return err
	}
	_, err := e.compilerFor(ctx, []string{anyChange}) // asked once the objects are judged
	return err
}

// compile compiles strictly, but for the steps to skip, and tells the kinds that the
// rules are about.
func compile(ctx context.Context, files Sources, skip ...ast.StageID) (*ast.Compiler, map[string][]string, error) {
	modules, err := parse(ctx, files)
	if err != nil {
		return nil, nil, err
	}
	index := indexed(modules, files)
	compiler := ast.NewCompiler().WithStrict(true).WithCapabilities(capabilities()).WithSkipStages(skip...)
	if compiler.Compile(modules); compiler.Failed() {
		return nil, nil, fmt.Errorf("compile the policies: %w", located(compiler.Errors))
	}
	return compiler, index, nil
}

// holds says that all of the other files are among these.
func (s Sources) holds(other Sources) bool {
	for name := range other {
		if _, there := s[name]; !there {
			return false
		}
	}
	return true
}

// meets leaves out the rules that say nothing about any of the kinds.
func (s Sources) meets(index map[string][]string, kinds []string) Sources {
	out := Sources{}
	for name, text := range s {
		known, only := index[name]
		if !only || slices.ContainsFunc(kinds, func(k string) bool { return slices.Contains(known, k) }) {
			out[name] = text
		}
	}
	return out
}
