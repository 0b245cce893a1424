package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"dualtrack.internal/platform/cluster"
)

// stateFormat changes when an older program could not read the folder.
const stateFormat = 1

// layout is the folder of one cluster.
type layout struct{ name, root string }

func (l layout) path(parts ...string) string {
	return filepath.Join(append([]string{l.root}, parts...)...)
}
func (l layout) pki(file string) string        { return l.path("pki", file) }
func (l layout) conf(file string) string       { return l.path("conf", file) }
func (l layout) kubeconfig(user string) string { return l.conf(user + ".kubeconfig") }
func (l layout) log(program string) string     { return l.path("logs", program+".log") }
func (l layout) record(program string) string  { return l.path("run", program+".json") }

// marker is the environment entry that each process of the cluster carries.
// It is there from the first instant, which a record written after the fork is
// not.
func (l layout) marker(program string) string { return markerName + "=" + l.root + "/" + program }

const (
	markerName   = "DUALTRACK_PROCESS"
	settingsName = "DUALTRACK_SETTINGS"
	// binaryName tells a program from those it starts, which inherit its marker.
	binaryName = "DUALTRACK_BINARY"
)

// makeFolders makes what a start needs.
func (l layout) makeFolders() error {
	for _, dir := range []string{"pki", "conf", "logs", "run", "data", "audit", "home"} {
		if err := os.MkdirAll(l.path(dir), 0o700); err != nil {
			return storage("make the folder "+dir, l.root, err)
		}
	}
	return nil
}

// identity is what stays the same over a cluster's life.
type identity struct {
	Format  int               `json:"format"`
	Fleet   string            `json:"fleet"`
	Cluster string            `json:"cluster"`
	Members int               `json:"etcdMembers"`     // as first started: a store cannot grow in place
	Boot    string            `json:"boot"`            // boot id at the last start
	Lacks   []cluster.Ability `json:"lacks,omitempty"` // by the last start's declaration
	Ports   map[string]int    `json:"ports"`
	Link    string            `json:"nodeLink,omitempty"` // addresses between this machine and the real node
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
		return id, fmt.Errorf("%s: %w; `platform down -c %s` removes the cluster", l.path("cluster.json"), err, l.name)
	}
	if id.Format != stateFormat {
		return id, fmt.Errorf("cluster %s: its folder has format %d and this program knows %d; use the program that made it, or remove the cluster with `platform down -c %s`",
			l.name, id.Format, stateFormat, l.name)
	}
	return id, nil
}

// removeUnbegun removes the folder of a cluster of which nothing was made: it has
// no identity yet, which is written before any program starts. What a real node
// has outside the folder is for Remove to find by it.
func (l layout) removeUnbegun() error {
	_, err := l.readIdentity()
	if _, node := os.Lstat(l.nodeDir()); !errors.Is(err, ErrNotFound) || node == nil {
		return nil
	}
	return storage("remove cluster "+l.name, l.root, os.RemoveAll(l.root))
}

func (l layout) writeIdentity(id identity) error {
	return writeJSON(l.path("cluster.json"), id)
}

// record is one program's last start.
type record struct {
	Program  string    `json:"program"`
	Argv     []string  `json:"argv"`
	PID      int       `json:"pid"`
	Started  time.Time `json:"started"`
	Settings string    `json:"settings"`
}

func (l layout) readRecord(program string) (record, error) {
	var rec record
	data, err := os.ReadFile(l.record(program))
	if err != nil {
		return rec, storage("read the record of "+program, l.root, err)
	}
	if err := json.Unmarshal(data, &rec); err != nil {
		return rec, fmt.Errorf("%s: %w", l.record(program), err)
	}
	return rec, nil
}

func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return writeFile(path, append(data, '\n'), true)
}

// writeFile writes a file of mode 0600 whole or not at all. A durable one
// survives a loss of power.
func writeFile(path string, data []byte, durable bool) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*") // mode 0600
	if err != nil {
		return storage("write "+filepath.Base(path), filepath.Dir(path), err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
			err = storage("write "+filepath.Base(path), filepath.Dir(path), err)
		}
	}()
	_, err = f.Write(data)
	if err == nil && durable {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// writeChanged writes a file unless it already holds the data.
func writeChanged(path string, data []byte) error {
	if old, err := os.ReadFile(path); err == nil && string(old) == string(data) {
		return nil
	}
	return writeFile(path, data, false)
}
