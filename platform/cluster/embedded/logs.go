package embedded

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dualtrack.internal/platform/cluster"
)

// Logs writes the last lines of a program's log to w; tail 0 means all that is
// kept. Errors: ErrNotFound, *NoLogError.
func (p *Provider) Logs(ctx context.Context, name, program string, tail int, w io.Writer) error {
	l, err := p.layout(name)
	if err != nil {
		return err
	}
	if _, err := l.readIdentity(); err != nil {
		return err
	}
	known, err := l.logged()
	if err != nil {
		return err
	}
	if !slices.Contains(known, program) {
		return &NoLogError{Cluster: name, Program: program, Known: known}
	}
	var lines []string
	for _, path := range []string{l.log(program) + ".1", l.log(program)} {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		data, err := readEnd(path, maxLog)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return storage("read the log of "+program, l.root, err)
		}
		if len(data) > 0 {
			lines = append(lines, strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")...)
		}
	}
	if tail > 0 {
		lines = lines[max(0, len(lines)-tail):]
	}
	out := bufio.NewWriter(w)
	for _, line := range lines {
		_, _ = out.WriteString(line + "\n") // Flush reports what failed
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write the log of %s: %w", program, err)
	}
	return nil
}

// logged lists the programs that have a log.
func (l layout) logged() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(cluster.EscapeGlob(l.path("logs")), "*.log"))
	if err != nil {
		return nil, fmt.Errorf("logs of cluster %s: %w", l.name, err)
	}
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = strings.TrimSuffix(filepath.Base(f), ".log")
	}
	return names, nil
}

// readEnd reads at most n bytes from the end of a file, from a line's start.
func readEnd(path string, n int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	skip := max(0, info.Size()-n)
	data, err := io.ReadAll(io.NewSectionReader(f, skip, n))
	if err != nil {
		return nil, err
	}
	if skip > 0 {
		if _, rest, ok := bytes.Cut(data, []byte{'\n'}); ok {
			data = rest
		}
	}
	return data, nil
}
