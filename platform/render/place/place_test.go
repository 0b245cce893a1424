package place

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/finding"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in string
		want     []Piece
	}{
		{"empty", "", nil},
		{"comments only", "# a\n---\n \n# b\n", nil},
		{"one", "a: 1\n", []Piece{{1, []byte("a: 1\n")}}},
		{"leading separator", "---\na: 1\n", []Piece{{2, []byte("a: 1\n")}}},
		{"two", "a: 1\n--- # next\nb: 2\n---", []Piece{{1, []byte("a: 1\n")}, {2, []byte(" # next\nb: 2\n")}}},
		{"separator with content", "--- {a: 1}\n", []Piece{{1, []byte(" {a: 1}\n")}}},
		{"text that looks like one", "a: |\n  ---\n  b\n----\n", []Piece{{1, []byte("a: |\n  ---\n  b\n----\n")}}},
	} {
		if diff := cmp.Diff(c.want, Split([]byte(c.in))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func FuzzDocuments(f *testing.F) {
	for _, seed := range []string{
		"a: 1\n---\nb: 2\n", "kind: List\nitems:\n- kind: ConfigMap\n  metadata: {name: a}\n", "&a [*a]", "a: &b {c: *b}\n",
		"? {a: b}\n: c\n", "--- |\n ---\n---", "\xff", "a: !!binary x\n", "<<: *a", "metadata: 1\nkind: {}\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		pieces := Split(data)
		last := 0
		for _, p := range pieces {
			if p.Line <= last-1 || !strings.Contains(string(data), string(p.Text)) {
				t.Errorf("piece of line %d after line %d is not in order or not in the text", p.Line, last)
			}
			last = p.Line
		}
		docs, err := Scan("x.yaml", data)
		if err != nil {
			if found, other := finding.Gather(err); other != nil || len(found) == 0 {
				t.Errorf("error is no problem: %v", err)
			}
		}
		for _, d := range docs {
			if d.Root == nil || d.Line < 1 {
				t.Errorf("document at line %d", d.Line)
			}
			for _, p := range DuplicateKeys("x.yaml", d.Root, 0) {
				if p.File != "x.yaml" {
					t.Errorf("a duplicate key without its place: %v", p)
				}
			}
			FindScalar(d.Root, "a", 0)
		}
	})
}

func FuzzLocate(f *testing.F) {
	f.Add([]byte("kind: A\nspec:\n  list:\n    - name: a\n      b: 1\n"), "/spec/list/0/b")
	f.Add([]byte("a: &x {b: *x}\n"), "/a/b/b/b/b")
	f.Add([]byte("kind: {{ .K }}\nmetadata:\n  name: {{ x }}-y\n- a: b\n"), "/metadata/name")
	f.Add([]byte("- - a\n"), "/0/0")
	f.Add([]byte("a: 1\n"), "/~2~01//-1/+1/00")
	f.Fuzz(func(t *testing.T, data []byte, pointer string) {
		tokens := Tokens(pointer)
		lines := strings.Count(string(data), "\n") + 1
		docs, _ := Scan("x.yaml", data)
		for _, d := range docs {
			key, value, found := Walk(d.Root, map[string]any{}, tokens)
			if key == nil || value == nil {
				t.Fatalf("no place for %q, found is %t", pointer, found)
			}
			Same(value, "a")
		}
		blocks := Template(data)
		for i, b := range blocks {
			if b.line < 1 || b.line > lines || b.end < b.line || i > 0 && b.line <= blocks[i-1].line {
				t.Errorf("block %d stands in lines %d to %d of %d", i, b.line, b.end, lines)
			}
			b.fits("A", "a")
			if got := InTemplate(data, b.line, tokens); got < b.line || got >= b.end {
				t.Errorf("%q is in line %d, outside its object's lines %d to %d", pointer, got, b.line, b.end)
			}
		}
	})
}
