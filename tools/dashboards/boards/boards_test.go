package boards

import (
	"bytes"
	"encoding/json"
	"testing"
)

// TestFiles holds what links and provisioning need; the judge looks at the rest.
func TestFiles(t *testing.T) {
	t.Parallel()
	files, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(All()) {
		t.Errorf("%d files of %d dashboards", len(files), len(All()))
	}
	for name, data := range files {
		if !bytes.Equal(data, again[name]) {
			t.Errorf("%s: two runs differ", name)
		}
		var got map[string]any
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if id, there := got["id"]; id != nil || !there {
			t.Errorf("%s: its id is not null", name)
		}
	}
}

// TestRowsFill holds that rows fill their width: a gap at the end of a line is a
// panel that was forgotten.
func TestRowsFill(t *testing.T) {
	t.Parallel()
	for _, b := range All() {
		for _, row := range b.Rows {
			var x uint32
			for _, p := range row.Panels {
				if x += p.Width; x > columns {
					t.Errorf("%s: %s: %q leaves a gap before it", b.Title, row.Title, p.Title)
				}
				x %= columns
			}
			if x != 0 {
				t.Errorf("%s: %s: its last line ends at column %d", b.Title, row.Title, x)
			}
		}
	}
}
