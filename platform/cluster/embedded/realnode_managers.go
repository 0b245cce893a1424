package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"dualtrack.internal/platform/catalog"
)

// managersNote says under which settings a kubelet noted what CPUs and memory it
// gave to whom.
func (l layout) managersNote() string { return l.nodeDir("managers.json") }

// forgetManagers removes what a kubelet that does not run noted of CPUs and
// memory under other settings than it is to have, and says whether there was
// anything: with another policy, or with less or more kept for the system, it
// would not start. The pods that had them get them anew from the kubelet's own
// list of pods, or are refused when they do not fit any more.
func (l layout) forgetManagers(k catalog.Kubelet) (forgot bool, err error) {
	want, err := json.Marshal(k)
	if err != nil {
		return false, fmt.Errorf("cluster %s: settings of the kubelet's managers: %w", l.name, err)
	}
	had, err := os.ReadFile(l.managersNote())
	if err == nil && string(had) == string(want) {
		return false, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, storage("read under which settings the kubelet noted CPUs and memory", l.root, err)
	}
	for _, file := range []string{"cpu_manager_state", "memory_manager_state"} {
		err := os.Remove(l.nodeDir("kubelet", file))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return forgot, storage("remove what the kubelet noted", l.root, err)
		}
		forgot = forgot || err == nil
	}
	if err := writeFile(l.managersNote(), want, true); err != nil {
		return forgot, storage("write under which settings the kubelet notes CPUs and memory", l.root, err)
	}
	return forgot, nil
}

// emptyManagers lets the next kubelet begin without notes: no container is left
// that has anything, and the machine may have other CPUs since its last boot.
func (l layout) emptyManagers() error {
	if err := os.Remove(l.managersNote()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return storage("forget what the kubelet noted", l.root, err)
	}
	return nil
}
