package main

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// role is what a term is there for.
type role int

const (
	plain  role = iota
	prose       // a message or a mend: its words are not mutated, what is put into it is
	member      // of a literal from which it is dropped anyway
)

func (w *walker) term(t *ast.Term, as role) {
	if t == nil {
		return
	}
	from, to, ok := w.span(t.Location)
	if !ok {
		return
	}
	switch v := t.Value.(type) {
	case ast.Ref:
		w.ref(v)
	case ast.Call:
		w.call(v, as)
	case ast.String, ast.Number, ast.Boolean, ast.Null:
		if as == plain || (as == member && t.Equal(ast.BooleanTerm(w.text[from:to] == "true"))) {
			w.constant(from, to)
		}
	case *ast.Array:
		var all []*ast.Term
		v.Foreach(func(t *ast.Term) { all = append(all, t) })
		w.literal(from, to, all, "[]")
		w.each(all, plain)
	case ast.Set:
		w.literal(from, to, v.Slice(), "set()")
		if v.Len() > 1 {
			as = member
		}
		w.each(v.Slice(), as)
	case ast.Object:
		w.object(from, to, v)
	case *ast.ArrayComprehension:
		w.term(v.Term, plain)
		w.body(v.Body)
	case *ast.SetComprehension:
		w.term(v.Term, plain)
		w.body(v.Body)
	case *ast.ObjectComprehension:
		w.term(v.Key, plain)
		w.term(v.Value, plain)
		w.body(v.Body)
	}
}

// ref misspells the keys of a path into the input, the facts or a local value. A
// misspelt rule of another package would not compile, or be undefined at once.
func (w *walker) ref(r ast.Ref) {
	head, _ := r[0].Value.(ast.Var)
	library := w.aliases[string(head)] || r.HasPrefix(ast.MustParseRef("data.dualtrack"))
	for _, part := range r[1:] {
		if _, constant := part.Value.(ast.String); !constant {
			w.term(part, plain)
			continue
		}
		from, to, ok := w.span(part.Location)
		if !ok || library {
			continue
		}
		if w.text[from] == '"' {
			w.constant(from, to)
		} else {
			w.edit(to, to, "_", "the key `"+w.text[from:to]+"` is misspelt")
		}
	}
	if _, nested := r[0].Value.(ast.Var); !nested {
		w.term(r[0], plain)
	}
}

// infix are the operators that a comparison or a sum is changed to.
func infix(operator string) map[string][]string {
	return map[string]map[string][]string{
		"equal": {"==": {"!="}}, "neq": {"!=": {"=="}}, "eq": {"=": {"!="}},
		"lt": {"<": {"<=", ">="}}, "lte": {"<=": {"<", ">"}},
		"gt": {">": {">=", "<="}}, "gte": {">=": {">", "<"}},
		"plus": {"+": {"-"}}, "minus": {"-": {"+"}}, "mul": {"*": {"+"}},
	}[operator]
}

// swapped are functions that are taken for one another.
func swapped(name string) string {
	return map[string]string{
		"startswith": "contains", "contains": "startswith", "min": "max", "max": "min", "lower": "upper", "upper": "lower",
		"trim_prefix": "trim_suffix", "trim_suffix": "trim_prefix", "endswith": "contains",
	}[name]
}

func (w *walker) call(terms []*ast.Term, as role) {
	name, args := terms[0].String(), terms[1:]
	for operator, others := range infix(name) {
		_, left, ok := w.span(args[0].Location)
		right, _, also := w.span(args[1].Location)
		if !ok || !also || left > right {
			continue
		}
		at := strings.Index(w.text[left:right], operator)
		if at < 0 {
			continue
		}
		for _, other := range others {
			w.edit(left+at, left+at+len(operator), other, "`"+operator+"` becomes `"+other+"`")
		}
	}
	w.foresee(name, args)
	if other := swapped(name); other != "" {
		if from, to, ok := w.span(terms[0].Location); ok && w.text[from:to] == name {
			w.edit(from, to, other, "`"+name+"` becomes `"+other+"`")
		}
	}
	switch name {
	case "sprintf":
		if as != prose {
			w.term(args[0], plain)
		}
		w.inside(args[1], as)
		return
	case "object.get":
		if as == prose { // what stands for a name that is not there
			w.each(args[:2], plain)
			return
		}
		w.fallback(args[2])
	case "assign", "eq":
		if len(args) == 2 {
			w.term(args[1], plain)
			return
		}
	}
	if as == member {
		as = plain
	}
	w.each(args, as)
}

// inside mutates what a text is made of; a value that is left out makes the text odd
// and nothing else.
func (w *walker) inside(values *ast.Term, as role) {
	if list, ok := values.Value.(*ast.Array); ok {
		list.Foreach(func(t *ast.Term) { w.term(t, as) })
		return
	}
	w.term(values, plain)
}

// fallback changes a default of object.get that no other edit changes.
func (w *walker) fallback(t *ast.Term) {
	from, to, ok := w.span(t.Location)
	if !ok {
		return
	}
	switch t.Value.(type) {
	case ast.String, ast.Number, ast.Boolean, ast.Null, *ast.Array, ast.Set, ast.Object:
	default:
		w.edit(from, to, `"_"`, "the default "+brief(w.text[from:to])+" becomes `\"_\"`")
	}
}

// foresee chooses what the default of an object.get becomes where its value is
// compared with a constant, or asked for its type: any other would be told apart from
// neither.
func (w *walker) foresee(name string, args []*ast.Term) {
	kinds := map[string]string{"is_array": `["_"]`, "is_object": `{"_": 0}`, "is_number": "1"}
	for i, arg := range args {
		call, ok := arg.Value.(ast.Call)
		if !ok || call[0].String() != "object.get" {
			continue
		}
		from, to, ok := w.span(call[3].Location)
		if !ok {
			continue
		}
		by := kinds[name]
		if (name == "equal" || name == "neq") && len(args) == 2 {
			switch other := args[1-i]; other.Value.(type) {
			case ast.String, ast.Number, ast.Boolean, ast.Null:
				if begin, end, ok := w.span(other.Location); ok && w.text[begin:end] != w.text[from:to] {
					by = w.text[begin:end]
				}
			}
		}
		if by != "" {
			w.instead[from] = by
		}
	}
}

// constant changes a literal.
func (w *walker) constant(from, to int) {
	old := w.text[from:to]
	by := ""
	switch number, err := strconv.Atoi(old); {
	case w.instead[from] != "":
		by = w.instead[from]
	case old == "true":
		by = "false"
	case old == "false":
		by = "true"
	case old == "null":
		by = `"_"`
	case err == nil:
		by = strconv.Itoa(number + 1)
	case strings.HasPrefix(old, `"`), strings.HasPrefix(old, "`"):
		by = old[:len(old)-1] + "_" + old[len(old)-1:]
	default:
		return // a part of a template, say
	}
	w.edit(from, to, by, brief(old)+" becomes "+brief(by))
}

// literal drops each element of an array or a set, or puts one into an empty one.
func (w *walker) literal(from, to int, elements []*ast.Term, empty string) {
	if len(elements) == 0 {
		if w.text[from:to] == empty {
			w.edit(from, to, map[string]string{"[]": `["_"]`, "set()": `{"_"}`}[empty], "`"+empty+"` becomes not empty")
		}
		return
	}
	spans := make([][2]int, len(elements))
	for i, e := range elements {
		begin, end, ok := w.span(e.Location)
		if !ok {
			return
		}
		spans[i] = [2]int{begin, end}
	}
	if len(elements) == 1 {
		if _, constant := elements[0].Value.(ast.String); !constant && !isLiteral(elements[0]) {
			w.edit(from, to, empty, "the element "+brief(w.text[spans[0][0]:spans[0][1]])+" is dropped")
		}
		return
	}
	var kept [][2]int
	for i, e := range elements { // a misspelt one in an array is as good as none
		if _, constant := e.Value.(ast.String); constant && empty == "[]" {
			kept = append(kept, spans[i])
		}
	}
	spans = slices.DeleteFunc(spans, func(s [2]int) bool { return slices.Contains(kept, s) })
	w.drop(spans, kept, "the element ")
}

// isLiteral says that something inside the term is mutated anyway.
func isLiteral(t *ast.Term) bool {
	switch t.Value.(type) {
	case *ast.Array, ast.Set, ast.Object:
		return true
	}
	return false
}

// drop removes each span but those that are kept, with the comma before or after it.
func (w *walker) drop(spans, kept [][2]int, what string) {
	all := slices.Concat(spans, kept)
	slices.SortFunc(all, func(a, b [2]int) int { return cmp.Compare(a[0], b[0]) })
	for i, s := range all {
		from, to := s[0], s[1]
		if i+1 < len(all) {
			to = all[i+1][0]
		} else if i > 0 {
			from = all[i-1][1]
		}
		if !slices.Contains(kept, s) {
			w.edit(from, to, "", what+brief(w.text[s[0]:s[1]])+" is dropped")
		}
	}
}

// object drops each member but the prose, and mutates their values.
func (w *walker) object(from, to int, o ast.Object) {
	if o.Len() == 0 {
		w.edit(from, to, `{"_": 0}`, "`{}` becomes not empty")
		return
	}
	var spans, kept [][2]int
	whole := true
	o.Foreach(func(key, value *ast.Term) {
		as, to := plain, &spans
		if words := key.Value; ast.String("message").Equal(words) || ast.String("mend").Equal(words) {
			as, to = prose, &kept
		}
		if _, constant := key.Value.(ast.String); !constant {
			w.term(key, plain)
		}
		w.term(value, as)
		begin, _, ok := w.span(key.Location)
		_, end, also := w.span(value.Location)
		if ok && also {
			*to = append(*to, [2]int{begin, end})
		} else {
			whole = false
		}
	})
	if !whole {
		return
	}
	if o.Len() == 1 && len(spans) == 1 {
		w.edit(from, to, "{}", "the member "+brief(w.text[spans[0][0]:spans[0][1]])+" is dropped")
		return
	}
	w.drop(spans, kept, "the member ")
}
