package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// release is one version of the library, as the go command tells of it.
type release struct {
	Version string
	Sum     string
	Dir     string
	Error   string
}

// fetch asks the go command for a release's folder; without a version for the one
// that the module in dir links. A checksum that is given must hold.
func (r *release) fetch(ctx context.Context, dir string) error {
	module := library
	if r.Version != "" {
		module += "@" + r.Version
	}
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", module)
	cmd.Dir = dir
	if r.Version != "" {
		cmd.Dir = os.TempDir() // the module's own choice of a version is not meant
	}
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	var got release
	err = errors.Join(err, json.Unmarshal(out, &got))
	switch {
	case err != nil:
		return fmt.Errorf("download %s: %s%s: %w", module, got.Error, strings.TrimSpace(words.String()), err)
	case r.Sum != "" && r.Sum != got.Sum:
		return fmt.Errorf("%s: checksum %s, want %s", module, got.Sum, r.Sum)
	}
	*r = got
	return nil
}
