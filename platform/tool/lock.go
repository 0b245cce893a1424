package tool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// lockPoll is how often a waiting process looks again.
const lockPoll = 50 * time.Millisecond

// Holder says who holds a lock.
type Holder struct {
	PID     int       `json:"pid"`
	Command string    `json:"command"` // command line, cut to 200 bytes
	Doing   string    `json:"doing"`
	Since   time.Time `json:"since"`
}

// String gives "process 12 (platform up, building programs) since 10:11:12".
func (h Holder) String() string {
	if h.PID == 0 {
		return "another process"
	}
	return fmt.Sprintf("process %d (%s, %s) since %s", h.PID, h.Command, h.Doing, h.Since.Local().Format(time.TimeOnly))
}

// HeldError says that a lock is held by somebody else.
type HeldError struct {
	Path   string
	Holder Holder
	Err    error // why waiting ended; nil when nothing was waited for
}

func (e *HeldError) Error() string {
	s := fmt.Sprintf("%s is held by %s", e.Path, e.Holder)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap is why waiting ended.
func (e *HeldError) Unwrap() error { return e.Err }

// Acquire takes the lock file at path, making it and its folder if needed, and
// returns what releases it. When another process or another caller holds it:
// with a nil wait the answer is a *HeldError at once; else wait is told who,
// once, and Acquire waits until ctx ends. The lock dies with its process.
func Acquire(ctx context.Context, path, doing string, wait func(Holder)) (release func(), err error) {
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for told := false; ; told = true {
		release, err := tryLock(path, doing)
		if err != nil || release != nil {
			return release, err
		}
		holder := readHolder(path)
		if wait == nil {
			return nil, &HeldError{Path: path, Holder: holder}
		}
		if !told {
			wait(holder)
		}
		select {
		case <-ctx.Done():
			return nil, &HeldError{Path: path, Holder: holder, Err: context.Cause(ctx)}
		case <-tick.C:
		}
	}
}

// tryLock returns nil, nil when somebody else holds the lock.
func tryLock(path, doing string) (func(), error) {
	// The last holder may have removed the folder.
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("folder of the lock %s: %w", path, err)
	}
	lock := flock.New(path, flock.SetPermissions(0o600))
	ok, err := lock.TryLock()
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil // the folder is just being removed: look again
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if !ok {
		return nil, lock.Close()
	}
	// The last holder may have removed the file: this lock is then nobody's.
	mine, err := lock.Stat()
	now, statErr := os.Stat(path)
	if err != nil || statErr != nil || !os.SameFile(mine, now) {
		return nil, lock.Close()
	}
	writeHolder(path, doing)
	return func() {
		_ = os.Remove(holderFile(path))
		_ = lock.Close()
	}, nil
}

func holderFile(path string) string { return path + ".holder" }

// writeHolder notes who holds the lock. The note is only shown to people, so
// that failing to write it harms nobody.
func writeHolder(path, doing string) {
	args := append([]string{filepath.Base(os.Args[0])}, os.Args[1:]...)
	command := strings.Join(args, " ")
	if len(command) > 200 {
		command = command[:200]
	}
	data, err := json.Marshal(Holder{PID: os.Getpid(), Command: command, Doing: doing, Since: time.Now().UTC()})
	if err == nil {
		_ = os.WriteFile(holderFile(path), data, 0o600)
	}
}

func readHolder(path string) Holder {
	var h Holder
	data, err := os.ReadFile(holderFile(path))
	if err != nil || json.Unmarshal(data, &h) != nil {
		return Holder{}
	}
	return h
}
