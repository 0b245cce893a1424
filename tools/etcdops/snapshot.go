package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.uber.org/zap"
)

const (
	prefix = "snapshot-"
	suffix = ".db"
	taking = ".taking" // begins the names of what is not yet a snapshot
)

// snapshotResult says what was taken and what was given up.
type snapshotResult struct {
	File     string   `json:"file"`
	Revision int64    `json:"revision"`
	Keys     int      `json:"keys"`
	Bytes    int64    `json:"bytes"`
	Seconds  float64  `json:"seconds"`
	Removed  []string `json:"removed"`
}

type snapshotting struct {
	access
	dir  string
	keep int
}

func newSnapshot(fs *flag.FlagSet, args []string) (task, error) {
	var s snapshotting
	s.flags(fs)
	fs.StringVar(&s.dir, "dir", "", "folder of the snapshots")
	fs.IntVar(&s.keep, "keep", 24, "how many are kept")
	if err := whole(fs, args); err != nil {
		return nil, err
	}
	if s.dir == "" || s.keep < 1 {
		return nil, errors.New("-dir is empty, or -keep under 1")
	}
	return &s, s.check()
}

// run takes a snapshot from the first member that answers, and removes the oldest
// beyond what is kept only once the new one was read back.
func (a *snapshotting) run(ctx context.Context) (any, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	if err := clearLeft(a.dir, began.Add(-max(2*a.timeout, time.Hour))); err != nil {
		return nil, err
	}
	own, err := os.MkdirTemp(a.dir, taking) // another job may be taking one too
	if err != nil {
		return nil, fmt.Errorf("make a folder for the new snapshot: %w", err)
	}
	defer func() { _ = os.RemoveAll(own) }() // else clearLeft does, later
	temp := filepath.Join(own, "db")
	if err := a.save(ctx, temp); err != nil {
		return nil, err
	}
	status, err := snapshot.NewV3(zap.NewNop()).Status(temp)
	if err != nil {
		return nil, fmt.Errorf("read the new snapshot back: %w", err)
	}
	name := fmt.Sprintf("%s%s-r%d%s", prefix, began.UTC().Format("20060102T150405.000"), status.Revision, suffix)
	if err := os.Rename(temp, filepath.Join(a.dir, name)); err != nil {
		return nil, fmt.Errorf("keep the snapshot: %w", err)
	}
	removed, err := retain(a.dir, a.keep)
	return snapshotResult{File: name, Revision: status.Revision, Keys: status.TotalKey, Bytes: status.TotalSize,
		Seconds: time.Since(began).Seconds(), Removed: removed}, err
}

// clearLeft removes what killed jobs left: what is older than any job that still runs.
func clearLeft(dir string, before time.Time) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look for what killed jobs left: %w", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if !strings.HasPrefix(e.Name(), taking) || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil && info.ModTime().Before(before) {
			err = os.RemoveAll(filepath.Join(dir, e.Name()))
		}
		if err != nil {
			return fmt.Errorf("remove what a killed job left: %w", err)
		}
	}
	return nil
}

// save asks one member after the other: a snapshot is one member's.
func (a *access) save(ctx context.Context, file string) error {
	var errs []error
	for _, endpoint := range a.list() {
		cfg, err := a.config([]string{endpoint})
		if err == nil {
			_, err = snapshot.NewV3(zap.NewNop()).Save(ctx, cfg, file)
		}
		if err == nil {
			return nil
		}
		errs = append(errs, fmt.Errorf("snapshot of %s: %w", endpoint, err))
	}
	return errors.Join(errs...)
}

// snapshots are the files' names, oldest first.
func snapshots(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list the snapshots: %w", err)
	}
	var out []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) && strings.HasSuffix(e.Name(), suffix) && e.Type().IsRegular() {
			out = append(out, e.Name())
		}
	}
	slices.Sort(out)
	return out, nil
}

func retain(dir string, keep int) ([]string, error) {
	names, err := snapshots(dir)
	if err != nil {
		return nil, err
	}
	old := names[:max(0, len(names)-keep)]
	for _, name := range old {
		if gone := os.Remove(filepath.Join(dir, name)); !errors.Is(gone, fs.ErrNotExist) { // by another job
			err = errors.Join(err, gone)
		}
	}
	return old, err
}
