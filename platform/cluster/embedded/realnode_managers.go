package embedded

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"dualtrack.internal/platform/catalog"
)

// forgetManagers removes what a kubelet that does not run noted of CPUs and
// memory under another policy than it is to have: it would not start with it.
// The pods that had them get them anew from the kubelet's own list of pods.
func (l layout) forgetManagers(k catalog.Kubelet) error {
	for _, state := range []struct{ file, policy string }{
		{"cpu_manager_state", cmp.Or(k.CPUManagerPolicy, "none")},
		{"memory_manager_state", cmp.Or(k.MemoryManagerPolicy, "None")},
	} {
		path := l.nodeDir("kubelet", state.file)
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return storage("read what the kubelet noted", l.root, err)
		}
		var noted struct {
			Policy string `json:"policyName"`
		}
		if err := json.Unmarshal(data, &noted); err != nil {
			return fmt.Errorf("cluster %s: %s: %w; `platform stop` and remove the file", l.name, path, err)
		}
		if noted.Policy == state.policy {
			continue
		}
		if err := os.Remove(path); err != nil {
			return storage("remove what the kubelet noted", l.root, err)
		}
	}
	return nil
}
