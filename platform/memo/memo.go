// Package memo keeps on disk what was computed, by a key of all that it was
// computed from, so that the next run need not compute it again. A lost, damaged or
// foreign entry reads as absent, and a folder that can't be written keeps nothing.
// It never decides what a key must hold, and nothing depends on it but time.
package memo

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/cache"
)

// limit bounds the entries on disk, in bytes. Those of this repository's whole
// fleet take about 3 MB a state of the tree.
const limit = 256 << 20

// shrinkEvery is how often the entries are listed.
const shrinkEvery = time.Minute

// Store keeps entries in a folder. The nil Store keeps nothing. It is safe for use
// by several goroutines and by several processes of one machine at once.
type Store struct {
	dir     string
	program string
	disk    *cache.Cache
	written atomic.Int64
}

// Dir is where the entries stand in a cache folder.
func Dir(cacheDir string) string { return filepath.Join(cacheDir, "results") }

// Open opens the store in a cache folder and makes its folder, which nobody else may
// read: entries hold what the repository holds. Entries of another build of this
// program are never seen.
func Open(cacheDir string) (*Store, error) {
	dir := Dir(cacheDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the store of results: %w", err)
	}
	disk, err := cache.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("open the store of results: %w", err)
	}
	program, err := build()
	if err != nil {
		return nil, fmt.Errorf("open the store of results: %w", err)
	}
	return &Store{dir: dir, program: program, disk: disk}, nil
}

// Get gives the entry of a key, false when there is none that is whole.
func (s *Store) Get(key string) ([]byte, bool) {
	if s == nil {
		return nil, false
	}
	data, _, err := s.disk.GetBytes(s.id(key))
	return data, err == nil
}

// Put keeps an entry. That it could not be kept is no error: it is computed again.
func (s *Store) Put(key string, data []byte) {
	if s == nil {
		return
	}
	if s.disk.PutBytes(s.id(key), data) == nil {
		s.written.Add(int64(len(data)))
	}
}

func (s *Store) id(key string) cache.ActionID {
	return cache.ActionID(sha256.Sum256([]byte(s.program + "\x00" + key)))
}

// Close drops what was not used for five days, and of too many entries those that
// were not used for longest. Listing them takes longer than most runs write for: it
// is done once a minute, and after a run that kept much.
func (s *Store) Close() error {
	if s == nil || s.written.Load() == 0 {
		return nil
	}
	seen := filepath.Join(s.dir, "shrunk")
	if info, err := os.Stat(seen); err == nil && time.Since(info.ModTime()).Abs() < shrinkEvery && s.written.Load() < limit/16 {
		return nil
	}
	if err := os.WriteFile(seen, []byte("\n"), 0o600); err != nil {
		return fmt.Errorf("trim the store of results: %w", err)
	}
	if err := s.disk.Trim(); err != nil {
		return fmt.Errorf("trim the store of results: %w", err)
	}
	return shrink(s.dir, limit)
}
