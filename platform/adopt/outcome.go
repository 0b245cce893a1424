package adopt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// Outcome is what was taken over, and the proof of it.
type Outcome struct {
	Engine   string            `json:"engine"`
	Hub      string            `json:"hub"`
	Clusters []Compared        `json:"clusters"`
	Left     []finding.Finding `json:"left,omitempty"` // what has no equivalent, or could not be followed
	Made     []string          `json:"made"`           // components
	Written  string            `json:"written,omitempty"`
	Kept     []string          `json:"kept,omitempty"` // files that stood there and stay

	files map[string][]byte
}

// Compared is the comparison of one cluster.
type Compared struct {
	Cluster     string       `json:"cluster"`
	Objects     int          `json:"objects"` // that the engine renders
	Equal       int          `json:"equal"`
	Differences []Difference `json:"differences,omitempty"`
}

// Difference is an object that is not equal.
type Difference struct {
	Object   finding.Object   `json:"object,omitzero"`
	Position finding.Position `json:"position,omitzero"` // in the tree that is taken over
	What     string           `json:"what"`
}

func (o *Outcome) finish() {
	o.Left = finding.Merge(o.Left)
	names := map[string]bool{}
	for file := range o.files {
		if rest, ok := strings.CutPrefix(file, "components/"); ok {
			name, _, _ := strings.Cut(rest, "/")
			names[name] = true
		}
	}
	o.Made = slices.Sorted(maps.Keys(names))
}

// Differs says that some object is not equal, or that something was not taken
// over.
func (o *Outcome) Differs() bool {
	return len(o.Left) > 0 || slices.ContainsFunc(o.Clusters, func(c Compared) bool { return len(c.Differences) > 0 })
}

// ErrTaken says that files stand where the catalog is to be written.
var ErrTaken = errors.New("stands there already, and nothing is overwritten")

// Write writes the catalog into a folder, all of it or nothing. A fleet and a lock
// that are there stay.
func (o *Outcome) Write(dir string) error {
	files := maps.Clone(o.files)
	for _, keep := range []string{"clusters/fleet.yaml", catalog.LockFile} {
		if _, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(keep))); err == nil {
			delete(files, keep)
			o.Kept = append(o.Kept, keep)
		}
	}
	if slices.Contains(o.Kept, "clusters/fleet.yaml") {
		delete(files, catalog.LockFile) // it stands on what it stands on
	}
	taken := map[string]bool{}
	for file := range files {
		at := unitOf(file)
		if _, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(at))); err == nil {
			taken[at] = true
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if len(taken) > 0 {
		return fmt.Errorf("%s: %w; choose another folder with --to, or remove them first", strings.Join(slices.Sorted(maps.Keys(taken)), ", "), ErrTaken)
	}
	if err := writeAll(dir, files); err != nil {
		for file := range files { // none of them stood there before
			_ = os.RemoveAll(filepath.Join(dir, filepath.FromSlash(unitOf(file))))
		}
		return fmt.Errorf("writing the catalog into %s: %w", dir, err)
	}
	o.Written = dir
	return nil
}

// unitOf is what must not be there yet: a component's or cluster's folder, else
// the file.
func unitOf(file string) string {
	parts := strings.Split(file, "/")
	if len(parts) > 2 {
		return path.Join(parts[:2]...)
	}
	return file
}

func writeAll(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		at := filepath.FromSlash(name)
		if err := root.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return err
		}
		if err := root.WriteFile(at, files[name], 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Text writes the outcome for people.
func (o *Outcome) Text(w io.Writer) error {
	var b bytes.Buffer
	for _, f := range o.Left {
		fmt.Fprintf(&b, "%s: %s\n", f.Position, f.Message)
		if len(f.Clusters) > 0 {
			fmt.Fprintf(&b, "    %s\n", strings.Join(f.Clusters, ", "))
		}
	}
	if len(o.Left) > 0 {
		b.WriteByte('\n')
	}
	objects, equal := 0, 0
	for _, c := range o.Clusters {
		objects, equal = objects+c.Objects, equal+c.Equal
		for _, d := range c.Differences {
			if at := d.Position.String(); at != "" {
				fmt.Fprintf(&b, "%s: ", at)
			}
			fmt.Fprintf(&b, "%s: %s\n", c.Cluster, strings.TrimSpace(d.Object.String()+" "+d.What))
		}
	}
	for _, c := range o.Clusters {
		fmt.Fprintf(&b, "%s: %d of %d objects equal\n", c.Cluster, c.Equal, c.Objects)
	}
	for _, name := range o.Kept {
		fmt.Fprintf(&b, "%s stood there and stays\n", name)
	}
	clusters := "1 cluster"
	if len(o.Clusters) != 1 {
		clusters = fmt.Sprintf("%d clusters", len(o.Clusters))
	}
	fmt.Fprintf(&b, "%d of %d objects of %s are what %s renders; %d not taken over · hub %s\n",
		equal, objects, clusters, o.Engine, len(o.Left), o.Hub)
	if o.Written == "" {
		b.WriteString("nothing is written; --to DIR writes the catalog\n")
	} else {
		fmt.Fprintf(&b, "written to %s: components %s\n", o.Written, strings.Join(o.Made, ", "))
	}
	_, err := w.Write(b.Bytes())
	return err
}

// JSON writes the outcome for programs.
func (o *Outcome) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(o)
}
