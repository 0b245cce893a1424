package cluster

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// namePattern is what a cluster may be called: it names folders and containers,
// and stands in certificates and kubeconfigs.
var namePattern = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// CheckName refuses a name that no provider could use.
func CheckName(name string) error {
	if !namePattern.MatchString(name) {
		return fmt.Errorf("cluster name %q: use lower case letters, digits and -, at most 63", name)
	}
	return nil
}

// Check refuses what no provider could start.
func (s Spec) Check() error {
	switch {
	case s.Cluster == nil:
		return errors.New("start a cluster: no cluster given")
	case s.Fleet == "":
		return fmt.Errorf("cluster %s: the fleet has no name", s.Cluster.Name)
	case !strings.HasPrefix(s.Kubernetes, "v"):
		return fmt.Errorf("cluster %s: Kubernetes version %q does not start with v", s.Cluster.Name, s.Kubernetes)
	}
	return nil
}

// CheckCPUs refuses CPUs that are kept from pods on a machine of so many that
// has not all of them, or no other.
func CheckCPUs(c *catalog.Cluster, machine int) error {
	kept, err := catalog.ParseCPUs(c.Spec.Kubernetes.Kubelet.ReservedSystemCPUs)
	if err != nil || len(kept) == 0 {
		return err
	}
	const field = "spec.kubernetes.kubelet.reservedSystemCPUs"
	what := ""
	switch {
	case kept[len(kept)-1] >= machine:
		what = fmt.Sprintf("names CPU %d, and this machine has %d, from 0", kept[len(kept)-1], machine)
	case len(kept) >= machine:
		what = fmt.Sprintf("keeps all %d CPUs of this machine, and pods get none", machine)
	default:
		return nil
	}
	return finding.Problems{{Position: c.At(field), Field: field, What: what, Mend: "name fewer, or run the cluster on a larger machine"}}
}

// EscapeGlob keeps a path with brackets from being read as a pattern.
func EscapeGlob(path string) string {
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// KeepFile writes a file of mode 0600 whole or not at all, such that it survives
// a loss of power, in a folder of mode 0700. What holds the data already is left
// alone. Errors: *StorageError.
func KeepFile(path string, data []byte) (err error) {
	if old, err := os.ReadFile(path); err == nil && string(old) == string(data) {
		return nil
	}
	defer func() {
		if err != nil {
			err = &StorageError{Doing: "write " + filepath.Base(path), Path: filepath.Dir(path), Err: err}
		}
	}()
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

// SecretsKey reads a cluster's key for Secrets, base64 of 32 bytes, or makes it.
// A key that cannot be read is an error: a new one would make every Secret
// unreadable. Errors: *StorageError.
func SecretsKey(name, path string) (string, error) {
	const size = 32 // what secretbox takes
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		raw := make([]byte, size)
		if _, err := rand.Read(raw); err != nil {
			return "", fmt.Errorf("key for Secrets: %w", err)
		}
		key := base64.StdEncoding.EncodeToString(raw)
		return key, KeepFile(path, []byte(key+"\n"))
	}
	if err != nil {
		return "", &StorageError{Doing: "read the key for Secrets", Path: filepath.Dir(path), Err: err}
	}
	key := strings.TrimSpace(string(data))
	if raw, err := base64.StdEncoding.DecodeString(key); err != nil || len(raw) != size {
		return "", fmt.Errorf("%s is damaged, and the cluster's Secrets cannot be read without it; restore it, or remove the cluster with `platform down -c %s`", path, name)
	}
	return key, nil
}
