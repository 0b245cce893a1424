package tool

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// key identifies a build: what goes in, and what compiles it.
type key struct {
	sources   string // sha256 over module files, sources, flags and platform
	toolchain string // "go1.2.3", "" when no Go is installed
}

// String is short enough for a folder's name; 64 bits tell the builds of one
// machine apart.
func (k key) String() string {
	sum := sha256.Sum256([]byte(k.sources + "\x00" + k.toolchain))
	return hex.EncodeToString(sum[:8])
}

func (s *Store) key(p Program) (key, error) {
	dir := filepath.Join(s.cfg.ToolsDir, p.Dir)
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%s\x00%q\x00%s\x00%s/%s\x00", p.Name, p.Package, p.Tags, p.LDFlags, runtime.GOOS, runtime.GOARCH)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error { // in lexical order
		if err != nil || d.IsDir() {
			return err
		}
		if !source(strings.TrimPrefix(path, dir), d.Name()) {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%s\x00%d\x00", filepath.ToSlash(strings.TrimPrefix(path, dir)), len(data))
		h.Write(data)
		return nil
	})
	if err != nil {
		return key{}, fmt.Errorf("sources of %s: %w", p.Name, err)
	}
	return key{sources: hex.EncodeToString(h.Sum(nil)), toolchain: toolchain()}, nil
}

// source says that a file goes into a build: Go's own files, and what a package
// embeds from its folder "files".
func source(path, name string) bool {
	if slices.Contains(strings.Split(filepath.ToSlash(filepath.Dir(path)), "/"), "files") {
		return true
	}
	return slices.Contains([]string{".go", ".mod", ".sum"}, filepath.Ext(name)) && !strings.HasSuffix(name, "_test.go")
}

// toolchain names the Go in PATH without starting it, which would cost more
// than the whole look into the cache.
func toolchain() string {
	path, err := exec.LookPath("go")
	if err != nil {
		return ""
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	version := path // a wrapper script: its place tells it from others
	if f, err := os.Open(filepath.Join(filepath.Dir(path), "..", "VERSION")); err == nil {
		defer f.Close()
		if line, err := bufio.NewReader(io.LimitReader(f, 1<<10)).ReadString('\n'); err == nil {
			version = strings.TrimSpace(line)
		}
	}
	// Both change what is compiled without showing in the version.
	return version + " " + os.Getenv("GOTOOLCHAIN") + " " + os.Getenv("GOEXPERIMENT")
}
