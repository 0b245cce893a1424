package main_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

const (
	maxFileLines = 500
	maxFuncLines = 60
)

// TestHouseRules holds the rules that one file alone can break.
func TestHouseRules(t *testing.T) {
	t.Parallel()
	var complaints []string
	for _, s := range sources(t) {
		complaints = append(complaints, checkFile(s)...)
	}
	report(t, complaints)
}

func checkFile(s source) []string {
	var out []string
	if lines := s.line(s.file.FileEnd); lines > maxFileLines {
		out = append(out, fmt.Sprintf("%s:%d: the file is longer than %d lines", s.path, maxFileLines+1, maxFileLines))
	}
	if s.test {
		return append(out, checkSkips(s)...)
	}
	for _, decl := range s.file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			out = append(out, checkFunc(s, d)...)
		case *ast.GenDecl:
			out = append(out, checkVars(s, d)...)
		}
	}
	return append(out, checkCalls(s)...)
}

func checkFunc(s source, d *ast.FuncDecl) []string {
	var out []string
	if d.Recv == nil && d.Name.Name == "init" {
		out = append(out, s.at(d.Pos())+": init runs for every command; make it in a constructor")
	}
	if lines := s.line(d.End()) - s.line(d.Pos()) + 1; lines > maxFuncLines {
		out = append(out, fmt.Sprintf("%s: %s has %d lines; a function may have %d", s.at(d.Pos()), d.Name.Name, lines, maxFuncLines))
	}
	return out
}

// checkVars complains about package variables that somebody could change. What
// stays: errors to compare with, embedded files, compiled patterns, and
// assertions that a type has an interface.
func checkVars(s source, d *ast.GenDecl) []string {
	if d.Tok != token.VAR {
		return nil
	}
	var out []string
	for _, spec := range d.Specs {
		v, ok := spec.(*ast.ValueSpec)
		if !ok || embeds(d.Doc) || embeds(v.Doc) {
			continue
		}
		for i, name := range v.Names {
			var value ast.Expr
			if i < len(v.Values) {
				value = v.Values[i]
			}
			call := callName(value)
			switch {
			case name.Name == "_", call == "regexp.MustCompile":
			case s.path == "platform/main.go" && name.Name == "version": // the linker stamps it
			case strings.HasPrefix(strings.ToLower(name.Name), "err") && (call == "errors.New" || call == "fmt.Errorf"):
			default:
				out = append(out, s.at(name.Pos())+": package variable "+name.Name+"; pass it, or make it a constant or a function")
			}
		}
	}
	return out
}

func embeds(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") })
}

// callName is "pkg.Func" of a call expression, "Func" for a call without package.
func callName(e ast.Expr) string {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return ""
	}
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok {
			return x.Name + "." + f.Sel.Name
		}
	}
	return ""
}

// checkCalls complains about exits, panics, and contexts and sleeps that nobody
// can end.
func checkCalls(s source) []string {
	isMain := s.file.Name.Name == "main" && path.Base(s.path) == "main.go"
	var out []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		call := callName(e)
		why := ""
		switch {
		case call == "panic":
			why = "return an error"
		case call == "time.Sleep":
			why = "wait with a timer and the context"
		case isMain || serves(s):
		case call == "context.Background" || call == "context.TODO":
			why = "take the context as the first parameter"
		case call == "os.Exit" || call == "syscall.Exit" || call == "runtime.Goexit",
			strings.HasPrefix(call, "log.Fatal"), strings.HasPrefix(call, "log.Panic"),
			strings.HasPrefix(call, "klog.Fatal"), strings.HasPrefix(call, "klog.Exit"):
			why = "return an error; only main exits"
		}
		if why != "" {
			out = append(out, s.at(e.Pos())+": "+call+": "+why)
		}
		return true
	})
	return out
}

// serves says that a file is of a package for tests: its clean-up runs after the
// test's own context has ended.
func serves(s source) bool {
	return slices.ContainsFunc(s.file.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"testing"` })
}

// checkSkips complains about tests that may not run.
func checkSkips(s source) []string {
	var out []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		name := callName(call)
		if _, method, ok := strings.Cut(name, "."); ok && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, method) {
			out = append(out, s.at(call.Pos())+": "+name+": a test runs everywhere, or is a target of its own")
		}
		return true
	})
	return out
}

func TestHouseRulesComplain(t *testing.T) {
	t.Parallel()
	const exit = ": return an error; only main exits"
	cases := []struct {
		name, file, text string
		want             []string
	}{
		{"good", "platform/x/a.go", "package x\nimport \"errors\"\nvar ErrA = errors.New(\"a\")\nvar _ error = ErrA\nvar p = regexp.MustCompile(`a`)\n//go:embed a\nvar fs embed.FS\n", nil},
		{"variables", "platform/x/a.go", "package x\nvar a = map[string]int{}\nvar (\n\tb int\n\tErrC error\n)\n", []string{
			"platform/x/a.go:2: package variable a; pass it, or make it a constant or a function",
			"platform/x/a.go:4: package variable b; pass it, or make it a constant or a function",
			"platform/x/a.go:5: package variable ErrC; pass it, or make it a constant or a function",
		}},
		{"init", "platform/x/a.go", "package x\nfunc init() {}\n", []string{"platform/x/a.go:2: init runs for every command; make it in a constructor"}},
		{"a method may be called init", "platform/x/a.go", "package x\ntype T struct{}\nfunc (T) init() {}\n", nil},
		{"exits", "platform/x/a.go", "package x\nfunc f() {\n\tos.Exit(1)\n\tlog.Fatalf(\"\")\n\tklog.Exit()\n}\n", []string{
			"platform/x/a.go:3: os.Exit" + exit, "platform/x/a.go:4: log.Fatalf" + exit, "platform/x/a.go:5: klog.Exit" + exit,
		}},
		{"main exits", "platform/main.go", "package main\nfunc main() { os.Exit(run(context.Background())) }\n", nil},
		{"but not beside main", "platform/other.go", "package main\nfunc f() { os.Exit(1) }\n", []string{"platform/other.go:2: os.Exit" + exit}},
		{"panic", "platform/main.go", "package main\nfunc main() { panic(1) }\n", []string{"platform/main.go:2: panic: return an error"}},
		{"context and sleep", "platform/x/a.go", "package x\nfunc f() {\n\tg(context.TODO())\n\ttime.Sleep(1)\n}\n", []string{
			"platform/x/a.go:3: context.TODO: take the context as the first parameter", "platform/x/a.go:4: time.Sleep: wait with a timer and the context",
		}},
		{"a package for tests", "platform/x/xtest/a.go", "package xtest\nimport \"testing\"\nfunc f() { g(context.Background()) }\n", nil},
		{"long function", "platform/x/a.go", "package x\nfunc f() {" + strings.Repeat("\n", maxFuncLines) + "}\n", []string{"platform/x/a.go:2: f has 61 lines; a function may have 60"}},
		{"function of 60 lines", "platform/x/a.go", "package x\nfunc f() {" + strings.Repeat("\n", maxFuncLines-1) + "}\n", nil},
		{"long file", "platform/x/a_test.go", "package x\n" + strings.Repeat("\n", maxFileLines), []string{"platform/x/a_test.go:501: the file is longer than 500 lines"}},
		{"file of 500 lines", "platform/x/a.go", "package x\n" + strings.Repeat("\n", maxFileLines-1), nil},
		{"skips", "platform/x/a_test.go", "package x\nfunc f() {\n\tt.Skip()\n\tt.Skipf(\"\")\n\td.Skipper()\n\tpanic(1)\n}\n", []string{
			"platform/x/a_test.go:3: t.Skip: a test runs everywhere, or is a target of its own",
			"platform/x/a_test.go:4: t.Skipf: a test runs everywhere, or is a target of its own",
		}},
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, checkFile(parseSource(t, c.file, c.text))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestPackagesAreDocumented asks of every package what it is for, and of the
// engine's what it never does.
func TestPackagesAreDocumented(t *testing.T) {
	t.Parallel()
	docs, first := map[string]string{}, map[string]string{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		if first[s.dir()] == "" {
			first[s.dir()] = s.at(s.file.Package)
		}
		docs[s.dir()] += s.file.Doc.Text()
	}
	var complaints []string
	for dir, at := range first {
		if why := checkDoc(dir, docs[dir]); why != "" {
			complaints = append(complaints, at+": "+why)
		}
	}
	report(t, complaints)
}

func checkDoc(dir, doc string) string {
	engine := strings.HasPrefix(dir, "platform/")
	switch {
	case !strings.HasPrefix(doc, "Package ") && !strings.HasPrefix(doc, "Command "):
		return "the package has no comment"
	case engine && !regexp.MustCompile(`\b(never|not|no|nothing|only)\b`).MatchString(doc):
		return "the package's comment does not say what it never does"
	}
	return ""
}

func TestDocComplains(t *testing.T) {
	t.Parallel()
	cases := []struct{ dir, doc, want string }{
		{"platform/x", "", "the package has no comment"},
		{"platform/x", "Package x adds.\n", "the package's comment does not say what it never does"},
		{"platform/x", "Package x adds.\nIt never divides.\n", ""},
		{"tools/x", "Command x adds.\n", ""},
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, checkDoc(c.dir, c.doc)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.doc, diff)
		}
	}
}

// baseline is the part of components/baseline.yaml that these tests need.
type baseline struct {
	Spec struct {
		Kubernetes string `json:"kubernetes"`
		Versions   map[string]struct {
			Declared  string `json:"declared"`
			Exercised string `json:"exercised"`
		} `json:"versions"`
	} `json:"spec"`
}

func readBaseline(t *testing.T) baseline {
	t.Helper()
	var b baseline
	if err := yaml.Unmarshal(readFile(t, "components/baseline.yaml"), &b); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(b.Spec.Kubernetes, "v1.") {
		t.Fatalf("the baseline's Kubernetes version is %q", b.Spec.Kubernetes)
	}
	return b
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// versions are what only the baseline may name: the minor version of
// Kubernetes, and the stack's versions of three numbers.
func (b baseline) versions() []string {
	minor := b.Spec.Kubernetes[1:strings.LastIndex(b.Spec.Kubernetes, ".")]
	out := []string{minor}
	for _, v := range b.Spec.Versions {
		for _, version := range []string{v.Declared, v.Exercised} {
			if strings.Count(version, ".") == 2 && !strings.HasPrefix(version, minor+".") {
				out = append(out, version)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// versionPattern finds any of the versions where no longer number holds them.
func versionPattern(versions []string) *regexp.Regexp {
	quoted := make([]string, len(versions))
	for i, v := range versions {
		quoted[i] = regexp.QuoteMeta(v)
	}
	return regexp.MustCompile(`(?:^|[^0-9.])(` + strings.Join(quoted, "|") + `)(?:$|[^0-9])`)
}

// TestVersionsStandInTheBaseline looks for the stack's versions in every file
// that is not the baseline, a module file, documentation, or generated.
func TestVersionsStandInTheBaseline(t *testing.T) {
	t.Parallel()
	pattern := versionPattern(readBaseline(t).versions())
	names := files(t, mayNameNoVersion)
	if len(names) < 50 {
		t.Fatalf("looked at only %d files", len(names))
	}
	var complaints []string
	for _, name := range names {
		complaints = append(complaints, grep(name, readFile(t, name), pattern, "stands in components/baseline.yaml alone")...)
	}
	report(t, complaints)
}

func mayNameNoVersion(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	switch {
	case !slices.Contains(strings.Fields("platform components policies clusters tests tools"), first),
		!slices.Contains(strings.Fields(".go .rego .yaml .yml .tpl .json .sh .txtar .txt .toml"), path.Ext(name)),
		name == "components/baseline.yaml",
		name == "tools/modules.txtar",                                          // generated, of module files
		strings.HasPrefix(name, "platform/schema/") && path.Ext(name) != ".go": // generated from Kubernetes' own documents
		return false
	}
	return true
}

// grep gives one complaint for each line in which a pattern stands.
func grep(name string, text []byte, pattern *regexp.Regexp, why string) []string {
	var out []string
	for i, line := range bytes.Split(text, []byte("\n")) {
		if m := pattern.FindSubmatch(line); m != nil {
			out = append(out, fmt.Sprintf("%s:%d: %s %s", name, i+1, m[len(m)-1], why))
		}
	}
	return out
}

func TestVersionPattern(t *testing.T) {
	t.Parallel()
	pattern := versionPattern([]string{"1.99", "7.8.99"})
	cases := []struct {
		text string
		want bool
	}{
		{"kube v1.99.4", true}, {"1.99", true}, {"(1.99)", true}, {"image:7.8.99-alpine", true},
		{"11.99", false}, {"0.1.99", false}, {"1.990", false}, {"7.8.9", false}, {"1x99", false},
	}
	for _, c := range cases {
		if got := grep("f", []byte(c.text), pattern, "") != nil; got != c.want {
			t.Errorf("%q: found = %v", c.text, got)
		}
	}
}

// TestModulesKeepTheBaseline compares the modules that programs are built from
// with the versions that the baseline says were exercised.
func TestModulesKeepTheBaseline(t *testing.T) {
	t.Parallel()
	b := readBaseline(t)
	exercised := func(name string) string { return "v" + b.Spec.Versions[name].Exercised }
	staging := "v0" + strings.TrimPrefix(b.Spec.Kubernetes, "v1")
	cases := []struct{ file, module, want string }{
		{"tools/controlplane/go.mod", "k8s.io/kubernetes", b.Spec.Kubernetes},
		{"tools/controlplane/go.mod", "k8s.io/api", staging},
		{"tools/controlplane/go.mod", "k8s.io/apiserver", staging},
		{"tools/controlplane/go.mod", "k8s.io/kubectl", staging},
		{"tools/etcd/go.mod", "go.etcd.io/etcd/server/v3", exercised("etcd")},
		{"tools/etcd35/go.mod", "go.etcd.io/etcd/server/v3", exercised("etcd35")},
		{"tools/etcdops/go.mod", "go.etcd.io/etcd/client/v3", exercised("etcd")},
		{"tools/cilium/go.mod", "github.com/cilium/cilium", "v" + b.Spec.Versions["cilium"].Declared},
		{"tools/otelcol/go.mod", "go.opentelemetry.io/collector/otelcol", exercised("otel")},
		{"tools/jaeger/go.mod", "github.com/jaegertracing/jaeger", exercised("jaeger")},
		{"tools/prometheus/go.mod", "github.com/prometheus/prometheus", "v0" + strings.TrimPrefix(b.Spec.Versions["prometheus"].Declared, "2")},
		{"tools/alertmanager/go.mod", "github.com/prometheus/alertmanager", exercised("alertmanager")},
		{"tools/envoy/go.mod", "github.com/envoyproxy/go-control-plane", exercised("envoy-go-control-plane")},
		{"tools/dashboards/go.mod", "github.com/grafana/grafana-foundation-sdk/go", exercised("grafana-foundation-sdk")},
		{"tools/dashboards/go.mod", "github.com/prometheus/prometheus", "v0" + strings.TrimPrefix(b.Spec.Versions["prometheus"].Declared, "2")},
		{"tools/kwok/go.mod", "sigs.k8s.io/kwok", exercised("kwok")},
		{"go.mod", "helm.sh/helm/v3", exercised("helm")},
		{"go.mod", "sigs.k8s.io/kustomize/api", exercised("kustomize")},
	}
	for _, c := range cases {
		at, got := moduleVersion(string(readFile(t, c.file)), c.module)
		if got != c.want {
			t.Errorf("%s:%d: %s is %q, in the baseline %q", c.file, at, c.module, got, c.want)
		}
	}
}

// moduleVersion is the line and version of a module in a go.mod; a replacement
// wins.
func moduleVersion(text, module string) (line int, version string) {
	for i, l := range strings.Split(text, "\n") {
		fields := strings.Fields(strings.TrimPrefix(l, "require "))
		switch {
		case len(fields) >= 4 && fields[0] == module && fields[1] == "=>":
			return i + 1, fields[3]
		case len(fields) >= 2 && fields[0] == module && fields[1] != "=>" && version == "":
			line, version = i+1, fields[1]
		}
	}
	return line, version
}

func TestModuleVersion(t *testing.T) {
	t.Parallel()
	const text = "module m\nrequire a v1\nrequire (\n\tb v2 // indirect\n\tc v3\n)\nreplace (\n\tc => c v4\n)\n"
	cases := []struct{ module, want string }{{"a", "2 v1"}, {"b", "4 v2"}, {"c", "8 v4"}, {"d", "0 "}}
	for _, c := range cases {
		line, version := moduleVersion(text, c.module)
		if diff := cmp.Diff(c.want, strconv.Itoa(line)+" "+version); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.module, diff)
		}
	}
}

func TestReadmeNamesTheVersion(t *testing.T) {
	t.Parallel()
	version := readBaseline(t).Spec.Kubernetes
	if !bytes.Contains(readFile(t, "README.md"), []byte(strings.TrimPrefix(version, "v"))) {
		t.Errorf("README.md:1: does not name the baseline's version %s", version)
	}
}

// TestNothingPointsOutside looks in every file for places that a clone does not
// have, for hosts that only a build's own set-up may name, and for promises.
func TestNothingPointsOutside(t *testing.T) {
	t.Parallel()
	pattern := outsidePattern()
	var complaints []string
	for _, name := range files(t, func(name string) bool { return !strings.HasPrefix(path.Base(name), "go.") }) {
		text := readFile(t, name)
		if bytes.IndexByte(text, 0) >= 0 || name == "platform/house_test.go" {
			continue // not a text, or this list itself
		}
		complaints = append(complaints, grep(name, text, pattern, "does not belong into the repository")...)
	}
	report(t, complaints)
}

func outsidePattern() *regexp.Regexp {
	// Written so that it does not find itself.
	return regexp.MustCompile(`([.][.]/shared|/wor[k]/|(?:prox[y]|su[m])[.]golang[.]org|registry[.]npmj[s][.]org|(?:files[.])?pyp[i](?:thonhosted)?[.]org|` +
		`de[b][.]debian[.]org|archive[.]ubunt[u][.]com|static[.]crate[s][.]io|(?:^|[^.\w])(?:TOD[O]|FIXM[E])\b)`)
}

func TestOutsidePattern(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"see .." + "/shared/x": true, "cd /wor" + "k/main": true, "GOPROXY=https://prox" + "y.golang.org": true, "// TOD" + "O: later": true,
		"/workspace": false, "shared": false, "golang.org/x": false, "TODOS": false, "context.TODO()": false,
	} {
		if got := outsidePattern().MatchString(text); got != want {
			t.Errorf("%q: found = %v", text, got)
		}
	}
}
