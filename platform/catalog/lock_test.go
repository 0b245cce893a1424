package catalog_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/tools/txtar"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// distributed splits the good tree: components and baseline become a
// distribution, the rest stays in the folder.
func distributed(t *testing.T, over ...txtar.File) (dir string, base *catalog.Base) {
	t.Helper()
	good, err := txtar.ParseFile(filepath.Join("testdata", "good.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	dir, files := t.TempDir(), map[string][]byte{}
	for _, f := range append(good.Files, over...) {
		if inner, ok := strings.CutPrefix(f.Name, "base/"); ok || strings.HasPrefix(f.Name, "components/") {
			name := f.Name
			if ok {
				name = inner
			}
			files[name] = []byte(strings.Replace(string(f.Data), "  kubernetes: v", "  distribution: 0.9.0\n  kubernetes: v", 1))
			continue
		}
		write(t, dir, strings.TrimPrefix(f.Name, "own/"), f.Data)
	}
	base, err = catalog.NewBase(files)
	if err != nil {
		t.Fatal(err)
	}
	return dir, base
}

func TestLoadOver(t *testing.T) {
	t.Parallel()
	dir, base := distributed(t)
	if diff := cmp.Diff("0.9.0", base.Version); diff != "" {
		t.Errorf("version (-want +got):\n%s", diff)
	}
	cat, err := catalog.LoadOver(dir, base)
	if err != nil {
		t.Fatal(err)
	}
	whole := load(t, lay(t))
	for name, c := range whole.Components {
		over := cat.Components[name]
		if over == nil {
			t.Fatalf("no component %s", name)
		}
		if diff := cmp.Diff("distribution/"+c.Dir, over.Dir); diff != "" {
			t.Errorf("%s: folder (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff("distribution/"+c.At("spec.source").String(), over.At("spec.source").String()); diff != "" {
			t.Errorf("%s: position (-want +got):\n%s", name, diff)
		}
	}
	if diff := cmp.Diff("distribution/components/baseline.yaml", cat.Baseline.File); diff != "" {
		t.Errorf("baseline (-want +got):\n%s", diff)
	}
	if _, err := catalog.Load(dir); err == nil {
		t.Error("a tree without components loads without a distribution")
	}
}

// TestOwnWins: what the repository holds stands before the distribution's, as a
// whole, even when it is broken.
func TestOwnWins(t *testing.T) {
	t.Parallel()
	dir, base := distributed(t, txtar.File{Name: "base/components/extra/component.yaml", Data: []byte("nonsense\n")})
	names, err := catalog.LoadOver(dir, base)
	if diff := cmp.Diff("distribution/components/extra/component.yaml:1:1: expected a mapping, got string \"nonsense\"; write apiVersion, kind, metadata and spec", errText(err)); diff != "" {
		t.Errorf("a broken distribution (-want +got):\n%s\n%v", diff, names)
	}
	write(t, dir, "components/extra/component.yaml", []byte("own nonsense\n"))
	_, err = catalog.LoadOver(dir, base)
	if diff := cmp.Diff("components/extra/component.yaml:1:1: expected a mapping, got string \"own nonsense\"; write apiVersion, kind, metadata and spec", errText(err)); diff != "" {
		t.Errorf("a broken own component (-want +got):\n%s", diff)
	}
	if err := os.RemoveAll(filepath.Join(dir, "components")); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "components/extra", []byte("a file\n"))
	_, err = catalog.LoadOver(dir, base)
	if want := "components/extra: is no folder, and the distribution has a component of that name; put the component's folder here, or remove it"; !strings.Contains(errText(err), want) {
		t.Errorf("a file instead of a folder: %v, want %s", err, want)
	}
}

func TestTreeOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "components/a/own.txt", []byte("own\n"))
	tree, err := catalog.OpenTreeOver(dir, &catalog.Base{Files: map[string][]byte{
		"components/a/x.yaml": []byte("a: 1\n"), "components/a/.hidden": nil, "components/a/deep/y": []byte("y\n"),
		"components/b/tab.yaml": []byte("\ta: 1\n"), "components/.c/x": nil, "components/long": make([]byte, 1<<20+1),
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tree.Close() })
	files, err := tree.Files("distribution/components/a")
	if diff := cmp.Diff([]string{"distribution/components/a/deep/y", "distribution/components/a/x.yaml"}, files); diff != "" || err != nil {
		t.Errorf("files: %v (-want +got):\n%s", err, diff)
	}
	dirs, err := tree.Dirs("distribution/components")
	if diff := cmp.Diff([]string{"a", "b"}, dirs); diff != "" || err != nil {
		t.Errorf("folders: %v (-want +got):\n%s", err, diff)
	}
	for name, want := range map[string]string{
		"distribution/components/a/x.yaml":        "",
		"components/a/own.txt":                    "",
		"distribution/components/a":               "distribution/components/a: is a folder; put a file here",
		"distribution/components/a/own.txt":       "distribution/components/a/own.txt: does not exist; add it",
		"distribution/components/b/tab.yaml":      "distribution/components/b/tab.yaml:1:1: begins with a tab; indent with spaces",
		"distribution/components/long":            "distribution/components/long: is 1048577 bytes long; a file may have 1048576; split it",
		"distribution/../components/a/own.txt":    "distribution/../components/a/own.txt: does not exist; add it",
		"distribution/components/a/../a/x.yaml":   "distribution/components/a/../a/x.yaml: does not exist; add it",
		"distribution/../../../../../etc/hosts":   "distribution/../../../../../etc/hosts: does not exist; add it",
		"distribution//components/a/x.yaml":       "distribution//components/a/x.yaml: does not exist; add it",
		"components/a/../../../../../etc/hosts":   "components/a/../../../../../etc/hosts: is no path within the repository; write a relative path with forward slashes and without ..",
		"distribution/components/nobody/x.yaml":   "distribution/components/nobody/x.yaml: does not exist; add it",
		"distribution/components/a/deep/y/z.yaml": "distribution/components/a/deep/y/z.yaml: does not exist; add it",
	} {
		_, err := tree.Read(name)
		if diff := cmp.Diff(want, errText(err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if !tree.IsDir("distribution/components/a/deep") || tree.IsDir("distribution/components/a/x.yaml") || !tree.IsFile("distribution/components/a/x.yaml") {
		t.Error("files and folders are confused")
	}
}

const lockText = `apiVersion: platform.dualtrack.internal/v1alpha1
kind: Lock
metadata: {name: platform}
spec:
  distribution:
    version: 0.9.0
    digest: sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
`

func TestReadLock(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, old, new, want string }{
		{"good", "", "", ""},
		{"misspelt", "digest:", "digst:", "platform.lock:5:3: spec.distribution.digest: is missing; add it\n" +
			"platform.lock:7:5: spec.distribution.digst: unknown field; did you mean digest?"},
		{"short digest", "b855", "b85", `platform.lock:7:13: spec.distribution.digest: "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85" does not match ^sha256:[0-9a-f]{64}$; write it like sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855`},
		{"other kind", "kind: Lock", "kind: Fleet", "platform.lock:2:7: kind: expected Lock, got string \"Fleet\"; write Lock"},
		{"conflict", "    version", "<<<<<<< ours\n    version", "platform.lock:6: is no YAML: could not find expected ':'; mend the quotes, brackets or indentation here or just above"},
		{"empty", lockText, "", "platform.lock: is empty; write one YAML document"},
	}
	for _, c := range cases {
		dir := t.TempDir()
		write(t, dir, "platform.lock", []byte(strings.Replace(lockText, c.old, c.new, 1)))
		lock, err := catalog.ReadLock(dir)
		if diff := cmp.Diff(c.want, errText(err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		if c.want == "" && (lock == nil || lock.Spec.Distribution.Version != "0.9.0") {
			t.Errorf("%s: %+v", c.name, lock)
		}
	}
	if lock, err := catalog.ReadLock(t.TempDir()); lock != nil || err != nil {
		t.Errorf("no lock gives %v, %v", lock, err)
	}
	dir := t.TempDir()
	if err := os.Symlink("nowhere", filepath.Join(dir, "platform.lock")); err != nil {
		t.Fatal(err)
	}
	if _, err := catalog.ReadLock(dir); errText(err) != "platform.lock: is a link to nothing; mend or remove the link" {
		t.Errorf("a link to nothing: %v", err)
	}
}

func TestLockNames(t *testing.T) {
	t.Parallel()
	lock, err := catalog.ParseLock([]byte(lockText))
	if err != nil {
		t.Fatal(err)
	}
	mine, other := lock.Spec.Distribution.Digest, "sha256:"+strings.Repeat("0", 64)
	cases := []struct {
		name, version, digest, want string
		other                       bool
	}{
		{"the same", "0.9.0", mine, "", false},
		{"newer program", "0.10.0", other, "platform.lock:7:13: spec.distribution: names distribution 0.9.0 (sha256:e3b0c44298fc), and this program carries 0.10.0 (sha256:000000000000); run `p upgrade`, or use the program of distribution 0.9.0", true},
		{"changed without a new version", "0.9.0", other, "platform.lock:7:13: spec.distribution: names distribution 0.9.0 (sha256:e3b0c44298fc), and this program carries 0.9.0 (sha256:000000000000); run `p upgrade`, or use the program of distribution 0.9.0", true},
		{"older program", "0.8.12", other, "platform.lock:7:13: spec.distribution: names distribution 0.9.0 (sha256:e3b0c44298fc), and this program carries 0.8.12 (sha256:000000000000); use the program of distribution 0.9.0", true},
		{"version by hand", "0.9.1", mine, "platform.lock:6:14: spec.distribution.version: is 0.9.0, and the digest is that of 0.9.1; write 0.9.1", false},
	}
	for _, c := range cases {
		err := lock.Names(&catalog.Base{Version: c.version, Digest: c.digest}, "p")
		if diff := cmp.Diff(c.want, errText(err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		if errors.Is(err, catalog.ErrOtherDistribution) != c.other {
			t.Errorf("%s: ErrOtherDistribution is %v", c.name, !c.other)
		}
		if found, _ := finding.Gather(err); (len(found) == 1) != (c.want != "") {
			t.Errorf("%s: %d problems", c.name, len(found))
		}
	}
}

func TestWriteLock(t *testing.T) {
	t.Parallel()
	want := catalog.LockedDistribution{Version: "1.2.3", Digest: "sha256:" + strings.Repeat("ab", 32)}
	lock, err := catalog.ParseLock(want.Write())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, lock.Spec.Distribution); diff != "" {
		t.Errorf("read again (-want +got):\n%s", diff)
	}
}

// TestDigest: every path and every byte counts, and where one file ends.
func TestDigest(t *testing.T) {
	t.Parallel()
	_, base := distributed(t)
	seen := map[string]string{base.Digest: "itself"}
	for name, change := range map[string]map[string]string{
		"a file more":    {"components/x/a": "bc"},
		"another border": {"components/x/ab": "c"},
		"another byte":   {"components/x/a": "bd"},
		"an empty file":  {"components/x/abc": ""},
	} {
		files := map[string][]byte{}
		for n, data := range base.Files {
			files[n] = data
		}
		for n, text := range change {
			files[n] = []byte(text)
		}
		got, err := catalog.NewBase(files)
		if err != nil {
			t.Fatal(err)
		}
		if other, twice := seen[got.Digest]; twice {
			t.Errorf("%s has the digest of %s", name, other)
		}
		seen[got.Digest] = name
	}
	files := map[string][]byte{}
	if _, err := catalog.NewBase(files); errText(err) != "the distribution holds no components/baseline.yaml" {
		t.Errorf("nothing: %v", err)
	}
	files["components/baseline.yaml"] = []byte("apiVersion: platform.dualtrack.internal/v1alpha1\nkind: Baseline\nmetadata: {name: b}\nspec: {kubernetes: v1.99.0}\n")
	if _, err := catalog.NewBase(files); errText(err) != "distribution/components/baseline.yaml: spec.distribution is missing" {
		t.Errorf("no version: %v", err)
	}
}

// TestWriteLockedSources: a lock with sources is read as it was written, and
// written the same again, to the byte.
func TestWriteLockedSources(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("ab", 32)
	want := catalog.LockSpec{
		Distribution: catalog.LockedDistribution{Version: "1.2.3", Digest: digest},
		Sources: map[string]catalog.LockedSource{
			"web": {Wants: "git+https://git.example.com/web@branch/main//deploy", Version: "branch/main", URL: "https://git.example.com/web",
				Revision: strings.Repeat("1", 40), Format: "files", Digest: digest, Size: 12},
			"app": {Wants: "helm+https://charts.example.com/app@~1.2 || 1.3 # x: y", Version: "1.20", URL: "https://charts.example.com/app.tgz?a=b",
				Format: "chart", Digest: digest, Size: 7},
			"null": {Wants: "oci://r.example.com/x:1e3", Version: "1e3", URL: "oci://r.example.com/x", Revision: digest, Format: "chart", Digest: digest, Size: 1},
		},
	}
	for _, spec := range []catalog.LockSpec{want, {Sources: want.Sources}, {Distribution: want.Distribution}, {}} {
		lock, err := catalog.ParseLock(spec.Write())
		if err != nil {
			t.Fatalf("%v\n%s", err, spec.Write())
		}
		if got := lock.Spec.Write(); string(got) != string(spec.Write()) {
			t.Errorf("written again:\n%s\nwant\n%s", got, spec.Write())
		}
		for name, pin := range lock.Spec.Sources {
			if pin.Position.Line == 0 {
				t.Errorf("%s stands nowhere", name)
			}
			pin.Position = finding.Position{}
			lock.Spec.Sources[name] = pin
		}
		if diff := cmp.Diff(spec, lock.Spec, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("read again (-want +got):\n%s", diff)
		}
		if lock.OverDistribution() != (spec.Distribution.Digest != "") {
			t.Errorf("stands on a distribution: %v", lock.OverDistribution())
		}
	}
}
