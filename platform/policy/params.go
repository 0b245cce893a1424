package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// paramMistakes reports parameters of fleet.yaml that no rule has, or that are of
// another type than the rule's default.
func (e *Engine) paramMistakes(fleet *catalog.Fleet) []finding.Finding {
	if fleet == nil {
		return nil
	}
	set := fleet.Spec.Policy.Params
	var out []finding.Finding
	wrong := func(path, what, mend string) {
		at, known := set.Lines[path]
		if !known {
			at = cmp.Or(set.Position, finding.Position{File: fleet.File})
		}
		out = append(out, finding.Finding{Rule: "policy", Severity: finding.Error, Position: at, Mend: mend,
			Message: "spec.policy.params." + path + " " + what})
	}
	for _, id := range slices.Sorted(maps.Keys(set.Map)) {
		rule, err := e.Explain(id)
		if err != nil || rule.ID != id {
			wrong(id, "names a rule that there is not", "name a rule of `platform policy list`")
			continue
		}
		values, ok := set.Map[id].(map[string]any)
		if !ok {
			wrong(id, "is no mapping", "write {"+firstOf(rule.Params, "name")+": value}")
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(values)) {
			was, known := rule.Params[name]
			switch {
			case !known && len(rule.Params) == 0:
				wrong(id+"."+name, "is set, and the rule has no parameters", "remove it")
			case !known:
				wrong(id+"."+name, "is no parameter of the rule", "its parameters are "+strings.Join(slices.Sorted(maps.Keys(rule.Params)), ", "))
			case typeOf(was) != typeOf(values[name]):
				wrong(id+"."+name, fmt.Sprintf("is a %s", typeOf(values[name])), "write a "+typeOf(was))
			}
		}
	}
	return out
}

func firstOf(params map[string]any, otherwise string) string {
	for _, name := range slices.Sorted(maps.Keys(params)) {
		return name
	}
	return otherwise
}

// typeOf names a JSON type.
func typeOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "list"
	case map[string]any:
		return "mapping"
	}
	return "number"
}
