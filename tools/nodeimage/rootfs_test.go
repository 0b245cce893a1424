package main

import (
	"archive/tar"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// saved writes a layer to a file and opens it.
func saved(t *testing.T, l *layer) *rootfs {
	t.Helper()
	b, err := l.blob(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	r, err := openRootfs(b.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	return r
}

func TestFindFollowsLinksWithinTheRoot(t *testing.T) {
	t.Parallel()
	l := newLayer()
	l.text("usr/lib/x/lib.so.1.2", 0o644, []byte("library"))
	l.symlink("lib", "usr/lib")
	l.symlink("usr/lib/x/lib.so.1", "lib.so.1.2")
	l.symlink("usr/lib/abs.so", "/lib/x/lib.so.1")
	l.symlink("usr/lib/out.so", "../../../../etc/passwd")
	l.symlink("loop", "loop")
	l.put("hard", entry{kind: tar.TypeLink, link: "usr/lib/x/lib.so.1.2"})
	r := saved(t, l)
	for name, want := range map[string]string{
		"/lib/x/lib.so.1": "usr/lib/x/lib.so.1.2", "usr/lib/abs.so": "usr/lib/x/lib.so.1.2", "hard": "usr/lib/x/lib.so.1.2",
	} {
		if got, _, err := r.find(name); got != want || err != nil {
			t.Errorf("%s is %q, %v; want %q", name, got, err, want)
		}
	}
	for _, name := range []string{"usr/lib/out.so", "loop", "absent", "lib/absent", "../lib.so"} {
		if got, _, err := r.find(name); err == nil {
			t.Errorf("%s is %s", name, got)
		}
	}
	out := newLayer()
	if err := r.copy(out, "lib/x/lib.so.1", "usr/lib/lib.so.1"); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := pour(&text, out.entries["usr/lib/lib.so.1"]); err != nil || text.String() != "library" {
		t.Errorf("copied %q, %v", &text, err)
	}
	if err := r.copy(out, "usr/lib", "x"); err == nil {
		t.Error("a folder is copied as a file")
	}
}

// TestProgramsBringTheirLibraries takes a program of this machine that is linked
// with others, or builds on what Go always has: its own test binary is static.
func TestProgramsBringTheirLibraries(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	l := newLayer()
	if err := l.disk("usr/bin/sh", 0o755, shell); err != nil {
		t.Fatal(err)
	}
	static, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.disk("usr/bin/static", 0o755, static); err != nil {
		t.Fatal(err)
	}
	r := saved(t, l)
	needed, err := r.linked("usr/bin/sh")
	if err == nil {
		t.Fatalf("the libraries of sh are found where there are none: %v", needed)
	}
	if !strings.Contains(err.Error(), "/usr/bin/sh needs libc") {
		t.Errorf("what is missing is not named: %v", err)
	}
	libc := strings.Fields(err.Error())[2]
	l.text("usr/lib/"+triplet()+"/"+strings.TrimSuffix(libc, ":"), 0o644, elfOf(t, static))
	r = saved(t, l)
	if needed, err = r.linked("usr/bin/sh"); err != nil {
		t.Fatal(err)
	}
	if len(needed) != 2 || !slices.ContainsFunc(needed, func(s string) bool { return strings.Contains(s, "/ld-") }) {
		t.Errorf("sh needs %v, want the loader and libc", needed)
	}
	for _, n := range needed {
		if strings.Contains(n, "/ld-") {
			l.text(n, 0o755, elfOf(t, static))
		}
	}
	r = saved(t, l)
	out := newLayer()
	if err := r.programs(out, []string{"usr/bin/sh"}, nil); err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, name := range out.names() {
		if out.entries[name].kind == tar.TypeReg {
			files = append(files, filepath.Base(name))
		}
	}
	if len(files) != 3 {
		t.Errorf("the layer holds %v, want sh, its loader and libc", files)
	}
}

// elfOf gives a small program that is linked with nothing.
func elfOf(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestGlob(t *testing.T) {
	t.Parallel()
	l := newLayer()
	for _, name := range []string{"usr/lib/x/b.so", "usr/lib/x/a.so", "usr/lib/x/a.txt", "usr/lib/x/deep/c.so"} {
		l.text(name, 0o644, nil)
	}
	got, err := saved(t, l).glob("usr/lib/x", ".so")
	if err != nil || !reflect.DeepEqual(got, []string{"usr/lib/x/a.so", "usr/lib/x/b.so"}) {
		t.Errorf("found %v, %v", got, err)
	}
}

func TestChooseMirror(t *testing.T) {
	t.Parallel()
	for lines, want := range map[string]string{
		"": "",
		"https://other.example/ nodistro Other\nhttp://mirror.example/debian/ bookworm-updates Debian\nhttp://main.example/debian/ bookworm Debian\n": "http://main.example/debian/",
		"http://mirror.example/debian/ bookworm-updates Debian\n":                                                                                     "http://mirror.example/debian/",
		"http://mirror.example/security/ bookworm-security Debian\n":                                                                                  "",
		"http://mirror.example/ubuntu/ noble Ubuntu\n":                                                                                                "",
	} {
		if got := chooseMirror(lines); got != want {
			t.Errorf("%q gives %q, want %q", lines, got, want)
		}
	}
}

func TestNodeLayer(t *testing.T) {
	t.Parallel()
	at := filepath.Join(t.TempDir(), "program")
	put(t, at, "program")
	l, err := nodeLayer(programs{node: at, crictl: at, inside: at}, versions{kubernetes: "v1.99.0", pause: "9"}, at)
	if err != nil {
		t.Fatal(err)
	}
	text := func(name string) string {
		e, ok := l.entries[name]
		if !ok {
			t.Fatalf("%s is missing", name)
		}
		var b bytes.Buffer
		if err := pour(&b, e); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if got := text("kind/version"); got != "v1.99.0\n" {
		t.Errorf("version %q", got)
	}
	if got := text("etc/containerd/config.toml"); !strings.Contains(got, `sandbox_image = "registry.k8s.io/pause:9"`) {
		t.Errorf("containerd's configuration:\n%s", got)
	}
	for name, e := range l.entries {
		if e.kind == tar.TypeReg && strings.Contains(name, "usr/local/bin/") != (e.mode == 0o755) && name != "usr/bin/kubelet" {
			t.Errorf("%s has mode %o", name, e.mode)
		}
		if e.kind == tar.TypeReg && strings.Contains(text(name), "{{") {
			t.Errorf("%s holds a value that was not filled in", name)
		}
	}
}

func TestParseNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	if _, err := parse([]string{"-out", "x"}); err == nil || strings.Contains(err.Error(), "-out ") || !strings.Contains(err.Error(), "-pause-tag is not given") {
		t.Errorf("parse answers %v", err)
	}
}
