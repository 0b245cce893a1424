package tool

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

const testRef = "registry.example.org/shop/hello:1.2"

func testSpec() ImageSpec {
	return ImageSpec{Ref: testRef, Program: "hello", Binary: bytes.Repeat([]byte("program "), 1000), User: "10:20", Ports: []string{"80/tcp"}}
}

func pack(t *testing.T, spec ImageSpec) ([]byte, string) {
	t.Helper()
	var out bytes.Buffer
	digest, err := PackImage(&out, spec)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), digest
}

func TestPackImage(t *testing.T) {
	t.Parallel()
	archive, digest := pack(t, testSpec())
	again, same := pack(t, testSpec())
	if !bytes.Equal(archive, again) || digest != same {
		t.Error("the same spec gives other bytes")
	}
	c, err := readImage(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	layer := c.manifest.Layers[0].Digest
	if diff := cmp.Diff([]any{
		[]string{testRef, "registry.example.org/shop/hello@" + digest}, digest,
		runConfig{User: "10:20", ExposedPorts: map[string]struct{}{"80/tcp": {}}, Entrypoint: []string{"/hello"}, WorkingDir: "/"},
		rootFS{Type: "layers", DiffIDs: []string{layer}}, "linux", "amd64",
		[]dockerManifest{{Config: blobPath(c.manifest.Config.Digest), RepoTags: []string{testRef}, Layers: []string{blobPath(layer)}}},
	}, []any{c.refs, c.digest, c.config.Config, c.config.RootFS, c.config.OS, c.config.Architecture, c.docker}); diff != "" {
		t.Errorf("image (-want +got):\n%s", diff)
	}
	// The layer: the program and nothing else, runnable by everybody.
	files, err := readTar(bytes.NewReader(c.layer))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]byte{"hello": testSpec().Binary}, files); diff != "" {
		t.Errorf("layer (-want +got):\n%s", diff)
	}
	for _, data := range [][]byte{archive, c.layer} {
		headers(t, data)
	}
}

// headers holds that nothing in an archive says where and when it was made.
func headers(t *testing.T, archive []byte) {
	t.Helper()
	var names []string
	for tr := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		if h.ModTime.Unix() != 0 || h.Uid != 0 || h.Gid != 0 || h.Uname+h.Gname != "" || h.Format != tar.FormatUSTAR || h.Mode&0o222 != 0 {
			t.Errorf("%s: header %+v", h.Name, h)
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("not sorted: %q", names)
	}
}

// TestPackedDigest says which parts of a spec are the image: its name is not.
func TestPackedDigest(t *testing.T) {
	t.Parallel()
	_, first := pack(t, testSpec())
	for name, tc := range map[string]struct {
		change func(*ImageSpec)
		same   bool
	}{
		"another tag":      {func(s *ImageSpec) { s.Ref += ".3" }, true},
		"another program":  {func(s *ImageSpec) { s.Binary = []byte("x") }, false},
		"another user":     {func(s *ImageSpec) { s.User = "11:20" }, false},
		"another name":     {func(s *ImageSpec) { s.Program = "hallo" }, false},
		"without the port": {func(s *ImageSpec) { s.Ports = nil }, false},
	} {
		spec := testSpec()
		tc.change(&spec)
		if _, got := pack(t, spec); (got == first) != tc.same {
			t.Errorf("%s: the digest is the same: %v, want %v", name, got == first, tc.same)
		}
	}
}

func TestPackImageRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*ImageSpec)
		want   string
	}{
		"no tag":             {func(s *ImageSpec) { s.Ref = "registry.example.org/shop" }, "registry/repository:tag"},
		"a digest":           {func(s *ImageSpec) { s.Ref += "@sha256:" + strings.Repeat("0", 64) }, "without a digest"},
		"no registry":        {func(s *ImageSpec) { s.Ref = "shop/hello:1" }, "registry/repository:tag"},
		"root":               {func(s *ImageSpec) { s.User = "0:0" }, "neither of root"},
		"a user's name":      {func(s *ImageSpec) { s.User = "shop" }, "uid:gid"},
		"a path for program": {func(s *ImageSpec) { s.Program = "../hello" }, "no name of a program"},
		"no program":         {func(s *ImageSpec) { s.Binary = nil }, "0 bytes"},
	} {
		spec := testSpec()
		tc.change(&spec)
		if digest, err := PackImage(io.Discard, spec); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %s, %v; want %q", name, digest, err, tc.want)
		}
	}
}

func TestReadImageRefuses(t *testing.T) {
	t.Parallel()
	archive, _ := pack(t, testSpec())
	entry := func(h tar.Header, data string) []byte {
		var b bytes.Buffer
		tw := tar.NewWriter(&b)
		h.Size = int64(len(data))
		err := tw.WriteHeader(&h)
		if err == nil {
			_, err = tw.Write([]byte(data))
		}
		if err = errors.Join(err, tw.Flush()); err != nil {
			t.Fatal(err)
		}
		return append(b.Bytes(), archive...)
	}
	damaged := bytes.Replace(archive, []byte("program program"), []byte("program prOgram"), 1)
	renamed := bytes.Replace(archive, []byte(`"os":"linux"`), []byte(`"os":"lunix"`), 1)
	for name, tc := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":        {nil, "oci-layout is missing"},
		"rubbish":        {bytes.Repeat([]byte("x"), 1024), "invalid tar header"},
		"cut off":        {archive[:len(archive)/2], "unexpected EOF"},
		"a damaged bit":  {damaged, "is damaged"},
		"another config": {renamed, "is damaged"},
		"a way out":      {entry(tar.Header{Name: "../x", Typeflag: tar.TypeReg}, "x"), "no clean path"},
		"an absolute":    {entry(tar.Header{Name: "/etc/x", Typeflag: tar.TypeReg}, "x"), "no clean path"},
		"a link":         {entry(tar.Header{Name: "x", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, ""), "no plain file"},
		"a device":       {entry(tar.Header{Name: "x", Typeflag: tar.TypeChar}, ""), "no plain file"},
		"another format": {entry(tar.Header{Name: "x", Typeflag: tar.TypeReg, Format: tar.FormatPAX, PAXRecords: map[string]string{"a.b": "c"}}, "x"), "no plain file"},
		"a file twice":   {entry(tar.Header{Name: "index.json", Typeflag: tar.TypeReg}, "{}"), "twice"},
	} {
		if _, err := readImage(bytes.NewReader(tc.data)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: the error is %v, want %q", name, err, tc.want)
		}
	}
}

// FuzzReadImage looks for archives that are read and do not hold what they say.
func FuzzReadImage(f *testing.F) {
	var seed bytes.Buffer
	spec := testSpec()
	spec.Binary = []byte("x")
	if _, err := PackImage(&seed, spec); err != nil {
		f.Fatal(err)
	}
	f.Add(seed.Bytes())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := readImage(bytes.NewReader(data))
		if err == nil && (sha256Of(c.layer) != c.config.RootFS.DiffIDs[0] || len(c.refs) == 0) {
			t.Errorf("read: %+v", c)
		}
	})
}

func TestStoreImage(t *testing.T) {
	t.Parallel()
	tools, cache := hello(t), t.TempDir()
	s := store(t, tools, cache, nil)
	spec := testSpec()
	spec.Binary = nil
	if runtime.GOOS != imageOS || runtime.GOARCH != imageArch {
		if _, err := s.image(t.Context(), spec, Events{}); !isPlatformError(err) {
			t.Errorf("on %s/%s: %v", runtime.GOOS, runtime.GOARCH, err)
		}
		return
	}
	img, err := s.image(t.Context(), spec, Events{})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(img.Path)
	if err != nil || info.Mode().Perm() != 0o600 || img.Ref != testRef {
		t.Errorf("%+v, %v, %v", img, info, err)
	}
	again, err := s.image(t.Context(), spec, Events{Progress: func(p Progress) { t.Errorf("a hit reports %+v", p) }})
	if diff := cmp.Diff(img, again); diff != "" || err != nil {
		t.Errorf("%v (-first +second):\n%s", err, diff)
	}
	if kept, err := os.Stat(img.Path); err != nil || !os.SameFile(info, kept) {
		t.Errorf("packed again: %v", err)
	}
	if err := os.Truncate(img.Path, info.Size()/2); err != nil {
		t.Fatal(err)
	}
	if mended, err := s.image(t.Context(), spec, Events{}); err != nil || mended != img {
		t.Errorf("a damaged archive gives %+v, %v", mended, err)
	}
	spec.Ref += ".4"
	if other, err := s.image(t.Context(), spec, Events{}); err != nil || other.Path == img.Path || other.Digest != img.Digest || other.Ref != spec.Ref {
		t.Errorf("another tag gives %+v, %v", other, err)
	}
	if plain, err := s.Image(t.Context(), "hello", testRef, Events{}); err != nil || plain.Digest == img.Digest {
		t.Errorf("a program without an entry of its own gives %+v, %v", plain, err)
	}
	if _, err := s.Image(t.Context(), "hallo", testRef, Events{}); err == nil || !strings.Contains(err.Error(), `no program "hallo"; the known ones are [hello`) {
		t.Errorf("an image of an unknown program: %v", err)
	}
}

func isPlatformError(err error) bool {
	_, ok := errors.AsType[*ImagePlatformError](err)
	return ok && strings.Contains(err.Error(), "linux/amd64")
}

// TestBaselineHoldsTheDigest builds each image that the baseline says is built
// here, by the Go that its module names, and compares digests. Jaeger takes
// minutes: its digest is held where it is built anyway, by tests/real/jaeger.
func TestBaselineHoldsTheDigest(t *testing.T) {
	var built []string
	for name, img := range imagesBuiltHere(t) {
		built = append(built, img.Program)
		if img.Program == Jaeger {
			continue
		}
		t.Run(img.Program, func(t *testing.T) {
			pinGo(t, img.Program)
			got, err := builtDigest(t, img.Program, img.Repository+":"+img.Tag)
			if err != nil {
				t.Fatal(err)
			}
			if got != img.Digest {
				t.Errorf("components/baseline.yaml: spec.images.%s.digest is %s, but %s built here is %s; write the second", name, img.Digest, img.Program, got)
			}
		})
	}
	slices.Sort(built)
	if diff := cmp.Diff([]string{EtcdOps, Jaeger, OrderService}, built); diff != "" {
		t.Errorf("built here (-want +got):\n%s", diff)
	}
}

type builtImage struct{ Repository, Tag, Digest, Program string }

// imagesBuiltHere are the baseline's images with a program, by name.
func imagesBuiltHere(t *testing.T) map[string]builtImage {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "components", "baseline.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var baseline struct {
		Spec struct{ Images map[string]builtImage }
	}
	if err := yaml.Unmarshal(text, &baseline); err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(baseline.Spec.Images, func(_ string, img builtImage) bool { return img.Program == "" })
	return baseline.Spec.Images
}

// pinGo has the store build with the Go that a module names: another one writes
// another program. Settings of this machine that change code are put back.
func pinGo(t *testing.T, program string) {
	t.Helper()
	for _, name := range []string{"GOAMD64", "GOEXPERIMENT", "GOFIPS140"} {
		t.Setenv(name, "")
	}
	mod, err := os.ReadFile(filepath.Join("..", "..", "tools", program, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`(?m)^go (\d+\.\d+\.\d+)$`).FindSubmatch(mod)
	if named == nil {
		t.Fatalf("tools/%s/go.mod names no whole version of Go", program)
	}
	want := "go" + string(named[1])
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOVERSION").Output()
	if err != nil {
		t.Fatal(err)
	}
	if have := strings.TrimSpace(string(out)); have != want {
		t.Logf("this Go is %s; %s is built with GOTOOLCHAIN=%s", have, program, want)
		t.Setenv("GOTOOLCHAIN", want)
	}
}

// packable are the programs that images are made of.
func packable() []Program { return slices.Concat(WorkloadPrograms(), CheckPrograms()) }

// builtDigest is the digest of a program's image: from the store, and on a
// machine of another kind from a cross build with the store's flags.
func builtDigest(t *testing.T, program, ref string) (string, error) {
	t.Helper()
	tools := filepath.Join("..", "..", "tools")
	if runtime.GOOS == imageOS && runtime.GOARCH == imageArch {
		s, err := New(Config{ToolsDir: tools, Named: packable()})
		if err != nil {
			return "", err
		}
		img, err := s.Image(t.Context(), program, ref, Events{})
		return img.Digest, err
	}
	i := slices.IndexFunc(packable(), func(p Program) bool { return p.Name == program })
	if i < 0 {
		return "", fmt.Errorf("no program %s", program)
	}
	p, spec := packable()[i], workloadImage(program)
	out := filepath.Join(t.TempDir(), p.Name)
	cmd := exec.CommandContext(t.Context(), "go", "build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", p.LDFlags, "-o", out, p.Package)
	cmd.Dir = filepath.Join(tools, p.Dir)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOOS="+imageOS, "GOARCH="+imageArch)
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, text)
	}
	var err error
	if spec.Binary, err = os.ReadFile(out); err != nil {
		return "", err
	}
	spec.Ref = ref
	return PackImage(io.Discard, spec)
}
