package render

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/memo"
)

// placed is all that a result says: its digests, its objects with their places, and
// the place of every field.
func placed(t *testing.T, r *Result) map[string]string {
	t.Helper()
	out := map[string]string{"revision": r.Revision, "findings": fmt.Sprint(r.Findings)}
	for _, b := range r.Bundles {
		out[b.Cluster] = b.Digest
		for _, list := range [][]Object{b.Objects, b.Hooks} {
			for _, o := range list {
				content, err := json.Marshal(o.Object)
				if err != nil {
					t.Fatal(err)
				}
				lines := []string{fmt.Sprint(o.Component, o.Stage, o.Source, o.Exact, o.Hooks), string(content)}
				for _, pointer := range leaves(nil, "", o.Object) {
					lines = append(lines, pointer+" "+r.Locate(o, pointer).String())
				}
				out[b.Cluster+" "+o.Ref().String()] = strings.Join(lines, "\n")
			}
		}
	}
	return out
}

// leaves lists the pointers of an object's fields.
func leaves(out []string, at string, value any) []string {
	switch v := value.(type) {
	case map[string]any:
		for _, k := range sortedKeys(v) {
			out = leaves(out, at+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(k), v[k])
		}
		return out
	case []any:
		for i, item := range v {
			out = leaves(out, fmt.Sprintf("%s/%d", at, i), item)
		}
		return out
	}
	return append(out, at)
}

// TestShared renders this repository alone, through what an earlier rendering left
// in memory, and through what it left on disk: bytes, findings and places of every
// field are the same, and nothing is rendered twice.
func TestShared(t *testing.T) {
	t.Parallel()
	cat, err := catalog.Load("../..")
	if err != nil {
		t.Fatal(err)
	}
	render := func(shared *Shared) *Result {
		r, err := All(t.Context(), cat, Options{Shared: shared})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	want := placed(t, render(nil))
	dir := t.TempDir()
	files := 0
	for _, name := range []string{"empty store", "full store"} {
		store, err := memo.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		shared := NewShared(store)
		if diff := cmp.Diff(want, placed(t, render(shared))); diff != "" {
			t.Errorf("%s: (-alone +shared)\n%s", name, diff)
		}
		first := shared.done
		if diff := cmp.Diff(want, placed(t, render(shared))); diff != "" {
			t.Errorf("%s, again: (-alone +shared)\n%s", name, diff)
		}
		for key, r := range first {
			if shared.done[key] != r {
				t.Errorf("%s: a rendering was made twice", name)
			}
		}
		kept, err := filepath.Glob(filepath.Join(memo.Dir(dir), "*", "*-d"))
		if err != nil || len(kept) == 0 || files > 0 && len(kept) != files {
			t.Errorf("%s: %d entries after %d, %v", name, len(kept), files, err)
		}
		files = len(kept)
	}
}

// TestThaw holds that what is no rendering is an error and nothing else.
func TestThaw(t *testing.T) {
	t.Parallel()
	r := &rendering{data: []byte("---\n"), findings: []finding.Finding{{Rule: Rule}}}
	whole, err := freeze(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := thaw(whole, nil); err != nil {
		t.Error(err)
	}
	for n := range whole[:len(whole)-4] {
		if _, err := thaw(whole[:n], nil); err == nil {
			t.Errorf("%d of %d bytes are a rendering", n, len(whole))
		}
	}
	for _, head := range []string{`{"hooks":1}`, `{"objects":[{"object":{},"patches":[0]}]}`, `{"objects":[{"object":[]}]}`} {
		data := append([]byte{0, 0, 0, 0, 0, 0, 0, byte(len(head))}, head...)
		if _, err := thaw(data, nil); err == nil {
			t.Errorf("%s is a rendering", head)
		}
	}
}
