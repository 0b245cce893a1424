package plain_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/plain"
)

// archive packs files as `helm package` does.
func archive(t *testing.T, files map[string]string) string {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	w := tar.NewWriter(zip)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestVendoredArchives holds that subcharts in archives are rendered, and that
// their schemas are not fetched.
func TestVendoredArchives(t *testing.T) {
	t.Parallel()
	sub := map[string]string{"sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 0.1.0\n", "sub/templates/a.yaml": configMap}
	chart := map[string]string{"c/Chart.yaml": "apiVersion: v2\nname: x\nversion: 0.1.0\ndependencies: [{name: sub, version: 0.1.0, repository: 'https://example.org'}]\n"}
	chart["c/charts/sub-0.1.0.tgz"] = archive(t, sub)
	_, result, err := loaded(t, chart, plain.Options{Trees: []string{"c"}})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(result.Bundles[0].Objects); n != 1 || len(result.Findings) > 0 {
		t.Errorf("%d objects, %v", n, told(result))
	}
	sub["sub/values.schema.json"] = `{"$ref": "https://example.org/schema.json"}`
	chart["c/charts/sub-0.1.0.tgz"] = archive(t, sub)
	_, result, err = loaded(t, chart, plain.Options{Trees: []string{"c"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"c/Chart.yaml  not rendered: the schema of chart sub refers to another schema: https://example.org/schema.json"}
	if diff := cmp.Diff(want, told(result)); diff != "" {
		t.Errorf("words (-want +got):\n%s", diff)
	}
}
