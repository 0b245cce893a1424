package kind

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"dualtrack.internal/platform/cluster"
)

// stateFormat changes when an older program could not read the folder.
const stateFormat = 1

// layout is the folder of one cluster.
type layout struct{ name, root string }

func (l layout) path(parts ...string) string {
	return filepath.Join(append([]string{l.root}, parts...)...)
}
func (l layout) kubeconfig() string { return l.path("admin.kubeconfig") }
func (l layout) log() string        { return l.path("kind.log") }

// there says that the folder is.
func (l layout) there() bool {
	_, err := os.Lstat(l.root)
	return err == nil
}

func (l layout) removeAll() error {
	if err := os.RemoveAll(l.root); err != nil {
		return storage("remove the state of cluster "+l.name, l.root, err)
	}
	_ = os.Remove(filepath.Dir(l.root)) // stays while it holds others
	return nil
}

// identity is what is known of a cluster over its life.
type identity struct {
	Format  int               `json:"format"`
	Fleet   string            `json:"fleet"`
	Cluster string            `json:"cluster"`
	Name    string            `json:"name"`  // in kind
	Ready   bool              `json:"ready"` // made whole; else what is there is a killed start's
	Hash    string            `json:"settings"`
	Image   Image             `json:"image"`
	Port    int               `json:"port"`
	Nodes   map[string]string `json:"nodes,omitempty"` // containers with their addresses
	Lacks   []cluster.Ability `json:"lacks"`
}

// readIdentity returns ErrNotFound when there is none.
func (l layout) readIdentity() (identity, error) {
	var id identity
	data, err := os.ReadFile(l.path("cluster.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return id, fmt.Errorf("cluster %s: %w", l.name, ErrNotFound)
	}
	if err != nil {
		return id, storage("read the state of cluster "+l.name, l.root, err)
	}
	if err := json.Unmarshal(data, &id); err != nil {
		return id, fmt.Errorf("%s: %w; remove the containers labelled io.x-k8s.kind.cluster, and this folder", l.path("cluster.json"), err)
	}
	if id.Format != stateFormat {
		return id, fmt.Errorf("cluster %s: its folder has format %d and this program knows %d; use the program that made it", l.name, id.Format, stateFormat)
	}
	return id, nil
}

func (l layout) writeIdentity(id identity) error {
	data, err := json.MarshalIndent(id, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", l.path("cluster.json"), err)
	}
	return cluster.KeepFile(l.path("cluster.json"), append(data, '\n'))
}

// tail reads the last bytes of a log, in whole lines.
func tail(path string, most int64) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	from := max(0, info.Size()-most)
	data := make([]byte, info.Size()-from)
	n, err := f.ReadAt(data, from)
	if n == 0 && err != nil {
		return ""
	}
	text := string(data[:n])
	if from > 0 {
		_, text, _ = strings.Cut(text, "\n")
	}
	return strings.TrimRight(text, "\n")
}
