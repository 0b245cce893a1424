package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/open-policy-agent/opa/v1/ast"
)

// small is a library of one rule and one helper. Its tests don't ask what three
// replicas are, so that one mutant survives.
func small() map[string]string {
	return map[string]string{
		"main.rego": "package dualtrack.main\n\nfindings contains f if some f in data.dualtrack.rules[_].findings\n",
		"main_test.rego": `package dualtrack.main_test

import data.dualtrack.main

test_all if count(main.findings) == 1 with input as {"kind": "Shop", "replicas": 9}

test_none if count(main.findings) == 0 with input as {"kind": "Shop", "replicas": 1}
`,
		"lib/object.rego": "package dualtrack.object\n\nnumber(path) := object.get(input, path, null)\n",
		"lib/fixture_test.rego": `package dualtrack.fixture

shop(replicas) := {"kind": "Shop", "replicas": replicas}
`,
		"shop/dt_tst_001.rego": `package dualtrack.rules.dt_tst_001

import data.dualtrack.object as obj

meta := {"id": "DT-TST-001", "title": "Many", "severity": "error"}

findings contains {"pointer": "/replicas", "message": sprintf("there are %d", [obj.number("replicas")])} if {
	input.kind == "Shop"
	obj.number("replicas") > 3
}
`,
		"shop/dt_tst_001_test.rego": `package dualtrack.rules.dt_tst_001_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_tst_001

test_fail_many if {
	some f in dt_tst_001.findings with input as fx.shop(4)
	f == {"pointer": "/replicas", "message": "there are 4"}
}

test_pass_few if count(dt_tst_001.findings) == 0 with input as fx.shop(2)

test_pass_none if count(dt_tst_001.findings) == 0 with input as {"kind": "Shop"}

test_pass_other if count(dt_tst_001.findings) == 0 with input as {"kind": "Farm", "replicas": 9}
`,
	}
}

// hole is the mutant that small's tests don't notice.
const hole = "SURVIVED policies/shop/dt_tst_001.rego:9: `>` becomes `>=`\n    obj.number(\"replicas\") >= 3\n"

func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, "policies", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func with(files map[string]string, name, text string) map[string]string {
	files[name] = text
	return files
}

// TestRun finds the known hole and nothing else, and holds what is said of it.
func TestRun(t *testing.T) {
	t.Parallel()
	entry := func(line, times string) string {
		return "mutants:\n- file: shop/dt_tst_001.rego\n  what: '`>` becomes `>=`'\n  line: '" + line + "'\n  why: three never occur\n" + times
	}
	const right = `obj.number("replicas") >= 3`
	tests := map[string]struct {
		files map[string]string
		args  []string
		want  []string // in the report
		not   []string
		err   string
	}{
		"the hole":          {files: small(), want: []string{hole, "1 survived (0 named"}, err: errSurvived.Error()},
		"the rule by id":    {files: small(), args: []string{"-rule", "DT-TST-001"}, want: []string{hole, "1 survived"}, err: errSurvived.Error()},
		"a folder":          {files: small(), args: []string{"-rule", "policies/lib"}, want: []string{"0 survived"}, not: []string{"SURVIVED"}},
		"no such rule":      {files: small(), args: []string{"-rule", "DT-TST-002"}, err: "-rule DT-TST-002: no such rule"},
		"named":             {files: with(small(), "mutants.yaml", entry(right, "")), want: []string{"says the same: policies/shop", "three never occur", "1 survived (1 named"}, not: []string{"SURVIVED"}},
		"named wrongly":     {files: with(small(), "mutants.yaml", entry("x", "")), want: []string{hole, "0 such mutants survive, 1 are named"}, err: errSurvived.Error()},
		"named too often":   {files: with(small(), "mutants.yaml", entry(right, "  times: 2\n")), want: []string{"1 such mutants survive, 2 are named"}, err: errSurvived.Error()},
		"a part is run":     {files: with(small(), "mutants.yaml", entry(right, "")), args: []string{"-rule", "lib"}, want: []string{"0 survived"}},
		"a misspelt field":  {files: with(small(), "mutants.yaml", "mutants: [{fiel: a}]"), err: "fiel"},
		"no reason":         {files: with(small(), "mutants.yaml", "mutants: [{file: a, what: b, line: c}]"), err: "entry 1 needs"},
		"a test that fails": {files: with(small(), "lib/object.rego", "package dualtrack.object\n\nnumber(_) := 0\n"), err: "fails before anything is broken"},
		"no Rego":           {files: with(small(), "lib/object.rego", "package"), err: "lib/object.rego:1"},
		"a sample":          {files: small(), args: []string{"-sample", "0"}, want: []string{"mutants: 0 of ", "seed 1"}, not: []string{"SURVIVED"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := run(t.Context(), &out, append([]string{"-root", tree(t, tt.files)}, tt.args...))
			if (err == nil) != (tt.err == "") || (err != nil && !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("error %v, want one with %q", err, tt.err)
			}
			for _, want := range tt.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("the report lacks %q", want)
				}
			}
			for _, not := range tt.not {
				if strings.Contains(out.String(), not) {
					t.Errorf("the report has %q", not)
				}
			}
			if strings.Count(out.String(), "SURVIVED") > 1 || t.Failed() {
				t.Errorf("report:\n%s", out.String())
			}
		})
	}
}

// TestMutants lists the mutants of a rule that has one of everything.
func TestMutants(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want []string // "what: line"
	}{
		"a condition": {`p if input.a`, []string{
			"the condition `input.a` is dropped: p if true", "`not` is put before `input.a`: p if not input.a", "the key `a` is misspelt: p if input.a_",
		}},
		"not": {`p if not input.a`, []string{
			"the condition `not input.a` is dropped: p if true", "`not` is removed from `input.a`: p if input.a", "the key `a` is misspelt: p if not input.a_",
		}},
		"a comparison": {`p if input.a < 3`, []string{
			"the condition `input.a < 3` is dropped: p if true", "the key `a` is misspelt: p if input.a_ < 3",
			"`<` becomes `<=`: p if input.a <= 3", "`<` becomes `>=`: p if input.a >= 3", "`3` becomes `4`: p if input.a < 4",
		}},
		"a default": {`p := object.get(input, "a", false)`, []string{
			"`\"a\"` becomes `\"a_\"`: p := object.get(input, \"a_\", false)", "`false` becomes `true`: p := object.get(input, \"a\", true)",
		}},
		"an empty default": {`p := object.get(input, "a", {})`, []string{
			"`\"a\"` becomes `\"a_\"`: p := object.get(input, \"a_\", {})", "`{}` becomes not empty: p := object.get(input, \"a\", {\"_\": 0})",
		}},
		"a default that is compared": {`p if object.get(input, "a", "") == "x"`, []string{
			"the condition `object.get(input, \"a\", \"\") == \"x\"` is dropped: p if true", "`==` becomes `!=`: p if object.get(input, \"a\", \"\") != \"x\"",
			"`\"a\"` becomes `\"a_\"`: p if object.get(input, \"a_\", \"\") == \"x\"", "`\"\"` becomes `\"x\"`: p if object.get(input, \"a\", \"x\") == \"x\"",
			"`\"x\"` becomes `\"x_\"`: p if object.get(input, \"a\", \"\") == \"x_\"",
		}},
		"a default that is computed": {`p(d) := object.get(input, "a", d)`, []string{
			"`\"a\"` becomes `\"a_\"`: p(d) := object.get(input, \"a_\", d)", "the default `d` becomes `\"_\"`: p(d) := object.get(input, \"a\", \"_\")",
		}},
		"an array": {`p := ["a", 1]`, []string{
			"`\"a\"` becomes `\"a_\"`: p := [\"a_\", 1]",
			"the element `1` is dropped: p := [\"a\"]", "`1` becomes `2`: p := [\"a\", 2]",
		}},
		"a set": {`p := {"a", "b"}`, []string{"the element `\"a\"` is dropped: p := {\"b\"}", "the element `\"b\"` is dropped: p := {\"a\"}"}},
		"a finding": {`p contains {"message": sprintf("%s is bad", [input.a]), "result": "unknown"}`, []string{
			"the key `a` is misspelt: p contains {\"message\": sprintf(\"%s is bad\", [input.a_]), \"result\": \"unknown\"}",
			"the member `\"result\": \"unknown\"` is dropped: p contains {\"message\": sprintf(\"%s is bad\", [input.a])}",
			"`\"unknown\"` becomes `\"unknown_\"`: p contains {\"message\": sprintf(\"%s is bad\", [input.a]), \"result\": \"unknown_\"}",
		}},
		"definitions": {"p(1)\n\np(2)", []string{
			"the definition `p(1)` is dropped: ", "`1` becomes `2`: p(2)", "the definition `p(2)` is dropped: ", "`2` becomes `3`: p(3)",
		}},
		"a default rule": {"default p := 1\n\np := 2 if input.a", []string{
			"the definition `default p := 1` is dropped: ", "`1` becomes `2`: default p := 2",
			"the definition `p := 2 if input.a` is dropped: ", "`2` becomes `3`: p := 3 if input.a",
			"the condition `input.a` is dropped: p := 2 if true", "`not` is put before `input.a`: p := 2 if not input.a", "the key `a` is misspelt: p := 2 if input.a_",
		}},
		"else": {"p := 1 if {\n\tinput.a\n} else := 2", []string{
			"`1` becomes `2`: p := 2 if {", "the condition `input.a` is dropped: true", "`not` is put before `input.a`: not input.a", "the key `a` is misspelt: input.a_",
			"the branch `else := 2` is dropped: }", "`2` becomes `3`: } else := 3",
		}},
		"a comprehension": {`p := [x | some x in input.a; x != null]`, []string{
			"the key `a` is misspelt: p := [x | some x in input.a_; x != null]", "the condition `x != null` is dropped: p := [x | some x in input.a; true]",
			"`!=` becomes `==`: p := [x | some x in input.a; x == null]", "`null` becomes `\"_\"`: p := [x | some x in input.a; x != \"_\"]",
		}},
		"a description": {`meta := {"id": "X", "params": {"least": 2}}`, []string{
			"the member `\"least\": 2` is dropped: meta := {\"id\": \"X\", \"params\": {}}", "`2` becomes `3`: meta := {\"id\": \"X\", \"params\": {\"least\": 3}}",
		}},
		"a function": {`p if startswith(input.a, "x")`, []string{
			"the condition `startswith(input.a, \"x\")` is dropped: p if true", "`not` is put before `startswith(input.a, \"x\")`: p if not startswith(input.a, \"x\")",
			"`startswith` becomes `contains`: p if contains(input.a, \"x\")", "the key `a` is misspelt: p if startswith(input.a_, \"x\")",
			"`\"x\"` becomes `\"x_\"`: p if startswith(input.a, \"x_\")",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := "package x\n\n" + tt.text + "\n"
			module, err := ast.ParseModuleWithOpts("x.rego", text, ast.ParserOptions{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range mutants("x.rego", text, module) {
				got = append(got, m.what+": "+m.line)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.SortSlices(strings.Compare)); diff != "" {
				t.Errorf("mutants (-want +got):\n%s", diff)
			}
		})
	}
}
