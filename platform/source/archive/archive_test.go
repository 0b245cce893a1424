package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// made builds a gzipped archive of headers; a regular file holds its name, or
// what Xattrs would: see body.
func made(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	w := tar.NewWriter(zip)
	for _, h := range headers {
		body := []byte(nil)
		if h.Typeflag == tar.TypeReg {
			if h.Size == 0 {
				h.Size = int64(len(h.Name))
			}
			body = bytes.Repeat([]byte{'x'}, int(h.Size))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func file(name string) tar.Header { return tar.Header{Typeflag: tar.TypeReg, Name: name} }

func TestRefused(t *testing.T) {
	t.Parallel()
	whole := made(t, file("c/Chart.yaml"), file("c/values.yaml"))
	swapped := bytes.Clone(whole)
	swapped[len(swapped)-6] ^= 1 // the checksum
	many := make([]tar.Header, maxFiles+1)
	for i := range many {
		many[i] = file(fmt.Sprintf("c/%d", i))
	}
	cases := []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "the archive holds no Chart.yaml: it is no chart"},
		{"no archive", []byte("<html>not found</html>"), "the archive is cut off"},
		{"truncated", whole[:len(whole)-20], "the archive is cut off"},
		{"a byte changed", swapped, "read the archive's end: gzip: invalid checksum"},
		{"absolute", made(t, file("/etc/passwd")), `the archive holds "/etc/passwd", which is no path within it`},
		{"zip slip", made(t, file("c/../../etc/passwd")), `the archive holds "c/../../etc/passwd", which is no path within it`},
		{"backslashes", made(t, file(`c\..\..\x`)), `the archive holds "c\\..\\..\\x", which is no path within it`},
		{"drive", made(t, file("C:/x")), `the archive holds "C:/x", which is no path within it`},
		{"symlink", made(t, tar.Header{Typeflag: tar.TypeSymlink, Name: "c/values.yaml", Linkname: "/etc/passwd"}),
			`the archive holds "c/values.yaml", a link to "/etc/passwd"; only plain files are taken`},
		{"hard link", made(t, tar.Header{Typeflag: tar.TypeLink, Name: "c/values.yaml", Linkname: "../x"}),
			`the archive holds "c/values.yaml", a link to "../x"; only plain files are taken`},
		{"device", made(t, tar.Header{Typeflag: tar.TypeChar, Name: "c/zero", Devmajor: 1, Devminor: 5}), `the archive holds "c/zero", which is no plain file (type '3')`},
		{"pipe", made(t, tar.Header{Typeflag: tar.TypeFifo, Name: "c/pipe"}), `the archive holds "c/pipe", which is no plain file (type '6')`},
		{"twice", made(t, file("c/Chart.yaml"), file("./c/Chart.yaml")), `the archive holds "c/Chart.yaml" twice`},
		{"file and folder", made(t, file("c/x"), file("c/x/y")), `the archive holds "c/x" as a file and as a folder`},
		{"two folders", made(t, file("c/Chart.yaml"), file("d/Chart.yaml")), `the archive holds two folders, "c" and "d"`},
		{"no folder", made(t, file("Chart.yaml")), `the archive holds "Chart.yaml" outside the chart's folder`},
		{"no chart", made(t, file("c/x")), "the archive holds no Chart.yaml: it is no chart"},
		{"long file", made(t, tar.Header{Typeflag: tar.TypeReg, Name: "c/big", Size: maxFile + 1}), `the archive holds "c/big" of 5242881 bytes; a file may have 5242880`},
		{"bomb", made(t, tar.Header{Typeflag: tar.TypeReg, Name: "c/1", Size: maxFile}, tar.Header{Typeflag: tar.TypeReg, Name: "c/2", Size: maxFile}), errBomb.Error()},
		{"long archive", make([]byte, MaxSize+1), "the archive has 33554433 bytes; it may have 33554432"},
		{"many files", made(t, many...), "the archive holds more than 10000 files"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := Chart(c.data)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTaken(t *testing.T) {
	t.Parallel()
	data := made(t, tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "pax_global_header", PAXRecords: map[string]string{"comment": "commit"}},
		tar.Header{Typeflag: tar.TypeDir, Name: "c/"}, file("c/Chart.yaml"), file("c/.helmignore"), file("c/charts/sub/Chart.yaml"))
	got, err := Chart(data)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]byte{"Chart.yaml": []byte("xxxxxxxxxxxx"), ".helmignore": []byte("xxxxxxxxxxxxx"),
		"charts/sub/Chart.yaml": []byte("xxxxxxxxxxxxxxxxxxxxxxx")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	plain, err := Write(got)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Files(plain)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, again); diff != "" {
		t.Errorf("written and read (-want +got):\n%s", diff)
	}
	if twice, err := Write(again); err != nil || !bytes.Equal(plain, twice) {
		t.Errorf("the same files give other bytes: %v", err)
	}
}

// FuzzFiles: whatever comes, no panic, only valid paths, bounded.
func FuzzFiles(f *testing.F) {
	f.Add(made(f, file("c/Chart.yaml"), file("c/values.yaml")))
	f.Add(made(f, tar.Header{Typeflag: tar.TypeSymlink, Name: "c/x", Linkname: "y"}))
	f.Add(made(f, file("../x")))
	if plain, err := Write(map[string][]byte{"a/b": []byte("c")}); err == nil {
		f.Add(plain)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		files, err := Files(data)
		if err != nil {
			return
		}
		total := 0
		for name, content := range files {
			if !fs.ValidPath(name) || strings.Contains(name, `\`) {
				t.Errorf("path %q", name)
			}
			total += len(content)
		}
		if total > max(freeTotal, maxRatio*len(data)) {
			t.Errorf("%d bytes unpack to %d", len(data), total)
		}
		if _, err := Write(files); err != nil {
			t.Errorf("what was read can't be written: %v", err)
		}
	})
}
