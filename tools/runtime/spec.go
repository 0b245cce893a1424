package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// maxSpec is the largest file that is read; docker's are 20 kB.
const maxSpec = 16 << 20

// names are the capabilities in the order of their bits.
func names() []string {
	return strings.Fields(`CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETGID
		CAP_SETUID CAP_SETPCAP CAP_LINUX_IMMUTABLE CAP_NET_BIND_SERVICE CAP_NET_BROADCAST CAP_NET_ADMIN CAP_NET_RAW
		CAP_IPC_LOCK CAP_IPC_OWNER CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_CHROOT CAP_SYS_PTRACE CAP_SYS_PACCT CAP_SYS_ADMIN
		CAP_SYS_BOOT CAP_SYS_NICE CAP_SYS_RESOURCE CAP_SYS_TIME CAP_SYS_TTY_CONFIG CAP_MKNOD CAP_LEASE CAP_AUDIT_WRITE
		CAP_AUDIT_CONTROL CAP_SETFCAP CAP_MAC_OVERRIDE CAP_MAC_ADMIN CAP_SYSLOG CAP_WAKE_ALARM CAP_BLOCK_SUSPEND
		CAP_AUDIT_READ CAP_PERFMON CAP_BPF CAP_CHECKPOINT_RESTORE`)
}

// bounding reads the bounding set from /proc/PID/status: capability → held.
func bounding(status string) (map[string]bool, error) {
	for _, line := range strings.Split(status, "\n") {
		value, ok := strings.CutPrefix(line, "CapBnd:")
		if !ok {
			continue
		}
		bits, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		if err != nil {
			return nil, fmt.Errorf("bounding set %q: %w", line, err)
		}
		held := map[string]bool{}
		for i, name := range names() {
			held[name] = bits>>i&1 == 1
		}
		return held, nil
	}
	return nil, fmt.Errorf("the status of this process names no bounding set")
}

// spec is a file that says what a process may do.
type spec struct {
	path   string
	bundle bool // a whole config.json; else one process
}

// call is what matters of a command line.
type call struct {
	log   string
	specs []spec
}

// parse finds the log, the bundle and the process file among runc's arguments,
// global flags before the command and its own after it.
func parse(args []string) call {
	var c call
	command := ""
	bundle := ""
	for i := 0; i < len(args); i++ {
		flag, value, glued := strings.Cut(args[i], "=")
		take := func() string {
			if !glued && i+1 < len(args) {
				i++
				value = args[i]
			}
			return value
		}
		switch {
		case flag == "--log" && command == "":
			c.log = take()
		case (flag == "--root" || flag == "--log-format" || flag == "--criu" || flag == "--rootless") && command == "":
			take()
		case command == "" && !strings.HasPrefix(flag, "-"):
			command = args[i]
		case (flag == "--bundle" || flag == "-b") && starts(command):
			bundle = take()
		case (flag == "--process" || flag == "-p") && command == "exec":
			c.specs = append(c.specs, spec{path: take()})
		}
	}
	if starts(command) {
		c.specs = append(c.specs, spec{path: filepath.Join(bundle, "config.json"), bundle: true})
	}
	return c
}

// starts says that a command reads a bundle's config.json.
func starts(command string) bool {
	return slices.Contains([]string{"create", "run", "restore"}, command)
}

// edit takes out of a file what is not held and says what that was. A file that
// asks for nothing else stays as it is, to the byte.
func edit(s spec, held map[string]bool) ([]string, error) {
	info, err := os.Stat(s.path)
	if err != nil {
		return nil, fmt.Errorf("what the container asks for: %w", err)
	}
	f, err := os.Open(s.path)
	if err != nil {
		return nil, fmt.Errorf("what the container asks for: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSpec+1))
	f.Close()
	if err != nil {
		return nil, fmt.Errorf("what the container asks for: %w", err)
	}
	if len(data) > maxSpec {
		return nil, fmt.Errorf("%s is longer than %d bytes", s.path, maxSpec)
	}
	out, dropped, err := strip(data, s.bundle, held)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.path, err)
	}
	if len(dropped) == 0 {
		return nil, nil
	}
	// In place: the caller holds this very path.
	if err := os.WriteFile(s.path, out, info.Mode().Perm()); err != nil {
		return nil, fmt.Errorf("ask for less: %w", err)
	}
	return dropped, nil
}

// strip removes from a process's sets of capabilities those not held. Names that
// this program does not know are not held either: they are newer than it.
func strip(data []byte, bundle bool, held map[string]bool) (out []byte, dropped []string, err error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber() // limits do not fit into a float
	var document map[string]any
	if err := decoder.Decode(&document); err != nil {
		return nil, nil, fmt.Errorf("not a JSON object: %w", err)
	}
	process := document
	if bundle {
		process, _ = document["process"].(map[string]any)
	}
	sets, _ := process["capabilities"].(map[string]any)
	for name, value := range sets {
		list, ok := value.([]any)
		if !ok {
			continue
		}
		kept := []any{}
		for _, c := range list {
			if text, _ := c.(string); held[text] {
				kept = append(kept, c)
			} else {
				dropped = append(dropped, fmt.Sprint(c))
			}
		}
		sets[name] = kept
	}
	slices.Sort(dropped)
	dropped = slices.Compact(dropped)
	out, err = json.Marshal(document)
	return out, dropped, err
}
