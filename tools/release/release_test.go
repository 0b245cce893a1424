package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lay writes a module with a program, small enough to build in a test.
func lay(t *testing.T) release {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":                   "module example\n\ngo 1.26\n",
		"platform/main.go":         "package main\n\nvar version string\n\nfunc main() { println(version) }\n",
		"components/baseline.yaml": "spec:\n  distribution: 0.9.1\n",
		"LICENSE":                  "licence\n",
		"README.md":                "read me\n",
		".git/HEAD":                "x\n",
		"bin/platform":             "built\n",
	} {
		write(t, filepath.Join(root, name), text)
	}
	cache, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	return release{GoCache: strings.TrimSpace(string(cache)), Root: root, Out: filepath.Join(t.TempDir(), "dist"), Package: "./platform", Program: "platform",
		Docs: []string{"LICENSE", "README.md"}, Version: "0.9.1", Targets: []target{{runtime.GOOS, runtime.GOARCH}, {"windows", "amd64"}}}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func quiet(string, ...any) {}

func TestRelease(t *testing.T) {
	t.Parallel()
	r := lay(t)
	if err := r.make(t.Context(), nil, quiet); err != nil {
		t.Fatal(err)
	}
	unix, windows := r.name(r.Targets[0]), r.name(r.Targets[1])
	names, err := filesOf(r.Out)
	want := []string{unix + ".cdx.json", unix + ".tar.gz", windows + ".cdx.json", windows + ".zip"}
	if diff := cmp.Diff(want, names); diff != "" || err != nil {
		t.Fatalf("files: %v (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{
		unix + "/platform 755 1980-01-01 0/0", unix + "/LICENSE 644 1980-01-01 0/0", unix + "/README.md 644 1980-01-01 0/0",
	}, tarNames(t, filepath.Join(r.Out, unix+".tar.gz"))); diff != "" {
		t.Errorf("archive (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		windows + "/platform.exe -rwxr-xr-x 1980-01-01", windows + "/LICENSE -rw-r--r-- 1980-01-01", windows + "/README.md -rw-r--r-- 1980-01-01",
	}, zipNames(t, filepath.Join(r.Out, windows+".zip"))); diff != "" {
		t.Errorf("archive (-want +got):\n%s", diff)
	}
	if n, err := verify(r.Out, ""); n != 4 || err != nil {
		t.Errorf("verify: %d, %v", n, err)
	}
	if err := r.again(t.Context(), nil, quiet); err != nil {
		t.Errorf("built again: %v", err)
	}
	if err := r.make(t.Context(), nil, quiet); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("made over another: %v", err)
	}
}

func tarNames(t *testing.T, path string) []string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if !z.ModTime.IsZero() || z.Name != "" {
		t.Errorf("%s carries a time or a name: %v", path, z.Header)
	}
	var out []string
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s %o %s %d/%d%s%s", h.Name, h.Mode, h.ModTime.UTC().Format("2006-01-02"), h.Uid, h.Gid, h.Uname, h.Gname))
	}
}

func zipNames(t *testing.T, path string) []string {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	var out []string
	for _, f := range z.File {
		out = append(out, fmt.Sprintf("%s %s %s", f.Name, f.Mode(), f.Modified.UTC().Format("2006-01-02")))
	}
	return out
}

// TestDifferenceIsSeen: the second build can fail.
func TestDifferenceIsSeen(t *testing.T) {
	t.Parallel()
	r := lay(t)
	r.Targets = r.Targets[:1]
	if err := r.make(t.Context(), nil, quiet); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(r.Root, "README.md"), "another\n")
	err := r.again(t.Context(), nil, quiet)
	if want := "the two builds differ: SHA256SUMS, " + r.name(r.Targets[0]) + ".tar.gz"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestFailureLeavesNothing(t *testing.T) {
	t.Parallel()
	r := lay(t)
	write(t, filepath.Join(r.Root, "platform", "main.go"), "package main\n\nfunc main() { nonsense }\n")
	if err := r.make(t.Context(), nil, quiet); err == nil || !strings.Contains(err.Error(), "undefined: nonsense") {
		t.Errorf("a program that does not compile: %v", err)
	}
	if _, err := os.Stat(r.Out); !os.IsNotExist(err) {
		t.Errorf("left: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := lay(t).make(ctx, nil, quiet); err == nil {
		t.Error("an interrupted release is a release")
	}
}

// TestBill reads the bill of this test's own binary, which links go-cmp.
func TestBill(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := billOf(self, "0.9.1")
	if err != nil {
		t.Fatal(err)
	}
	again, err := billOf(self, "0.9.1")
	if err != nil || !bytes.Equal(data, again) {
		t.Errorf("two readings differ: %v", err)
	}
	var b bill
	if err := json.Unmarshal(data, &b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"CycloneDX", "1.5", "std"}, []string{b.Format, b.SpecVersion, b.Components[0].Name}); diff != "" {
		t.Errorf("head (-want +got):\n%s", diff)
	}
	refs := map[string]bool{b.Metadata.Component.Ref: true}
	found := false
	for _, c := range b.Components {
		if refs[c.Ref] {
			t.Errorf("%s stands twice", c.Ref)
		}
		refs[c.Ref] = true
		if c.Name == "golang.org/x/mod" {
			found = c.PURL == "pkg:golang/golang.org/x/mod@"+c.Version && len(c.Properties) == 1 && strings.HasPrefix(c.Properties[0].Value, "h1:")
		}
	}
	if !found {
		t.Errorf("golang.org/x/mod is not described: %s", data)
	}
	for _, d := range b.Dependencies {
		for _, ref := range append(d.On, d.Ref) {
			if !refs[ref] {
				t.Errorf("%s depends on %s, which is nowhere", d.Ref, ref)
			}
		}
	}
	if _, err := billOf(os.DevNull, "1"); err == nil {
		t.Error("a file that is no program has a bill")
	}
}

func TestSign(t *testing.T) {
	t.Parallel()
	keys := t.TempDir()
	key, other := filepath.Join(keys, "key"), filepath.Join(keys, "other")
	for _, k := range []string{key, other} {
		if _, err := keygen(k); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := keygen(key); err == nil {
		t.Error("a key was replaced")
	}
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the private key: %v, %v", info.Mode(), err)
	}
	sign, err := signer(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(dir string) error
		key    string
		want   string // "" is good
	}{
		{"good", func(string) error { return nil }, key, ""},
		{"another key", func(string) error { return nil }, other, "is not signed by this key"},
		{"a file changed", func(dir string) error { return os.WriteFile(filepath.Join(dir, "a.tar.gz"), []byte("evil"), 0o644) }, key, "a.tar.gz has another checksum"},
		{"a file more", func(dir string) error { return os.WriteFile(filepath.Join(dir, "b.tar.gz"), []byte("evil"), 0o644) }, key, "b.tar.gz is not in SHA256SUMS"},
		{"a file gone", func(dir string) error { return os.Remove(filepath.Join(dir, "a.tar.gz")) }, key, "a.tar.gz cannot be read"},
		{"a file and its checksum changed", func(dir string) error {
			return errors.Join(os.WriteFile(filepath.Join(dir, "a.tar.gz"), []byte("evil"), 0o644), resum(dir))
		}, key, "SHA256SUMS is not what was signed"},
		{"no signature", func(dir string) error { return os.Remove(filepath.Join(dir, noteName)) }, key, "the release is not signed"},
		{"a link", func(dir string) error { return os.Symlink("/etc/hosts", filepath.Join(dir, "c")) }, key, "is no regular file"},
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "a.tar.gz"), "archive")
		if err := resum(dir); err != nil {
			t.Fatal(err)
		}
		sums, err := os.ReadFile(filepath.Join(dir, sumsName))
		if err != nil {
			t.Fatal(err)
		}
		signed, err := sign(sums)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, noteName), string(signed))
		if err := c.change(dir); err != nil {
			t.Fatal(err)
		}
		_, err = verify(dir, c.key+".pub")
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := signer(key + ".pub"); err == nil || strings.Contains(err.Error(), "+") {
		t.Errorf("a public key signs, or is shown: %v", err)
	}
}

func resum(dir string) error {
	sums, err := release{Out: dir}.sums()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, sumsName), sums, 0o644)
}

func TestParseSums(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("a", 64)
	for text, want := range map[string]string{
		hash + "  a.zip\n":                      "",
		hash + "  ../a.zip\n":                   "SHA256SUMS:1: is no checksum and name",
		hash + "  a.zip\n" + hash + "  .x\n":    "SHA256SUMS:2: is no checksum and name",
		hash + "  a.zip\n" + hash + "  a.zip\n": "SHA256SUMS:2: a.zip stands twice",
		"":                                      "SHA256SUMS:1: is no checksum and name",
	} {
		_, err := parseSums([]byte(text))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func FuzzSums(f *testing.F) {
	f.Add([]byte(strings.Repeat("a", 64) + "  a.zip\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		listed, err := parseSums(data)
		for name := range listed {
			if filepath.Base(name) != name || name == sumsName+"/" {
				t.Errorf("%q leaves its folder", name)
			}
		}
		if err == nil && len(listed) == 0 {
			t.Error("nothing is listed, and that is no error")
		}
	})
}

func TestCommand(t *testing.T) {
	t.Parallel()
	r := lay(t)
	key := filepath.Join(t.TempDir(), "key")
	system := runtime.GOOS + "/" + runtime.GOARCH
	out := filepath.Join(t.TempDir(), "dist")
	env := func(value string) func(string) string { return func(string) string { return value } }
	for _, c := range []struct {
		args []string
		key  string
		said string // or the error
	}{
		{[]string{"-root", r.Root, "-o", out, "-targets", system}, "", "the release would be unsigned: name a key made by `release keygen` in RELEASE_KEY, or say -unsigned"},
		{[]string{"-root", r.Root, "-o", out, "-targets", "linux"}, "", `target "linux": write it like linux/amd64`},
		{[]string{"keygen", key}, "", key + " holds the private key"},
		{[]string{"-root", r.Root, "-o", out, "-targets", system, "-twice"}, key, "4 files are the same, byte for byte"},
		{[]string{"verify", "-key", key + ".pub", out}, "", "2 files are as SHA256SUMS says, signed"},
		{[]string{"verify", out}, "", "name the public key with -key, or say -unsigned"},
		{[]string{"verify", "-unsigned", out}, "", "2 files are as SHA256SUMS says, signature not looked at"},
		{[]string{"-root", r.Root, "-o", out + "2", "-targets", system, "-unsigned"}, "", "this release is UNSIGNED"},
		{[]string{"-root", out, "-o", out + "3", "-unsigned"}, "", "baseline.yaml: no such file"},
	} {
		var b bytes.Buffer
		err := run(t.Context(), c.args, &b, env(c.key))
		text := b.String()
		if err != nil {
			text += err.Error()
		}
		if !strings.Contains(text, c.said) {
			t.Errorf("%v: %s, want %s", c.args, text, c.said)
		}
	}
	if _, err := os.Stat(filepath.Join(out, r.name(target{runtime.GOOS, runtime.GOARCH})+".tar.gz")); err != nil {
		t.Error(err) // the version is the distribution's
	}
}
