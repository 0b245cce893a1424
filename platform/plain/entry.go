package plain

import (
	"io/fs"
	"time"

	"dualtrack.internal/platform/catalog"
)

// entryInfo tells Helm's rules about an entry of a folder.
type entryInfo struct{ entry catalog.Entry }

func (e entryInfo) Name() string       { return e.entry.Name }
func (e entryInfo) Size() int64        { return 0 }
func (e entryInfo) ModTime() time.Time { return time.Time{} }
func (e entryInfo) IsDir() bool        { return e.entry.Dir }
func (e entryInfo) Sys() any           { return nil }

func (e entryInfo) Mode() fs.FileMode {
	if e.entry.Dir {
		return fs.ModeDir
	}
	return 0
}
