// Command runtime is an OCI runtime for hosts that may not give every
// capability: where the bounding set of this process lacks one, it takes it out
// of what a container asks for and then becomes runc. A container gets less than
// it asked for, never more; what was taken out stands in runc's log. On a host
// that lacks nothing it changes no file.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

func main() {
	if err := run(os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "runtime:", err)
		os.Exit(1)
	}
}

// run edits what the command line names and replaces this process by runc.
func run(args []string) error {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return fmt.Errorf("capabilities of this process: %w", err)
	}
	held, err := bounding(string(status))
	if err != nil {
		return err
	}
	call := parse(args[1:])
	for _, spec := range call.specs {
		dropped, err := edit(spec, held)
		if err != nil {
			return err
		}
		if len(dropped) > 0 {
			note(call.log, spec.path, dropped)
		}
	}
	runc, err := findRunc()
	if err != nil {
		return err
	}
	args = append([]string{"runc"}, args[1:]...)
	if err := syscall.Exec(runc, args, os.Environ()); err != nil {
		return fmt.Errorf("start %s: %w", runc, err)
	}
	return nil
}

// findRunc looks in PATH and where distributions put it: a daemon's PATH may
// lack the folders of system programs.
func findRunc() (string, error) {
	for _, name := range []string{"runc", "/usr/sbin/runc", "/usr/bin/runc", "/usr/local/sbin/runc"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no runc in PATH or in the folders of system programs; install runc")
}

// note appends a line to the log that the caller gave, in the format of runc's
// own lines; a log that cannot be written stops no container.
func note(path, spec string, dropped []string) {
	line := fmt.Sprintf("%s: this host cannot give %s; the container starts without", spec, strings.Join(dropped, ", "))
	data, err := json.Marshal(map[string]string{"level": "warning", "msg": line, "time": time.Now().UTC().Format(time.RFC3339)})
	if err != nil || path == "" {
		fmt.Fprintln(os.Stderr, line)
		return
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		fmt.Fprintln(os.Stderr, line)
		return
	}
	defer f.Close()
	fmt.Fprintln(f, string(data))
}
