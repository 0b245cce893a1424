package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"dualtrack.internal/platform/tool"
)

// StorageError is a state folder that cannot be used.
type StorageError struct {
	Doing, Path string
	Err         error
}

func (e *StorageError) Error() string {
	mend := ""
	switch {
	case errors.Is(e.Err, syscall.ENOSPC), errors.Is(e.Err, syscall.EDQUOT):
		mend = "; free disk space there and run the command again"
	case errors.Is(e.Err, syscall.EROFS), errors.Is(e.Err, syscall.ENOTDIR), errors.Is(e.Err, os.ErrPermission):
		mend = "; make that folder writable, or choose another with --state-dir"
	}
	return fmt.Sprintf("%s in %s: %v%s", e.Doing, e.Path, e.Err, mend)
}

// Unwrap is what the system said.
func (e *StorageError) Unwrap() error { return e.Err }

// Lock takes the lock of the fleet whose state lies in dir, which one changing
// command holds at a time. See tool.Acquire for wait and for the *tool.HeldError
// that says who holds it. Errors: *StorageError too.
func Lock(ctx context.Context, dir, doing string, wait func(tool.Holder)) (release func(), err error) {
	release, err = tool.Acquire(ctx, filepath.Join(dir, "lock"), doing, wait)
	if err == nil {
		return release, nil
	}
	if _, held := errors.AsType[*tool.HeldError](err); held {
		return nil, err
	}
	return nil, &StorageError{Doing: "lock the fleet", Path: dir, Err: err}
}
