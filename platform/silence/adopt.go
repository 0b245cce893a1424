package silence

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// File is a file of silences, as it is written. Its text is YAML.
type File struct {
	APIVersion string   `yaml:"apiVersion" json:"apiVersion"`
	Kind       string   `yaml:"kind" json:"kind"`
	Metadata   fileMeta `yaml:"metadata" json:"metadata"`
	Spec       fileSpec `yaml:"spec" json:"spec"`
}

type fileMeta struct {
	Name string `yaml:"name" json:"name"`
}

type fileSpec struct {
	Silences []entry `yaml:"silences" json:"silences"`
}

type entry struct {
	Name     string         `yaml:"name" json:"name"`
	Matchers []entryMatcher `yaml:"matchers" json:"matchers"`
	From     string         `yaml:"from" json:"from"`
	Until    string         `yaml:"until" json:"until"`
	Owner    string         `yaml:"owner" json:"owner"`
	Reason   string         `yaml:"reason" json:"reason"`
}

type entryMatcher struct {
	Label string `yaml:"label" json:"label"`
	Op    string `yaml:"op,omitempty" json:"op,omitempty"` // absent: =
	Value string `yaml:"value" json:"value"`
}

// Import writes the foreign silences of an Alertmanager down as a file of Git.
// left says which ones no file can hold, and why.
func Import(ctx context.Context, a *Alertmanager, s Source, name string) (f *File, left []string, err error) {
	held, err := a.List(ctx)
	if err != nil {
		return nil, nil, err
	}
	f, left = adopt(cmp.Or(name, "adopted"), s, held)
	return f, left, nil
}

// adopt gives each foreign silence the owner and the reason that its maker left:
// where that is nothing, policy will ask.
func adopt(name string, s Source, held []Held) (f *File, left []string) {
	f = &File{APIVersion: catalog.APIVersion, Kind: "Silences", Metadata: fileMeta{name}, Spec: fileSpec{Silences: []entry{}}}
	var taken []string
	for _, w := range s.Wanted {
		taken = append(taken, w.Name)
	}
	byID := map[string]Held{}
	for _, h := range held {
		byID[h.ID] = h
	}
	for _, foreign := range Compare(s, held).Foreign {
		h := byID[foreign.ID]
		e := entry{Name: freeName(h.ID, taken), From: instant(h.From), Until: instant(h.Until),
			Owner: strings.TrimSpace(h.By), Reason: strings.TrimSpace(reasonOf(h.Comment))}
		for _, m := range h.Matchers {
			op := m.Op
			if op == catalog.Equal {
				op = "" // a bare = has a meaning of its own in YAML
			}
			e.Matchers = append(e.Matchers, entryMatcher{m.Label, op, m.Value})
		}
		if err := f.readable(e); err != nil {
			left = append(left, fmt.Sprintf("%s: %v", h.ID, err))
			continue
		}
		taken = append(taken, e.Name)
		f.Spec.Silences = append(f.Spec.Silences, e)
	}
	return f, left
}

// readable says why the catalog would not read a file with an entry.
func (f *File) readable(e entry) error {
	alone := *f
	alone.Metadata.Name, alone.Spec = "file", fileSpec{Silences: []entry{e}}
	var text bytes.Buffer
	if err := alone.Text(&text); err != nil {
		return err
	}
	_, err := catalog.ReadSilences("file.yaml", text.Bytes())
	if p, ok := errors.AsType[*finding.Problem](err); ok { // its place is in a file that is not there
		return errors.New(p.What)
	}
	return err
}

var fileName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// FileError says why a file of silences cannot be begun.
type FileError struct{ What string }

func (e *FileError) Error() string { return e.What }

// Write begins the file in a repository's policies/silences/ and gives its path there. It
// never writes over one.
func (f *File) Write(root string) (string, error) {
	name := f.Metadata.Name
	if !fileName.MatchString(name) {
		return "", &FileError{fmt.Sprintf("%q is no name of a file of silences; use up to 63 of a-z, 0-9 and -", name)}
	}
	var text bytes.Buffer
	if err := f.Text(&text); err != nil {
		return "", err
	}
	path := "policies/silences/" + name + ".yaml"
	full := filepath.Join(root, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	out, err := os.OpenFile(full, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return "", &FileError{path + " is there already; choose another name"}
	}
	if err == nil {
		_, err = out.Write(text.Bytes())
		err = errors.Join(err, out.Close())
	}
	if err != nil {
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	return path, nil
}

// reasonOf is a comment without a mark that somebody copied.
func reasonOf(comment string) string {
	if m := marked.FindStringSubmatch(comment); m != nil {
		return m[1]
	}
	return comment
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// freeName is a name for an id that no other silence has.
func freeName(id string, taken []string) string {
	plain := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(id), "-"), "-")
	short := strings.TrimRight("adopted-"+plain[:min(8, len(plain))], "-")
	name := short
	for n := 2; slices.Contains(taken, name); n++ {
		name = fmt.Sprintf("%s-%d", short, n)
	}
	return name
}

// Text writes the file.
func (f *File) Text(w io.Writer) error {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(f); err != nil {
		return fmt.Errorf("write %s: %w", f.Metadata.Name, err)
	}
	if err := enc.Close(); err != nil {
		return fmt.Errorf("write %s: %w", f.Metadata.Name, err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// JSON writes the file as one document.
func (f *File) JSON(w io.Writer) error { return json.NewEncoder(w).Encode(f) }
