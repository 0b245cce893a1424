package kind

import (
	"crypto/rand"
	"encoding/base64"
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
	return writeFile(l.path("cluster.json"), append(data, '\n'))
}

// writeFile writes a file of mode 0600 whole or not at all, in a folder of mode
// 0700. What holds the data already is left alone.
func writeFile(path string, data []byte) (err error) {
	if old, err := os.ReadFile(path); err == nil && string(old) == string(data) {
		return nil
	}
	defer func() { err = storage("write "+filepath.Base(path), filepath.Dir(path), err) }()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// secretsKey reads the cluster's key for Secrets, or makes it. A key that cannot
// be read is an error: a new one would make every Secret unreadable.
func (l layout) secretsKey() (string, error) {
	const size = 32 // what secretbox takes
	path := l.path("secrets.key")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		raw := make([]byte, size)
		if _, err := rand.Read(raw); err != nil {
			return "", fmt.Errorf("key for Secrets: %w", err)
		}
		key := base64.StdEncoding.EncodeToString(raw)
		return key, writeFile(path, []byte(key+"\n"))
	}
	if err != nil {
		return "", storage("read the key for Secrets", l.root, err)
	}
	key := strings.TrimSpace(string(data))
	if raw, err := base64.StdEncoding.DecodeString(key); err != nil || len(raw) != size {
		return "", fmt.Errorf("%s is damaged; remove the cluster with `platform down -c %s`", path, l.name)
	}
	return key, nil
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
