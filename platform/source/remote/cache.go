package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/source/archive"
)

// poll is how often a waiting process looks for a lock.
const poll = 50 * time.Millisecond

// blobName is the path of an archive within the cache and within a mirror.
func blobName(dir, digest string) string {
	return filepath.Join(dir, "sha256", strings.TrimPrefix(digest, "sha256:"))
}

// cached gives an archive of the cache; false for one that is missing or is not
// what its name says.
func (s *Store) cached(locked catalog.LockedSource) ([]byte, bool) {
	data, err := readBlob(Dir(s.o.CacheDir), locked)
	return data, err == nil && digest(data) == locked.Digest
}

// readBlob reads an archive of a folder, within the bounds.
func readBlob(dir string, locked catalog.LockedSource) ([]byte, error) {
	f, err := os.Open(blobName(dir, locked.Digest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("it does not hold %s", locked.Digest)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, fmt.Errorf("%s is no regular file", f.Name()))
	}
	return io.ReadAll(io.LimitReader(f, archive.MaxSize+1))
}

// hold runs do while no other process fetches the same archive, or prunes the
// cache.
func (s *Store) hold(ctx context.Context, digest string, do func(context.Context) error) error {
	file := blobName(Dir(s.o.CacheDir), digest) + ".lock"
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("cache of remote sources: %w", err)
	}
	whole := flock.New(filepath.Join(Dir(s.o.CacheDir), "lock"), flock.SetPermissions(0o600))
	if _, err := whole.TryRLockContext(ctx, poll); err != nil {
		return fmt.Errorf("lock the cache of remote sources: %w", err)
	}
	defer func() { _ = whole.Close() }()                           // gives the lock up
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil { // pruned meanwhile
		return fmt.Errorf("cache of remote sources: %w", err)
	}
	one := flock.New(file, flock.SetPermissions(0o600))
	if _, err := one.TryLockContext(ctx, poll); err != nil {
		return fmt.Errorf("lock %s of the cache: %w", digest, err)
	}
	defer func() { _ = one.Close() }()
	return do(ctx)
}

// keep writes an archive into the cache. It is there as a whole or not at all.
func (s *Store) keep(digest string, data []byte) error {
	if err := writeBlob(Dir(s.o.CacheDir), digest, data); err != nil {
		return fmt.Errorf("keep a remote source: %w", err)
	}
	return nil
}

// writeBlob writes an archive beside its place and moves it there. What a killed
// process left beside it is written over.
func writeBlob(dir, digest string, data []byte) (err error) {
	final := blobName(dir, digest)
	part := final + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(part, final)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return nil
}
