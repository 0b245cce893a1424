package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// listed is one entry of a tar, as a line.
func listed(t *testing.T, data []byte) []string {
	t.Helper()
	var out []string
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.Equal(epoch()) || h.Uname != "" {
			t.Errorf("%s: time %s, owner %q", h.Name, h.ModTime, h.Uname)
		}
		out = append(out, strings.TrimSpace(string(h.Typeflag)+" "+h.Name+" "+h.FileInfo().Mode().Perm().String()+" "+h.Linkname+string(text)))
	}
}

// tree makes a folder with what a root file system may hold.
func tree(t *testing.T, at time.Time) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"etc/shadow": "root:*:20417:0:99999:7:::\n", "etc/machine-id": "abc\n", "usr/bin/a": "program", "usr/bin-x": "x",
		"usr/share/doc/a/README": "long", "var/log/dpkg.log": "today", "var/cache/apt/x/y": "z", "etc/apt/sources.list": "a mirror",
		"usr/lib/systemd/system/sysinit.target.wants/systemd-udevd.service": "", "usr/lib/systemd/system/sysinit.target.wants/systemd-journald.service": "",
	} {
		put(t, filepath.Join(root, name), text)
	}
	for name, of := range map[string]string{"usr/bin/second": "usr/bin/a", "usr/a-third": "usr/bin/a"} {
		if err := os.Link(filepath.Join(root, of), filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(
		os.Symlink("usr/bin", filepath.Join(root, "bin")),
		filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.Type()&os.ModeSymlink != 0 {
				return err
			}
			return os.Chtimes(path, at, at)
		}),
	); err != nil {
		t.Fatal(err)
	}
	return root
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func TestTreeIsTrimmedAndReproducible(t *testing.T) {
	t.Parallel()
	var both [2][]byte
	for i := range both {
		l, err := readTree(tree(t, time.Unix(int64(1000*(i+1)), 0)))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := l.write(&out); err != nil {
			t.Fatal(err)
		}
		both[i] = out.Bytes()
	}
	if !bytes.Equal(both[0], both[1]) {
		t.Error("two trees that differ in times only give other bytes")
	}
	want := []string{
		"2 bin -rwxrwxrwx usr/bin",
		"5 etc/ -rwxr-xr-x", "5 etc/apt/ -rwxr-xr-x", "0 etc/shadow -rw-r--r-- root:*:1:0:99999:7:::",
		"5 usr/ -rwxr-xr-x", "0 usr/a-third -rw-r--r-- program",
		"5 usr/bin/ -rwxr-xr-x", "1 usr/bin/a -rw-r--r-- usr/a-third", "1 usr/bin/second -rw-r--r-- usr/a-third",
		"0 usr/bin-x -rw-r--r-- x",
		"5 usr/lib/ -rwxr-xr-x", "5 usr/lib/systemd/ -rwxr-xr-x", "5 usr/lib/systemd/system/ -rwxr-xr-x",
		"5 usr/lib/systemd/system/sysinit.target.wants/ -rwxr-xr-x", "0 usr/lib/systemd/system/sysinit.target.wants/systemd-journald.service -rw-r--r--",
		"5 usr/share/ -rwxr-xr-x", "5 usr/share/doc/ -rwxr-xr-x",
		"5 var/ -rwxr-xr-x", "5 var/cache/ -rwxr-xr-x", "5 var/cache/apt/ -rwxr-xr-x", "5 var/log/ -rwxr-xr-x",
	}
	if got := listed(t, both[0]); !reflect.DeepEqual(got, want) {
		t.Errorf("the tree is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestTreeRefusesDevices(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := os.Symlink("/dev/null", filepath.Join(root, "null")); err != nil {
		t.Fatal(err)
	}
	if _, err := readTree(root); err != nil {
		t.Errorf("a link is refused: %v", err)
	}
	if _, err := readTree(filepath.Join(root, "absent")); err == nil {
		t.Error("a folder that is not there is accepted")
	}
}

func TestBlobs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := newLayer()
	l.text("a/b", 0o600, []byte("text"))
	plain, err := l.blob(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	zipped, err := l.blob(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	if plain.diffID != zipped.diffID {
		t.Errorf("the id is of the compressed bytes: %s, %s", plain.diffID, zipped.diffID)
	}
	again, err := existing(plain.path)
	if err != nil || again.diffID != plain.diffID || again.bytes != plain.bytes {
		t.Errorf("read again: %+v, %v; want %+v", again, err, plain)
	}
	f, err := os.Open(zipped.path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil || !reflect.DeepEqual(listed(t, data), []string{"5 a/ -rwxr-xr-x", "0 a/b -rw------- text"}) {
		t.Errorf("compressed: %v, %v", listed(t, data), err)
	}
}

func TestArchive(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := newLayer()
	l.text("a", 0o600, []byte("text"))
	b, err := l.blob(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	images := []image{
		{tags: []string{"x:1", "y:1"}, layers: []blob{b}, run: runConfig{Entrypoint: []string{"/a"}, StopSignal: "SIGRTMIN+3"}},
		{tags: []string{"z:1"}, layers: []blob{b}},
	}
	var first, second bytes.Buffer
	if err := errors.Join(writeArchive(&first, images), writeArchive(&second, images)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same images give other bytes")
	}
	held := map[string]string{}
	for _, line := range listed(t, first.Bytes()) {
		fields := strings.SplitN(line, " ", 4)
		if held[fields[1]] != "" {
			t.Errorf("%s stands in it twice", fields[1])
		}
		held[fields[1]] = fields[3]
	}
	var manifests []manifest
	if err := json.Unmarshal([]byte(held["manifest.json"]), &manifests); err != nil || len(manifests) != 2 {
		t.Fatalf("manifests %v, %v", manifests, err)
	}
	var config imageConfig
	if err := json.Unmarshal([]byte(held[manifests[0].Config]), &config); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(config.RootFS.DiffIDs, []string{b.diffID}) || config.Config.StopSignal != "SIGRTMIN+3" || config.OS != "linux" {
		t.Errorf("the configuration is %+v", config)
	}
	if !reflect.DeepEqual(manifests[0].RepoTags, []string{"x:1", "y:1"}) || held[manifests[0].Layers[0]] == "" || manifests[1].Layers[0] != manifests[0].Layers[0] {
		t.Errorf("the manifests are %+v", manifests)
	}
}
