package acceptance

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// closedPipe runs a command whose reader has gone, as `… | head -1` leaves it.
func (f *fleet) closedPipe(t *testing.T, args ...string) outcome {
	t.Helper()
	read, write, err := os.Pipe()
	check(t, err)
	check(t, read.Close())
	defer write.Close()
	cmd := f.command(t.Context(), args...)
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = write, &stderr
	_ = cmd.Run() // the exit code says it
	return outcome{code: cmd.ProcessState.ExitCode(), stderr: stderr.String()}
}

// TestStreams writes results where they cannot go.
func TestStreams(t *testing.T) {
	f := newFleet(t)
	for _, c := range []struct {
		name string
		args []string
	}{
		{"text", []string{"check"}},
		{"json", []string{"check", "-o", "json"}},
		{"bundles", []string{"render"}},
		{"help", []string{"--help"}},
	} {
		t.Run("closed pipe: "+c.name, func(t *testing.T) {
			if got := f.closedPipe(t, c.args...); got.code != 0 || got.stderr != "" {
				t.Errorf("exit %d, want 0 and no word:\n%s", got.code, got.stderr)
			}
		})
	}
	t.Run("full disk", func(t *testing.T) {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		check(t, err)
		defer full.Close()
		cmd := f.command(t.Context(), "check")
		var stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = full, &stderr
		_ = cmd.Run() // the exit code says it
		if code := cmd.ProcessState.ExitCode(); code != 6 || !strings.Contains(stderr.String(), "the disk is full: free some space") {
			t.Errorf("exit %d, want 6 and the mend:\n%s", code, stderr.String())
		}
	})
}
