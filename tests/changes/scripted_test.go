package changes

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/change"
	"dualtrack.internal/platform/cluster/clustertest"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/policy"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/policies"
)

var update = flag.Bool("update", false, "rewrite the verdicts")

// TestScripted judges pull requests: each a patch of one small fleet, with what the
// check is to say of it.
func TestScripted(t *testing.T) {
	t.Parallel()
	engine, err := policy.Compile(t.Context(), policies.FS)
	if err != nil {
		t.Fatal(err)
	}
	files := readTree(t, filepath.Join("testdata", "base.txtar"))
	base, err := side(t, files)
	if err != nil {
		t.Fatal(err)
	}
	requests, err := filepath.Glob(filepath.Join("testdata", "requests", "*.txtar"))
	if err != nil || len(requests) < 35 {
		t.Fatalf("%d pull requests, %v", len(requests), err)
	}
	for _, file := range requests {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			files, base := files, base
			if i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "base" }); i >= 0 {
				files = maps.Clone(files)
				patch(t, files, string(archive.Files[i].Data))
				if base, err = side(t, files); err != nil {
					t.Fatal(err)
				}
			}
			head := maps.Clone(files)
			at, evidence := len(archive.Files), ""
			for i, f := range archive.Files {
				switch f.Name {
				case "base": // a patch of the base itself
				case "patch":
					patch(t, head, string(f.Data))
				case "evidence": // handed over, no part of either tree
					evidence = string(f.Data)
				case "verdict":
					at = i
				default:
					head[f.Name] = &fstest.MapFile{Data: f.Data}
				}
			}
			got := verdict(t, engine, tree{files, base}, head, string(archive.Comment), evidence)
			if at == len(archive.Files) {
				archive.Files = append(archive.Files, txtar.File{Name: "verdict"})
			}
			if *update {
				archive.Files[at].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(archive.Files[at].Data), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", strings.TrimSpace(string(archive.Comment)), diff)
			}
			if strings.HasPrefix(filepath.Base(file), "refactor-") && got != unchanged {
				t.Errorf("a refactoring changes something:\n%s", got)
			}
		})
	}
}

const unchanged = "no change\n"

// TestScriptedMeetAll holds that every effect and every rule occurs in a verdict.
func TestScriptedMeetAll(t *testing.T) {
	t.Parallel()
	var all bytes.Buffer
	requests, err := filepath.Glob(filepath.Join("testdata", "requests", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range requests {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if f.Name == "verdict" {
				all.WriteString("\n" + string(f.Data))
			}
		}
	}
	engine, err := policy.Compile(t.Context(), policies.FS)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, r := range engine.Rules() {
		if strings.HasPrefix(r.ID, "DT-CHG-") || strings.HasPrefix(r.ID, "DT-FLT-") {
			want = append(want, " "+r.ID+" ")
		}
	}
	for _, e := range []change.Effect{change.Restarts, change.Refused, change.LosesData, change.Image, change.Scales, change.Stops, change.Replaced,
		change.TakesOver, change.NotTaken, change.Narrows, change.Widens, change.Opens, change.Closes, change.NotComputed, change.Blocks, change.Cuts,
		change.Requests, change.DoesNotFit, change.ControlPlane, change.Recreates, change.Weakens, change.Placeholder, change.Order} {
		want = append(want, "\n  "+string(e)+": ")
	}
	for _, a := range []change.Action{change.Added, change.Changed, change.Removed, change.Moved, change.Renamed, change.Affected} {
		want = append(want, "\n"+string(a)+" ")
	}
	for _, w := range want {
		if !bytes.Contains(all.Bytes(), []byte(w)) {
			t.Errorf("no pull request has %q", w)
		}
	}
}

// readTree reads an archive as a repository's files.
func readTree(t *testing.T, file string) fstest.MapFS {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	version := clustertest.KubernetesVersion(t)
	out := fstest.MapFS{}
	for _, f := range archive.Files {
		out[f.Name] = &fstest.MapFile{Data: bytes.ReplaceAll(f.Data, []byte("KUBERNETES"), []byte(version))}
	}
	return out
}

// patch edits files: "edit FILE", then a block of lines to find, each behind "-",
// and one to put in its place, each behind "+"; "add FILE", "remove FILE",
// "move FILE TO".
// KUBERNETES+2 is the version two minors after the baseline's.
func patch(t *testing.T, files fstest.MapFS, text string) {
	t.Helper()
	var file string
	var from, to []string
	flush := func() {
		if len(from)+len(to) == 0 {
			return
		}
		if len(files[file].Data) == 0 { // a new one
			files[file] = &fstest.MapFile{Data: []byte(strings.Join(to, ""))}
			from, to = nil, nil
			return
		}
		old, was := strings.Join(from, ""), string(files[file].Data)
		if strings.Count(was, old) != 1 {
			t.Fatalf("%s holds %d times:\n%s", file, strings.Count(was, old), old)
		}
		files[file] = &fstest.MapFile{Data: []byte(strings.Replace(was, old, strings.Join(to, ""), 1))}
		from, to = nil, nil
	}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "-"):
			if len(to) > 0 {
				flush()
			}
			from = append(from, later(t, line[1:]))
			continue
		case strings.HasPrefix(line, "+"):
			to = append(to, later(t, line[1:]))
			continue
		}
		flush()
		switch {
		case len(words) == 0:
		case words[0] == "edit" && len(words) == 2 && files[words[1]] != nil:
			file = words[1]
		case words[0] == "add" && len(words) == 2 && files[words[1]] == nil:
			file = words[1]
			files[file] = &fstest.MapFile{}
		case words[0] == "remove" && len(words) == 2 && files[words[1]] != nil:
			delete(files, words[1])
		case words[0] == "move" && len(words) == 3 && files[words[1]] != nil:
			files[words[2]] = files[words[1]]
			delete(files, words[1])
		default:
			t.Fatalf("a patch can't say %q", line)
		}
	}
	flush()
}

// later replaces KUBERNETES, with +1 or +2 behind it for a later minor.
func later(t *testing.T, line string) string {
	t.Helper()
	before, rest, there := strings.Cut(line, "KUBERNETES")
	if !there {
		return line
	}
	version := clustertest.KubernetesVersion(t)
	if more, ok := strings.CutPrefix(rest, "+"); ok {
		parts := strings.Split(version, ".")
		minor, err := strconv.Atoi(parts[1])
		if err != nil {
			t.Fatal(err)
		}
		version = fmt.Sprintf("%s.%d.0", parts[0], minor+int(more[0]-'0'))
		rest = more[1:]
	}
	return before + version + rest
}

// tree is one side, with its files.
type tree struct {
	files fs.FS
	side  change.Side
}

func side(t *testing.T, files fs.FS) (change.Side, error) {
	t.Helper()
	cat, err := catalog.LoadTree(catalog.TreeOf(files, nil))
	if err != nil {
		return change.Side{}, err
	}
	rendered, err := render.All(t.Context(), cat, render.Options{})
	return change.Side{Tree: cat, Rendered: rendered}, err
}

// verdict is what the check says: what differs with what follows, then the findings
// about the change, each with the line that it points to. What other rules say of
// the objects is for their own tests.
func verdict(t *testing.T, engine *policy.Engine, base tree, head fs.FS, comment, evidence string) string {
	t.Helper()
	now := time.Date(2029, 6, 1, 12, 0, 0, 0, time.UTC)
	if strings.Contains(comment, "in a freeze") {
		now = time.Date(2030, 1, 15, 0, 0, 0, 0, time.UTC)
	}
	before := base.side
	after, err := side(t, head)
	if err != nil {
		return problems(t, err)
	}
	judged, err := change.Judge(t.Context(), policy.Judges{Base: engine, Head: engine}, before, after, change.Judging{
		Now: now, Author: "Jo Doe <jo@example.org>", Evidence: witnessed(t, evidence, after.Rendered),
	})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, g := range change.Grouped(judged.Clusters) {
		from := ""
		if g.From != "" {
			from = " from " + g.From
		}
		fmt.Fprintf(&b, "%s %s%s on %s\n", g.Action, g.Object, from, strings.Join(g.Clusters, ", "))
		for _, q := range g.Consequences {
			fmt.Fprintf(&b, "  %s: %s\n", q.Effect, q.Why)
		}
	}
	for _, c := range judged.Clusters {
		if c.Joins || c.Leaves {
			fmt.Fprintf(&b, "%s: joins %v, leaves %v\n", c.Name, c.Joins, c.Leaves)
		}
	}
	for _, f := range append(judged.Findings, rendering(after.Rendered.Findings)...) {
		files := head
		if strings.Contains(b.String(), "removed "+f.Object.String()+" ") {
			files = base.files
		}
		text := line(t, files, f.Position)
		if f.Object.Kind == "Secret" {
			text = "(a Secret's)"
		}
		fmt.Fprintf(&b, "\n%s %s %s %s %s\n    | %s\n", f.Position, f.Class, f.Severity, f.Rule, f.Message, text)
		if slices.ContainsFunc(judged.Lifted, func(l finding.Finding) bool { return l.Fingerprint == f.Fingerprint }) {
			fmt.Fprintf(&b, "    %s\n", f.Mend)
		}
		if f.Mend == "" {
			t.Errorf("%s: no mend", f.Rule)
		}
	}
	if strings.Contains(b.String(), "canary-") {
		t.Error("the value of a Secret is shown")
	}
	if b.Len() == 0 {
		return unchanged
	}
	// Only the baseline names versions of Kubernetes.
	return strings.ReplaceAll(strings.ReplaceAll(b.String(), later(t, "KUBERNETES+2"), "KUBERNETES+2"), clustertest.KubernetesVersion(t), "KUBERNETES")
}

// witnessed is the evidence in a request; "(edge-a)" is the digest of a cluster's bundle.
func witnessed(t *testing.T, text string, rendered *render.Result) *catalog.Evidence {
	t.Helper()
	if text == "" {
		return nil
	}
	for _, b := range rendered.Bundles {
		text = strings.ReplaceAll(text, "("+b.Cluster+")", b.Digest)
	}
	e, err := catalog.ReadEvidence("evidence.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// rendering are the findings of components that did not render.
func rendering(all []finding.Finding) []finding.Finding {
	return slices.DeleteFunc(slices.Clone(all), func(f finding.Finding) bool { return f.Rule != render.Rule })
}

func problems(t *testing.T, err error) string {
	t.Helper()
	found, rest := finding.Gather(err)
	if rest != nil || len(found) == 0 {
		t.Fatal(errors.Join(err, rest))
	}
	var b strings.Builder
	for _, p := range found {
		fmt.Fprintln(&b, p.Error())
	}
	return b.String()
}

// line is the line of the source that a finding points to: it must be there.
func line(t *testing.T, files fs.FS, at finding.Position) string {
	t.Helper()
	data, err := fs.ReadFile(files, at.File)
	if err != nil {
		t.Errorf("a finding points to %s: %v", at, err)
		return ""
	}
	lines := strings.Split(string(data), "\n")
	if at.Line < 1 || at.Line > len(lines) {
		t.Errorf("a finding points to %s, which has %d lines", at, len(lines))
		return ""
	}
	return strings.TrimSpace(lines[at.Line-1])
}
