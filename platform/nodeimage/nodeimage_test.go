package nodeimage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/tool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a store whose programs are scripts, and an engine that notes what it
// is asked. Both are folders, so that the real code finds them.
type fake struct {
	t        *testing.T
	dir      string
	missing  []string
	revision string // of the programs' sources
}

// newFake puts a docker into PATH that lists the images it was given in a file.
func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{t: t, dir: t.TempDir(), revision: "1"}
	f.script("bin/docker", `cd `+f.dir+`
echo "$*" >>calls
case $1 in
version) test ! -e engine-down || { echo "Cannot connect" >&2; exit 1; } ;;
image) grep -qxF -- "$5" images 2>/dev/null ;;
load) cat "$4" >>images ;;
esac`)
	f.script("programs/nodeimage", `
echo "one" >&2; printf two >&2
test ! -e `+f.dir+`/maker-fails || { echo; echo "no mirror"; exit 1; } >&2
while [ $# -gt 0 ]; do
	case $1 in
	-out) out=$2; shift ;;
	-tag) tag=$2; shift ;;
	-balancer) balancer=$2; shift ;;
	esac
	shift
done
printf '%s\n%s\n' "$tag" "$balancer" >"$out"`)
	for _, program := range []string{"debootstrap", "apt-get"} { // only looked for
		f.script("bin/"+program, "exit 1")
	}
	t.Setenv("PATH", filepath.Join(f.dir, "bin")+":"+os.Getenv("PATH"))
	f.write("cache/debian-x.tar", "") // else root is asked for
	return f
}

func (f *fake) write(name, text string) {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fake) script(name, text string) {
	f.t.Helper()
	f.write(name, "#!/bin/sh\n"+text+"\n")
	if err := os.Chmod(filepath.Join(f.dir, name), 0o700); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fake) Missing([]string) ([]string, error) { return f.missing, nil }

func (f *fake) Ensure(_ context.Context, names []string, _ tool.Events) (map[string]string, error) {
	paths := map[string]string{}
	for _, name := range names {
		paths[name] = filepath.Join(f.dir, name+"-"+f.revision, name)
	}
	dir := filepath.Dir(paths[tool.NodeImage])
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(f.dir, "programs", "nodeimage"))
	if err != nil {
		return nil, err
	}
	return paths, os.WriteFile(paths[tool.NodeImage], text, 0o700)
}

func (f *fake) options() Options {
	return Options{CacheDir: filepath.Join(f.dir, "cache"), Versions: Versions{Kubernetes: "v1.99.0", Etcd: "9-0", CoreDNS: "v9", Pause: "9", Balancer: "v9"}}
}

func (f *fake) calls() string {
	data, err := os.ReadFile(filepath.Join(f.dir, "calls"))
	if err != nil {
		f.t.Fatal(err)
	}
	return string(data)
}

func TestEnsureMakesLoadsAndKeeps(t *testing.T) {
	f := newFake(t)
	var said []string
	ev := Events{Step: func(text string) { said = append(said, text) }}
	first, err := Ensure(t.Context(), f, f.options(), ev)
	if err != nil {
		t.Fatal(err)
	}
	if !first.Made || !first.Loaded || !strings.HasPrefix(first.Ref, Repository+":v1.99.0-") || len(first.Ref) != len(Repository+":v1.99.0-")+12 {
		t.Errorf("the first call gives %+v", first)
	}
	if diff := cmp.Diff([]string{"one", "two", "giving the image to the engine"}, said); diff != "" {
		t.Errorf("what was said (-want +got):\n%s", diff)
	}
	second, err := Ensure(t.Context(), f, f.options(), Events{})
	want := first
	want.Made, want.Loaded = false, false
	if diff := cmp.Diff(want, second); diff != "" || err != nil {
		t.Errorf("the second call (-want +got):\n%s%v", diff, err)
	}
	f.write("images", "") // an engine that forgot
	third, err := Ensure(t.Context(), f, f.options(), Events{})
	want.Loaded = true
	if diff := cmp.Diff(want, third); diff != "" || err != nil {
		t.Errorf("after the engine forgot (-want +got):\n%s%v", diff, err)
	}
	o := f.options()
	o.Rebuild = true
	if got, err := Ensure(t.Context(), f, o, Events{}); os.Geteuid() == 0 && (err != nil || !got.Made || got.Ref != first.Ref) {
		t.Errorf("rebuild gives %+v, %v", got, err)
	}
	if n := strings.Count(f.calls(), "load --quiet --input "); n < 2 {
		t.Errorf("%d loads:\n%s", n, f.calls())
	}
}

func TestNewInputsMakeAnotherImage(t *testing.T) {
	f := newFake(t)
	first, err := Ensure(t.Context(), f, f.options(), Events{})
	if err != nil {
		t.Fatal(err)
	}
	f.revision = "2"
	second, err := Ensure(t.Context(), f, f.options(), Events{})
	if err != nil || second.Ref == first.Ref || !second.Made {
		t.Errorf("new programs give %+v, %v", second, err)
	}
	o := f.options()
	o.Versions.Pause = "10"
	third, err := Ensure(t.Context(), f, o, Events{})
	if err != nil || third.Ref == second.Ref {
		t.Errorf("new versions give %+v, %v", third, err)
	}
	left, err := filepath.Glob(filepath.Join(f.dir, "cache", "node-*.tar"))
	if diff := cmp.Diff([]string{third.Archive}, left); diff != "" || err != nil {
		t.Errorf("archives (-want +got):\n%s%v", diff, err)
	}
}

func TestLacks(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(f *fake)
		want   string
		lacks  bool
	}{
		"no client":       {func(f *fake) { t.Setenv("PATH", f.dir) }, "install the client", true},
		"no engine":       {func(f *fake) { f.write("engine-down", "") }, "DOCKER_HOST", true},
		"the maker fails": {func(f *fake) { f.write("maker-fails", "") }, "no mirror", false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			tc.change(f)
			_, err := Ensure(t.Context(), f, f.options(), Events{})
			_, lacks := errors.AsType[*LackError](err)
			if err == nil || lacks != tc.lacks || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Ensure answers %v", err)
			}
		})
	}
}

func TestWhatIsMissingIsSaidBeforeTheBuild(t *testing.T) {
	f := newFake(t)
	f.missing = []string{tool.Node}
	if err := os.Remove(filepath.Join(f.dir, "cache", "debian-x.tar")); err != nil {
		t.Fatal(err)
	}
	f.script("alone/docker", "exit 0")
	t.Setenv("PATH", filepath.Join(f.dir, "alone")+":/nowhere")
	_, err := Ensure(t.Context(), f, f.options(), Events{})
	if lack, ok := errors.AsType[*LackError](err); !ok || lack.Mend == "" {
		t.Errorf("Ensure answers %v", err)
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	b := &catalog.Baseline{File: "components/baseline.yaml"}
	b.Spec.Kubernetes = "v1.99.0"
	b.Spec.Versions = map[string]catalog.Version{"etcd": {Declared: "8"}, "coredns": {Declared: "7"}, "pause": {Declared: "6"}}
	if _, err := Of(b); err == nil || !strings.Contains(err.Error(), "spec.versions.kind-load-balancer") {
		t.Errorf("a version is missing: %v", err)
	}
	b.Spec.Versions["kind-load-balancer"] = catalog.Version{Declared: "5"}
	got, err := Of(b)
	want := Versions{Kubernetes: "v1.99.0", Etcd: "8-0", CoreDNS: "v7", Pause: "6", Balancer: "v5"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("versions (-want +got):\n%s%v", diff, err)
	}
}

func TestCancelEndsTheMaker(t *testing.T) {
	f := newFake(t)
	f.script("programs/nodeimage", "echo begun >&2; exec sleep 60")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := Ensure(ctx, f, f.options(), Events{Step: func(string) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Ensure answers %v", err)
	}
}

func TestLinesKeepTheLast(t *testing.T) {
	t.Parallel()
	n := 0
	l := &lines{tell: func(string) { n++ }}
	for i := range 3 * keptLines {
		fmt.Fprintf(l, "line %d", i)
		fmt.Fprint(l, "\n")
	}
	l.end()
	if n != 3*keptLines || len(l.last) != keptLines || l.last[keptLines-1] != fmt.Sprintf("line %d", 3*keptLines-1) {
		t.Errorf("%d lines told, kept %q", n, l.last)
	}
}

// TestModulesKeepTheBaseline compares what the image's programs are built from
// with the versions that their images are tagged with.
func TestModulesKeepTheBaseline(t *testing.T) {
	t.Parallel()
	root, err := catalog.FindRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	of := func(name string) string { return "v" + cat.Baseline.Spec.Versions[name].Exercised }
	for _, c := range []struct{ dir, module, want string }{
		{"node", "k8s.io/kubernetes", cat.Baseline.Spec.Kubernetes},
		{"node", "k8s.io/kubectl", "v0" + strings.TrimPrefix(cat.Baseline.Spec.Kubernetes, "v1")},
		{"coredns", "github.com/coredns/coredns", of("coredns")},
		{"crictl", "sigs.k8s.io/cri-tools", of("cri-tools")},
	} {
		text, err := os.ReadFile(filepath.Join(root, "tools", c.dir, "go.mod"))
		if err != nil {
			t.Fatal(err)
		}
		if want := c.module + " " + c.want + "\n"; !strings.Contains(string(text), want) {
			t.Errorf("tools/%s/go.mod does not require %q", c.dir, want)
		}
	}
}
