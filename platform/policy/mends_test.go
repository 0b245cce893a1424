package policy

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/types"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/schema"
	"dualtrack.internal/policies"
)

// seen is a finding with a patch that a rule gave in one of its Rego tests.
type seen struct {
	rule    string // its package
	input   map[string]any
	context map[string]any
	pointer string
	patch   json.RawMessage
}

// TestEveryMend applies every patch that any rule gives in any of its Rego tests, and
// judges the object again by all rules, as the rule's own test did: the finding is
// gone, no other came, and the object is as valid as it was.
func TestEveryMend(t *testing.T) {
	t.Parallel()
	all := patched(t)
	validator, err := schema.Open(fmt.Sprintf("v1.%d.0", baselineMinor(t)))
	if err != nil {
		t.Fatal(err)
	}
	e := compiled(t)
	rules := map[string]int{}
	for _, s := range all {
		object, _ := s.input["object"].(map[string]any)
		after, err := mend(object, s.patch)
		if err != nil {
			t.Errorf("%s at %s: %v", s.rule, s.pointer, err)
			continue
		}
		before, now := s.judged(t, e, object), s.judged(t, e, after)
		own := strings.ToUpper(strings.ReplaceAll(s.rule[strings.LastIndex(s.rule, ".")+1:], "_", "-")) + " " + s.pointer
		own = anyIndex.ReplaceAllString(own, "/#$1")
		if before[own] == 0 {
			continue // the test's fleet switches the rule off
		}
		rules[s.rule]++
		if now[own] >= before[own] {
			t.Errorf("%s at %s is there still after %s", own, s.pointer, s.patch)
		}
		for _, one := range more(before, now) {
			t.Errorf("%s at %s: after %s there is %s", own, s.pointer, s.patch, one)
		}
		for _, one := range more(valid(t.Context(), validator, object), valid(t.Context(), validator, after)) {
			t.Errorf("%s at %s: after %s the schema says %s", own, s.pointer, s.patch, one)
		}
	}
	if len(rules) < 7 {
		t.Errorf("only %d rules gave a patch: %v", len(rules), rules)
	}
	t.Logf("%d patches of %d rules", len(all), len(rules))
}

// anyIndex is a place in a list: a patch that removes an element moves those after it.
var anyIndex = regexp.MustCompile(`/[0-9]+(/|$)`)

// more are those of which there are more now.
func more(before, now map[string]int) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(now)), func(one string) bool { return now[one] <= before[one] })
}

// patched runs the Rego tests with a call in every rule's body that notes what the
// rule was asked about and what it says.
func patched(t *testing.T) []seen {
	t.Helper()
	files, err := Carried(policies.FS)
	if err != nil {
		t.Fatal(err)
	}
	modules, err := parse(t.Context(), files)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range modules {
		if !strings.Contains(m.Package.Path.String(), ".dt_") {
			continue
		}
		for _, r := range m.Rules {
			if r.Head.Name == "findings" && r.Head.Key != nil {
				note := ast.MustParseBody(`seen({k: v | some k, v in input}, {k: v | some k, v in data.context}, "PACKAGE", KEY)`)
				terms := note[0].Terms.([]*ast.Term)
				terms[3], terms[4] = ast.StringTerm(m.Package.Path.String()), r.Head.Key.Copy()
				note[0].Location = r.Location
				r.Body.Append(note[0])
			}
		}
	}
	notes := &notes{byKey: map[string]seen{}}
	builtin := &rego.Function{Name: "seen", Decl: types.NewFunction(types.Args(types.A, types.A, types.A, types.A), types.B)}
	caps := ast.CapabilitiesForThisVersion()
	caps.Builtins = append(caps.Builtins, &ast.Builtin{Name: builtin.Name, Decl: builtin.Decl})
	outcomes, err := tester.NewRunner().SetCompiler(ast.NewCompiler().WithCapabilities(caps)).SetModules(modules).SetParallel(workers()).
		AddCustomBuiltins([]*tester.Builtin{{Decl: &ast.Builtin{Name: builtin.Name, Decl: builtin.Decl}, Func: rego.FunctionDyn(builtin, notes.note)}}).
		RunTests(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for o := range outcomes {
		if !o.Pass() {
			t.Errorf("%s: %v", o.Name, o.Error)
		}
	}
	var out []seen
	for _, key := range slices.Sorted(maps.Keys(notes.byKey)) {
		out = append(out, notes.byKey[key])
	}
	return out
}

// notes gather what rules say, each thing once.
type notes struct {
	mu    sync.Mutex
	byKey map[string]seen
}

func (n *notes) note(_ rego.BuiltinContext, args []*ast.Term) (*ast.Term, error) {
	var input, facts map[string]any
	var rule string
	var found struct {
		Pointer string          `json:"pointer"`
		Patch   json.RawMessage `json:"patch"`
	}
	key := ""
	for i, into := range []any{&input, &facts, &rule, &found} {
		value, err := ast.JSON(args[i].Value)
		if err != nil {
			return nil, err
		}
		data, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(data, into); err != nil {
			return nil, err
		}
		key += string(data)
	}
	if len(found.Patch) > 0 && string(found.Patch) != "null" && input["object"] != nil {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.byKey[key] = seen{rule, input, facts, found.Pointer, found.Patch}
	}
	return ast.BooleanTerm(true), nil
}

// mend applies a patch, which must change something.
func mend(object map[string]any, patch json.RawMessage) (map[string]any, error) {
	text, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	ops, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		return nil, fmt.Errorf("patch %s: %w", patch, err)
	}
	changed, err := ops.Apply(text)
	if err != nil {
		return nil, fmt.Errorf("patch %s: %w", patch, err)
	}
	if jsonpatch.Equal(text, changed) {
		return nil, fmt.Errorf("patch %s changes nothing", patch)
	}
	var out map[string]any
	return out, json.Unmarshal(changed, &out)
}

// judged is what all rules say of an object in the surroundings that the test gave;
// where it gave none, in those of the fixture.
func (s seen) judged(t *testing.T, e *Engine, object map[string]any) map[string]int {
	t.Helper()
	input := maps.Clone(s.input)
	input["object"] = object
	given, _ := s.input["nested"].([]any)
	if len(given) == 0 {
		input["nested"], input["collectors"] = nested(object), collectors(object)
	}
	facts := map[string]any{
		"now": 0, "cluster": map[string]any{"role": "edge", "realNodes": false, "someReal": false, "minor": 99, "production": false}, "partial": false,
		"severity": map[string]any{}, "params": map[string]any{}, "registries": []any{"registry.example/shop"}, "apis": map[string]any{},
		"clusterNetpols": []any{},
	}
	for _, name := range append(byNamespace(), "clusterRoles", "nodeClasses") {
		facts[name] = map[string]any{}
	}
	maps.Copy(facts, s.context)
	data, err := ast.InterfaceToValue(map[string]any{"context": facts})
	if err != nil {
		t.Fatal(err)
	}
	query, err := e.query(t.Context(), entryFindings, data.(ast.Object))
	if err != nil {
		t.Fatal(err)
	}
	value, err := ast.InterfaceToValue(input)
	if err != nil {
		t.Fatal(err)
	}
	found, err := evaluate(t.Context(), query, value)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, v := range found {
		out[anyIndex.ReplaceAllString(v.Rule+" "+v.Pointer, "/#$1")]++
	}
	return out
}

// valid is what the schema says against an object.
func valid(ctx context.Context, v *schema.Validator, object map[string]any) map[string]int {
	out := map[string]int{}
	for _, f := range v.Check(ctx, []render.Object{{Unstructured: &unstructured.Unstructured{Object: object}}}) {
		out[anyIndex.ReplaceAllString(f.Rule+" "+f.Pointer, "/#$1")]++
	}
	return out
}
