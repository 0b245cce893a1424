package memo

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"fmt"
	"os"
)

// build tells this build of the program from every other: by the Go linker's own
// identity of it, and where the format of the file has none that is read here, by
// its size and time.
func build() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	id := goBuildID(path)
	if len(id) == 0 {
		id = fmt.Appendf(nil, "%s %d %s", path, info.Size(), info.ModTime().UTC())
	}
	sum := sha256.Sum256(id)
	return hex.EncodeToString(sum[:]), nil
}

// goBuildID reads the note that Go's linker writes: a hash of all that the program
// was built from.
func goBuildID(path string) []byte {
	file, err := elf.Open(path)
	if err != nil {
		return nil
	}
	defer func() { _ = file.Close() }() // only read
	section := file.Section(".note.go.buildid")
	if section == nil {
		return nil
	}
	data, err := section.Data()
	if err != nil || len(bytes.Trim(data, "\x00")) < 32 {
		return nil
	}
	return data
}
