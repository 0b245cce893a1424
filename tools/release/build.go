package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// sumsName is the file of the checksums, in the form that sha256sum reads.
const sumsName = "SHA256SUMS"

// maxSums bounds it: a line has about 100 bytes.
const maxSums = 1 << 20

// release is one set of archives.
type release struct {
	Root    string   // of the repository
	Out     string   // folder to make
	Package string   // of the program, relative to Root
	Program string   // name of the binary
	Docs    []string // files that go along, relative to Root
	Version string
	Targets []target
	GoCache string // "" is the user's own, and a new one for the second build
}

// make fills the folder. What fails leaves nothing in it.
func (r release) make(ctx context.Context, sign noteSigner, say func(string, ...any)) (err error) {
	if entries, err := os.ReadDir(r.Out); err == nil && len(entries) > 0 {
		return fmt.Errorf("%s is not empty: it holds %s; name another folder with -o", r.Out, entries[0].Name())
	}
	if err := os.MkdirAll(r.Out, 0o755); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(r.Out))
		}
	}()
	for _, t := range r.Targets {
		start := time.Now()
		if err := r.one(ctx, t); err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
		say("%s built in %s", r.name(t), time.Since(start).Round(time.Second))
	}
	sums, err := r.sums()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(r.Out, sumsName), sums, 0o644); err != nil {
		return err
	}
	if sign == nil {
		say("this release is UNSIGNED")
		return nil
	}
	signed, err := sign(sums)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.Out, noteName), signed, 0o644)
}

func (r release) name(t target) string { return "dualtrack_" + r.Version + "_" + t.String() }

// one builds for one system: the archive and its bill of materials.
func (r release) one(ctx context.Context, t target) error {
	temp, err := os.MkdirTemp("", "release-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	binary := filepath.Join(temp, r.Program)
	if t.OS == "windows" {
		binary += ".exe"
	}
	if err := r.build(ctx, t, binary); err != nil {
		return err
	}
	files := []file{{Name: filepath.Base(binary), Path: binary, Mode: 0o755}}
	for _, doc := range r.Docs {
		files = append(files, file{Name: filepath.Base(doc), Path: filepath.Join(r.Root, doc), Mode: 0o644})
	}
	pack, extension := tarGz, ".tar.gz"
	if t.OS == "windows" {
		pack, extension = zipped, ".zip"
	}
	if err := pack(filepath.Join(r.Out, r.name(t)+extension), r.name(t), files); err != nil {
		return err
	}
	bill, err := billOf(binary, r.Version)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.Out, r.name(t)+".cdx.json"), bill, 0o644)
}

// build runs go build with everything set that could make the bytes differ.
func (r release) build(ctx context.Context, t target, binary string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-mod=readonly", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -X main.version="+r.Version, "-o", binary, r.Package)
	cmd.Dir = r.Root
	cmd.Env = append(os.Environ(), "PWD="+r.Root, "GOOS="+t.OS, "GOARCH="+t.Arch, "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GO111MODULE=on",
		"GOTOOLCHAIN=local", "GOEXPERIMENT=", "GOAMD64=v1", "GOARM64=v8.0", "GOFIPS140=off")
	if r.GoCache != "" {
		cmd.Env = append(cmd.Env, "GOCACHE="+r.GoCache)
	}
	cmd.WaitDelay = 5 * time.Second
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, bytes.TrimSpace(text))
	}
	return nil
}

// sums lists the files of the folder with their checksums, by name.
func (r release) sums() ([]byte, error) {
	names, err := filesOf(r.Out)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, name := range names {
		sum, err := sumOf(filepath.Join(r.Out, name))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s  %s\n", sum, name)
	}
	return b.Bytes(), nil
}

// filesOf lists the release's files, without the checksums and their signature.
func filesOf(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !e.Type().IsRegular() {
			return nil, fmt.Errorf("%s is no regular file", filepath.Join(dir, e.Name()))
		}
		if e.Name() != sumsName && e.Name() != noteName {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// again makes the release a second time, from a copy of the tree in another
// folder and with an empty compiler's cache, and compares.
func (r release) again(ctx context.Context, sign noteSigner, say func(string, ...any)) error {
	temp, err := os.MkdirTemp("", "release-again-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	second := r
	second.Root, second.Out = filepath.Join(temp, "another", "folder"), filepath.Join(temp, "out")
	if r.GoCache == "" {
		second.GoCache = filepath.Join(temp, "cache")
	}
	if err := copyTree(r.Root, second.Root); err != nil {
		return err
	}
	say("building again from a copy")
	if err := second.make(ctx, sign, func(string, ...any) {}); err != nil {
		return err
	}
	n, err := equal(r.Out, second.Out)
	if err != nil {
		return err
	}
	say("%d files are the same, byte for byte", n)
	return nil
}

// copyTree copies a repository without what is built in it.
func copyTree(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		switch {
		case strings.HasPrefix(name, "."), name == "bin", name == "dist":
			continue
		case e.IsDir():
			err = os.CopyFS(filepath.Join(to, name), os.DirFS(filepath.Join(from, name)))
		case e.Type().IsRegular():
			err = copyFile(filepath.Join(from, name), filepath.Join(to, name))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o755)
	}
	if err == nil {
		err = os.WriteFile(to, data, 0o644)
	}
	return err
}

// equal compares two folders of files and gives their number.
func equal(a, b string) (int, error) {
	list := func(dir string) (map[string]string, error) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		out := map[string]string{}
		for _, e := range entries {
			if out[e.Name()], err = sumOf(filepath.Join(dir, e.Name())); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	first, err := list(a)
	if err != nil {
		return 0, err
	}
	second, err := list(b)
	if err != nil {
		return 0, err
	}
	var differ []string
	for name, sum := range first {
		if second[name] != sum {
			differ = append(differ, name)
		}
	}
	for name := range second {
		if _, there := first[name]; !there {
			differ = append(differ, name)
		}
	}
	if slices.Sort(differ); len(differ) > 0 {
		return 0, fmt.Errorf("the two builds differ: %s", strings.Join(differ, ", "))
	}
	return len(first), nil
}
