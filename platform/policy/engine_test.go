package policy

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/open-policy-agent/opa/v1/ast"

	"dualtrack.internal/policies"
)

// TestBuiltins shows that a rule cannot reach the network, the clock, chance or
// the machine.
func TestBuiltins(t *testing.T) {
	t.Parallel()
	compile := func(body string) error {
		_, err := Compile(t.Context(), fstest.MapFS{
			"main.rego": {Data: []byte("package dualtrack.main\n\nrules contains {\"id\": \"X\"}\n\nvalue := " + body + "\n")},
		})
		return err
	}
	if err := compile(`count("a")`); err != nil {
		t.Fatalf("an allowed built-in does not compile: %v", err)
	}
	for _, call := range []string{
		`http.send({"method": "GET", "url": "http://localhost"})`, `net.lookup_ip_addr("localhost")`, `opa.runtime()`,
		`time.now_ns()`, `rand.intn("a", 2)`, `uuid.rfc4122("a")`, `crypto.x509.parse_certificates("a")`, `io.jwt.decode("a")`,
		`walk(input)`, `rego.metadata.rule()`, `trace("a")`, `print("a")`, `yaml.unmarshal("a: 1")`, `providers.aws.sign_req({}, {}, 1)`,
	} {
		if compile(call) == nil {
			t.Errorf("%s compiles", call)
		}
	}
}

// TestAllowListIsUsed keeps the list of built-ins to those that exist and that
// the policies need.
func TestAllowListIsUsed(t *testing.T) {
	t.Parallel()
	modules, err := parse(t.Context(), policies.FS, true)
	if err != nil {
		t.Fatal(err)
	}
	compiler := ast.NewCompiler().WithCapabilities(capabilities())
	if compiler.Compile(modules); compiler.Failed() {
		t.Fatal(compiler.Errors)
	}
	used := map[string]bool{"assign": true, "equal": true} // := and ==, which compile to others
	for _, m := range compiler.Modules {
		ast.WalkTerms(m, func(x *ast.Term) bool {
			if call, ok := x.Value.(ast.Call); ok {
				used[call[0].String()] = true
			}
			return false
		})
		ast.WalkExprs(m, func(x *ast.Expr) bool {
			if x.IsCall() {
				used[x.Operator().String()] = true
			}
			return false
		})
	}
	for _, b := range capabilities().Builtins {
		if !used[b.Name] {
			t.Errorf("no rule calls %s", b.Name)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	t.Parallel()
	for name, src := range map[string]string{
		"no Rego":            "package",
		"an unused variable": "package dualtrack.main\n\na if {\n\tx := 1\n}\n",
		"an unused import":   "package dualtrack.main\n\nimport data.a\n",
		"a rule without id":  "package dualtrack.main\n\nrules contains {\"title\": \"a\"}\n",
		"an id used twice":   "package dualtrack.main\n\nrules := [{\"id\": \"A\"}, {\"id\": \"A\"}]\n",
	} {
		if _, err := Compile(t.Context(), fstest.MapFS{"a.rego": {Data: []byte(src)}}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	e := compiled(t)
	if got := len(e.Rules()); got != 44 {
		t.Errorf("%d rules, want 44", got)
	}
	for _, r := range e.Rules() {
		if !strings.HasPrefix(r.ID, "DT-") || r.Title == "" || r.Why == "" || r.Mend == "" {
			t.Errorf("rule %+v is not described", r)
		}
	}
	r, err := e.Explain("dt-sup-004")
	if err != nil || r.ID != "DT-SUP-004" || !r.Fixed {
		t.Errorf("got %+v, %v", r, err)
	}
	_, err = e.Explain("DT-SEC-01")
	if !errors.Is(err, ErrUnknownRule) || !strings.Contains(err.Error(), "did you mean DT-SEC-0") {
		t.Errorf("a misspelt id: %v", err)
	}
	if _, err = e.Explain("nothing like it"); !errors.Is(err, ErrUnknownRule) {
		t.Errorf("an unknown id: %v", err)
	}
}
