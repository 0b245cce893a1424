package tool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Entry is a program in the cache.
type Entry struct {
	Program string        `json:"program"`
	Path    string        `json:"path"` // of the binary
	Bytes   int64         `json:"bytes"`
	Made    time.Time     `json:"made"`
	Took    time.Duration `json:"tookNanoseconds"` // how long the build took
	Current bool          `json:"current"`         // false: older sources, flags or toolchain
}

// List lists what the cache holds, by program, newest first.
func (s *Store) List() ([]Entry, error) {
	entries, err := os.ReadDir(s.cfg.CacheDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the built programs: %w", err)
	}
	current := map[string]bool{}
	for _, p := range s.programs {
		if k, err := s.key(p); err == nil { // a program whose sources are gone has no current build
			current[s.hit(p, k)] = true
		}
	}
	var out []Entry
	for _, e := range entries {
		dir := filepath.Join(s.cfg.CacheDir, e.Name())
		rec, err := readRecord(dir)
		if err != nil || strings.HasPrefix(e.Name(), tempPrefix) {
			continue
		}
		path := filepath.Join(dir, binary(rec.Program))
		out = append(out, Entry{Program: rec.Program, Path: path, Bytes: rec.Bytes, Made: rec.Made, Took: rec.Took, Current: current[path]})
	}
	slices.SortFunc(out, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Program, b.Program), b.Made.Compare(a.Made), cmp.Compare(a.Path, b.Path))
	})
	return out, nil
}

// Prune removes builds that are not current, or every build, and what killed
// builds left. It waits for a build that runs and returns the bytes freed.
// A program that still runs is not disturbed: its file lives until it ends.
func (s *Store) Prune(ctx context.Context, all bool) (freed int64, err error) {
	if _, err := os.Stat(s.cfg.CacheDir); errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	release, err := Acquire(ctx, filepath.Join(s.cfg.CacheDir, "lock"), "pruning the cache", func(Holder) {})
	if err != nil {
		return 0, fmt.Errorf("prune the built programs: %w", err)
	}
	defer release()
	if err := s.sweep(); err != nil {
		return 0, err
	}
	built, err := s.List()
	if err != nil {
		return 0, err
	}
	for _, b := range built {
		if b.Current && !all {
			continue
		}
		if err := os.RemoveAll(filepath.Dir(b.Path)); err != nil {
			return freed, fmt.Errorf("remove a built program: %w", err)
		}
		freed += b.Bytes
	}
	return freed, nil
}

// Size is the bytes of all files in the cache, unfinished builds too.
func (s *Store) Size() (int64, error) {
	var sum int64
	err := filepath.WalkDir(s.cfg.CacheDir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ignoreGone(err)
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Size()
		}
		return ignoreGone(err)
	})
	if err != nil {
		return 0, fmt.Errorf("size of the cache: %w", err)
	}
	return sum, nil
}

// ignoreGone forgives a file that another process removed meanwhile.
func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
