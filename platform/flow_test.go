package main_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const modulePath = "dualtrack.internal"

// flow is the order in which data passes through the packages of platform/: one
// imports only what stands before it.
func flow() []string {
	return strings.Fields("finding memo catalog source render plain adopt schema policy change tool experiment etcdbench tune silence validate preflight nodeimage cluster apply track converge fleet publish report comment serve cli main")
}

// source is one Go file of the repository, parsed with comments.
type source struct {
	path string // from the root, with slashes
	fset *token.FileSet
	file *ast.File
	test bool
}

// at gives "file:line" of a node.
func (s source) at(pos token.Pos) string {
	return s.path + ":" + strconv.Itoa(s.fset.Position(pos).Line)
}

// end is a position's line.
func (s source) line(pos token.Pos) int { return s.fset.Position(pos).Line }

// dir is the file's folder.
func (s source) dir() string { return path.Dir(s.path) }

func parseSource(t *testing.T, name, text string) source {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return source{path: name, fset: fset, file: file, test: strings.HasSuffix(name, "_test.go")}
}

// root is the repository's folder.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "components", "baseline.yaml")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no folder above holds components/baseline.yaml")
		}
	}
}

// files lists the repository's files, from the root, with slashes. Folders with
// a leading dot, testdata of Go packages and built programs are left out unless
// asked for.
func files(t *testing.T, keep func(name string) bool) []string {
	t.Helper()
	var out []string
	err := fs.WalkDir(os.DirFS(root(t)), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (name == "bin" || name == "dist" || name == ".git" || name == "node_modules"):
			return fs.SkipDir
		case entry.Type().IsRegular() && keep(name):
			out = append(out, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// sources parses every Go file that people wrote.
func sources(t *testing.T) []source {
	t.Helper()
	names := files(t, func(name string) bool {
		return path.Ext(name) == ".go" && !strings.Contains("/"+name, "/testdata/") && !strings.HasPrefix(name, ".")
	})
	var out []source
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		if s := parseSource(t, name, string(text)); !ast.IsGenerated(s.file) {
			out = append(out, s)
		}
	}
	if len(out) < 20 {
		t.Fatalf("found only %d Go files below %s", len(out), root(t))
	}
	return out
}

// report fails with one line a complaint.
func report(t *testing.T, complaints []string) {
	t.Helper()
	slices.Sort(complaints)
	for _, c := range slices.Compact(complaints) {
		t.Error(c)
	}
}

func TestDataFlowsOneWay(t *testing.T) {
	t.Parallel()
	var complaints []string
	for _, s := range sources(t) {
		complaints = append(complaints, checkFlow(s)...)
	}
	report(t, complaints)
}

// checkFlow says which imports of a file go against the flow, and whether its
// package has a place in it.
func checkFlow(s source) []string {
	var out []string
	if why := misplaced(s.dir()); why != "" {
		return []string{s.at(s.file.Package) + ": " + why}
	}
	for _, spec := range s.file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			out = append(out, s.at(spec.Pos())+": "+err.Error())
			continue
		}
		if to, ours := strings.CutPrefix(name, modulePath+"/"); ours {
			if why := forbidden(s.dir(), to, s.test); why != "" {
				out = append(out, fmt.Sprintf("%s: %s imports %s: %s", s.at(spec.Pos()), s.dir(), to, why))
			}
		} else if (s.dir() == "policies" || s.dir() == "components") && strings.Contains(name, ".") && !s.test {
			out = append(out, fmt.Sprintf("%s: %s imports %s: it only embeds files", s.at(spec.Pos()), s.dir(), name))
		}
	}
	return out
}

// misplaced says why a folder may not hold Go files, "" when it may.
func misplaced(dir string) string {
	for _, part := range strings.Split(dir, "/") {
		if slices.Contains([]string{"util", "utils", "common", "helpers", "misc", "shared"}, part) {
			return "the package name " + part + " says nothing"
		}
	}
	switch first, _, _ := strings.Cut(dir, "/"); first {
	case "platform":
		if !slices.Contains(flow(), stage(dir)) {
			return "package " + dir + " has no place in the flow"
		}
		return ""
	case "policies", "tools", "tests":
		return ""
	case "components":
		if dir == first {
			return "" // which embeds the stack
		}
	}
	return "folder " + dir + " holds no Go files by design"
}

// stage is the part of the flow that a folder below platform/ belongs to.
func stage(dir string) string {
	if dir == "platform" {
		return "main"
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(dir, "platform/"), "/")
	return first
}

// forbidden says why one folder may not import another, "" when it may.
func forbidden(from, to string, test bool) string {
	fromTop, _, _ := strings.Cut(from, "/")
	toTop, _, _ := strings.Cut(to, "/")
	switch {
	case fromTop == "tests" || from == to:
		return ""
	case fromTop == "tools" && toTop == "tools":
		return ""
	case slices.Contains([]string{"tools", "policies", "components"}, fromTop):
		return "it stands outside the flow"
	case toTop == "policies":
		return before("policy", stage(from), "the rules are judged by policy and later")
	case to == "components" || to == "tools":
		return before("cli", stage(from), "what a program carries is handed over by cli")
	case toTop != "platform":
		return "it is no part of the engine"
	}
	a, b := stage(from), stage(to)
	if a == b {
		return siblings(from, to, test)
	}
	if why := branches(a, b); why != "" {
		return why
	}
	return before(b, a, "it stands after it in the flow")
}

// before says why unless a stands before b, or is it.
func before(a, b, why string) string {
	if slices.Index(flow(), a) > slices.Index(flow(), b) {
		return why
	}
	return ""
}

// branches keeps change, and the branch from tool to publish, apart.
func branches(a, b string) string {
	below := strings.Fields("tool nodeimage cluster apply track converge fleet publish")
	if (a == "change" && slices.Contains(below, b)) || (b == "change" && slices.Contains(below, a)) {
		return "change and the branch that runs clusters do not see each other"
	}
	return ""
}

// siblings holds the borders inside one part of the flow.
func siblings(from, to string, test bool) string {
	drivers := map[string][]string{
		"platform/track":   {"platform/track/flux", "platform/track/argo"},
		"platform/cluster": {"platform/cluster/embedded", "platform/cluster/kind", "platform/cluster/existing"},
	}
	for core, members := range drivers {
		switch {
		case !slices.Contains(members, to):
		case from == core && !test:
			return "a core does not know its drivers"
		case slices.Contains(members, from) && from != to:
			return "two drivers of one core do not see each other"
		}
	}
	return ""
}

// TestFlowComplains shows that the check can fail.
func TestFlowComplains(t *testing.T) {
	t.Parallel()
	cases := []struct{ from, to, want string }{
		{"platform/render", "platform/catalog", ""},
		{"platform/catalog", "platform/render", "it stands after it in the flow"},
		{"platform/cli", "platform", "it stands after it in the flow"},
		{"platform", "platform/cli", ""},
		{"platform/track/flux", "platform/track", ""},
		{"platform/track/flux", "platform/track/argo", "two drivers of one core do not see each other"},
		{"platform/track", "platform/track/argo", "a core does not know its drivers"},
		{"platform/cluster", "platform/cluster/embedded", "a core does not know its drivers"},
		{"platform/converge", "platform/track/argo", ""},
		{"platform/change", "platform/policy", ""},
		{"platform/change", "platform/apply", "change and the branch that runs clusters do not see each other"},
		{"platform/fleet", "platform/change", "change and the branch that runs clusters do not see each other"},
		{"platform/report", "platform/change", ""},
		{"platform/policy", "policies", ""},
		{"platform/schema", "policies", "the rules are judged by policy and later"},
		{"policies", "platform/finding", "it stands outside the flow"},
		{"tools/etcd", "platform/finding", "it stands outside the flow"},
		{"tools/archive", "tools", ""},
		{"components", "platform/finding", "it stands outside the flow"},
		{"platform/cli", "components", ""},
		{"platform/cli", "tools", ""},
		{"platform/catalog", "components", "what a program carries is handed over by cli"},
		{"platform/cli", "tools/archive", "it is no part of the engine"},
		{"platform/cli", "tests/bench", "it is no part of the engine"},
		{"tests/parity", "platform/cli", ""},
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, forbidden(c.from, c.to, false)); diff != "" {
			t.Errorf("%s imports %s (-want +got):\n%s", c.from, c.to, diff)
		}
	}
	places := []struct{ dir, want string }{
		{"platform/track/flux", ""},
		{"platform/magic", "package platform/magic has no place in the flow"},
		{"platform/render/util", "the package name util says nothing"},
		{"components", ""},
		{"components/base", "folder components/base holds no Go files by design"},
	}
	for _, c := range places {
		if diff := cmp.Diff(c.want, misplaced(c.dir)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.dir, diff)
		}
	}
	bad := parseSource(t, "platform/catalog/x.go", "package catalog\n\nimport _ \"dualtrack.internal/platform/cli\"\n")
	want := []string{"platform/catalog/x.go:3: platform/catalog imports platform/cli: it stands after it in the flow"}
	if diff := cmp.Diff(want, checkFlow(bad)); diff != "" {
		t.Errorf("a file against the flow (-want +got):\n%s", diff)
	}
}
