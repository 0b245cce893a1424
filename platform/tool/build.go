package tool

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const (
	tempPrefix = ".building-"
	recordName = "build.json"
	// buildGrace is how long a cancelled go build may clean up.
	buildGrace = 5 * time.Second
)

// record stands beside a binary and says how it was made.
type record struct {
	Program   string        `json:"program"`
	Sources   string        `json:"sources"`
	Toolchain string        `json:"toolchain"`
	Bytes     int64         `json:"bytes"`
	Took      time.Duration `json:"tookNanoseconds"`
	Made      time.Time     `json:"made"`
}

func readRecord(dir string) (record, error) {
	var rec record
	data, err := os.ReadFile(filepath.Join(dir, recordName))
	if err != nil {
		return rec, fmt.Errorf("record of a build: %w", err)
	}
	if err := json.Unmarshal(data, &rec); err != nil {
		return rec, fmt.Errorf("record of a build in %s: %w", dir, err)
	}
	return rec, nil
}

// GoError says that there is no Go to build with.
type GoError struct{ Err error }

func (e *GoError) Error() string { return noGo + "; " + mendGo }

const (
	noGo   = "the programs under tools/ must be built once, and no `go` is in PATH"
	mendGo = "install Go and put its bin folder into PATH"
)

// Unwrap is what the search answered.
func (e *GoError) Unwrap() error { return e.Err }

func findGo() (string, error) {
	path, err := exec.LookPath("go")
	if err != nil {
		return "", &GoError{Err: err}
	}
	return path, nil
}

// build makes one program. The caller holds the lock.
func (s *Store) build(ctx context.Context, p Program, goPath string, ev Events) (string, error) {
	k, err := s.key(p)
	if err != nil {
		return "", err
	}
	temp, err := os.MkdirTemp(s.cfg.CacheDir, tempPrefix+p.Name+"-")
	if err != nil {
		return "", fmt.Errorf("build %s: %w", p.Name, err)
	}
	defer func() { _ = os.RemoveAll(temp) }() // what stays, a later prune takes
	start := time.Now()
	expected := s.expected(p)
	stop := every(ctx, time.Second, func() {
		ev.send(Progress{Program: p.Name, State: Building, Elapsed: time.Since(start), Expected: expected})
	})
	err = s.goBuild(ctx, p, goPath, temp)
	stop()
	took := time.Since(start)
	if err == nil {
		err = s.publish(p, k, temp, took)
	}
	state := Built
	if err != nil {
		state = Failed
	}
	ev.send(Progress{Program: p.Name, State: state, Elapsed: took, Expected: expected})
	return filepath.Join(s.folder(p, k), binary(p.Name)), err
}

// goBuild runs go build in its own process group, output and work folder in temp.
func (s *Store) goBuild(ctx context.Context, p Program, goPath, temp string) error {
	work := filepath.Join(temp, "work")
	if err := os.Mkdir(work, 0o700); err != nil {
		return fmt.Errorf("build %s: %w", p.Name, err)
	}
	args := []string{"build", "-mod=readonly", "-trimpath", "-buildvcs=false"}
	if len(p.Tags) > 0 {
		args = append(args, "-tags", strings.Join(p.Tags, ","))
	}
	args = append(args, "-ldflags", p.LDFlags, "-o", filepath.Join(temp, binary(p.Name)), p.Package)
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, goPath, args...)
	cmd.Dir = filepath.Join(s.cfg.ToolsDir, p.Dir)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GO111MODULE=on",
		"GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH, "GOTMPDIR="+work, "PWD="+cmd.Dir)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = buildGrace
	ownGroup(cmd)
	err := runBound(cmd)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("build %s: %w", p.Name, context.Cause(ctx))
	}
	cache := moduleCache(ctx, goPath, cmd)
	missing := missingModules(out.String(), func(path, version string) bool { return moduleCached(cache, path, version) })
	return &BuildError{Program: p.Name, Dir: cmd.Dir, Missing: missing, Output: tail(out.String(), 20), Err: err}
}

// moduleCache asks go where it keeps modules, in the environment of a build.
func moduleCache(ctx context.Context, goPath string, build *exec.Cmd) string {
	cmd := exec.CommandContext(ctx, goPath, "env", "GOMODCACHE")
	cmd.Dir, cmd.Env = build.Dir, build.Env
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// runBound starts and waits on one thread of its own: a child that asks to be
// ended with its parent is ended with the thread that started it.
func runBound(cmd *exec.Cmd) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		done <- cmd.Run()
	}()
	return <-done
}

// publish moves a finished build to its place at once.
func (s *Store) publish(p Program, k key, temp string, took time.Duration) error {
	path := filepath.Join(temp, binary(p.Name))
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("build %s: %w", p.Name, err)
	}
	rec := record{Program: p.Name, Sources: k.sources, Toolchain: k.toolchain, Bytes: info.Size(), Took: took, Made: time.Now().UTC()}
	data, err := json.MarshalIndent(rec, "", "  ")
	if err != nil {
		return fmt.Errorf("build %s: %w", p.Name, err)
	}
	final := s.folder(p, k)
	err = errors.Join(
		os.RemoveAll(filepath.Join(temp, "work")),
		os.WriteFile(filepath.Join(temp, recordName), data, 0o600),
		syncPath(path),
		syncPath(filepath.Join(temp, recordName)),
		os.RemoveAll(final), // a build whose files were damaged
	)
	if err == nil {
		err = os.Rename(temp, final)
	}
	if err != nil {
		return fmt.Errorf("keep %s in %s: %w", p.Name, s.cfg.CacheDir, err)
	}
	return syncPath(s.cfg.CacheDir)
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && runtime.GOOS != "windows" { // which cannot sync a folder
		return fmt.Errorf("sync %s: %w", path, err)
	}
	return nil
}

// expected is the last build's time on this machine, else the measured one.
func (s *Store) expected(p Program) time.Duration {
	var newest record
	for _, dir := range s.candidates(p, key{}) {
		if rec, err := readRecord(dir); err == nil && rec.Made.After(newest.Made) {
			newest = rec
		}
	}
	// A rebuild with a warm compiler cache says nothing about a cold one.
	return max(p.Expected, newest.Took)
}

// every calls f now and then each period until the returned function is called,
// which waits for the last call to end.
func every(ctx context.Context, period time.Duration, f func()) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(period)
		defer tick.Stop()
		for f(); ; f() {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return func() { cancel(); <-done }
}
