package policy

import (
	"runtime"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// capabilities lists the built-ins that rules may call: pure functions of their
// arguments. Everything else does not compile: no network, clock, random
// number, environment or file can reach a verdict.
func capabilities() *ast.Capabilities {
	allowed := []string{
		"array.concat", "array.slice", "assign", "concat", "contains", "count", "div", "eq",
		"endswith", "equal", "graph.reachable", "gt", "gte", "indexof", "internal.member_2", "is_array",
		"is_number", "is_object", "is_string", "lower", "lt", "lte", "max", "min", "minus", "mul", "neq",
		"numbers.range", "object.get", "object.keys", "object.union", "object.union_n", "or", "plus", "regex.find_all_string_submatch_n", "regex.match",
		"replace", "split", "sprintf", "startswith", "substring", "sum", "time.parse_rfc3339_ns", "to_number", "trim_prefix",
		"trim_suffix", "type_name", "upper",
		"glob.match", "regex.replace", "units.parse",
	}
	c := ast.CapabilitiesForThisVersion()
	c.Builtins = slices.DeleteFunc(c.Builtins, func(b *ast.Builtin) bool { return !slices.Contains(allowed, b.Name) })
	c.AllowNet = []string{}
	return c
}

// workers bounds what this package does at once.
func workers() int { return runtime.GOMAXPROCS(0) }
