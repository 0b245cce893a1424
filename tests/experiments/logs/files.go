package logs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Files are log files of containers, as containerd writes and the kubelet rotates
// them.
type Files struct {
	Count, Lines int
	Rotate       int // lines after which a file is rotated; 0: never
}

// dir is one container's folder below the pods'.
func (f Files) dir(pods string, file int) string {
	return filepath.Join(pods, fmt.Sprintf("orders_shop-%d_00000000-0000-4000-8000-%012d", file, file), "server")
}

// rotateEvery is how often the kubelet looks at a file's size: it never rotates one
// twice in less.
const rotateEvery = 10 * time.Second

// text is a line of a container: an access log's length.
func text(file, line int) string {
	return fmt.Sprintf(`file=%d line=%d POST /order/submit 201 site=lima user=u%06d took=%dms upstream=10.0.%d.%d:8080 `+
		`agent="terminal/3.1 (linux; arm64)"`, file, line, line*7919%1000000, line%90, line%256, file%256)
}

// cri is the line as containerd writes it; every thousandth is long and is
// written in two parts.
func cri(file, line int, now time.Time) string {
	stamp, s := now.UTC().Format(time.RFC3339Nano), text(file, line)
	if line%1000 == 999 {
		return stamp + " stdout P " + s[:40] + "\n" + stamp + " stdout F " + s[40:] + "\n"
	}
	return stamp + " stdout F " + s + "\n"
}

// Write writes all lines at once.
func (f Files) Write(pods string) (err error) {
	now := time.Now()
	for file := range f.Count {
		if err := os.MkdirAll(f.dir(pods, file), 0o750); err != nil {
			return fmt.Errorf("write log files: %w", err)
		}
		out, err := os.OpenFile(filepath.Join(f.dir(pods, file), "0.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("write log files: %w", err)
		}
		w := bufio.NewWriterSize(out, 1<<20)
		for line := range f.Lines {
			now = now.Add(time.Microsecond)
			if _, err = w.WriteString(cri(file, line, now)); err != nil {
				break
			}
		}
		if err = errors.Join(err, w.Flush(), out.Close()); err != nil {
			return fmt.Errorf("write log files: %w", err)
		}
	}
	return nil
}

// Trickle writes the lines at a rate over all files, and rotates as the kubelet
// does: the file gets another name, and a new one is begun.
func (f Files) Trickle(ctx context.Context, pods string, perSecond int) error {
	out := make([]*os.File, f.Count)
	defer func() {
		for _, o := range out {
			if o != nil {
				_ = o.Close() // what is missing is seen by its count
			}
		}
	}()
	const beat = 20 * time.Millisecond
	tick := time.NewTicker(beat)
	defer tick.Stop()
	rotated := make([]time.Time, f.Count)
	begun := time.Now()
	for line := 0; line < f.Lines; {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		due := min(f.Lines, int(time.Since(begun).Seconds()*float64(perSecond))/f.Count+1)
		for file := range f.Count {
			if err := f.open(pods, file, &out[file], line, due, &rotated[file]); err != nil {
				return fmt.Errorf("write log files: %w", err)
			}
			var b strings.Builder
			for at := line; at < due; at++ {
				b.WriteString(cri(file, at, time.Now()))
			}
			if _, err := out[file].WriteString(b.String()); err != nil {
				return fmt.Errorf("write log files: %w", err)
			}
		}
		line = due
	}
	return nil
}

// open opens a container's file, and rotates it before the lines that make it full.
func (f Files) open(pods string, file int, out **os.File, line, due int, rotated *time.Time) error {
	path := filepath.Join(f.dir(pods, file), "0.log")
	full := f.Rotate > 0 && line/f.Rotate != due/f.Rotate
	switch {
	case *out == nil:
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return err
		}
	case full && time.Since(*rotated) >= rotateEvery:
		if err := errors.Join((*out).Close(), os.Rename(path, path+"."+time.Now().UTC().Format("20060102-150405"))); err != nil {
			return err
		}
	default:
		return nil
	}
	*rotated = time.Now()
	var err error
	*out, err = os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return err
}
