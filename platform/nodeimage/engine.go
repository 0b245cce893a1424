package nodeimage

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	// askTime bounds a question to the engine.
	askTime = 20 * time.Second
	// loadTime bounds taking the image in: 10 s were seen.
	loadTime = 10 * time.Minute
	// makeTime bounds making the archive: 1 min was seen, most of it Debian's packages.
	makeTime = 30 * time.Minute
	endTime  = 10 * time.Second
)

// LackError says what this machine lacks.
type LackError struct {
	What string
	Mend string
	Err  error // what was answered; nil where nothing was asked
}

func (e *LackError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v; %s", e.What, e.Err, e.Mend)
	}
	return e.What + "; " + e.Mend
}

// Unwrap is what was answered.
func (e *LackError) Unwrap() error { return e.Err }

// docker runs the engine's own client, which finds the engine as it does for the
// user: DOCKER_HOST, contexts.
func docker(ctx context.Context, limit time.Duration, args ...string) error {
	path, err := exec.LookPath("docker")
	if err != nil {
		return &LackError{What: "no `docker` is in PATH", Mend: "install the client of a Docker engine", Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.WaitDelay = endTime
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return fmt.Errorf("docker %s: %w: %s", args[0], err, bytes.TrimSpace(out))
}

func engineAnswers(ctx context.Context) error {
	err := docker(ctx, askTime, "version", "--format", "{{.Server.Version}}")
	if _, lacks := errors.AsType[*LackError](err); err == nil || lacks {
		return err
	}
	if ctx.Err() != nil {
		return err
	}
	return &LackError{What: "no Docker engine answers", Mend: "start one, or point DOCKER_HOST at one that runs", Err: err}
}

// engineHolds says that the engine has an image. A failure is not told apart:
// then the image is loaded, which says what fails.
func engineHolds(ctx context.Context, ref string) bool {
	return docker(ctx, askTime, "image", "inspect", "--format", "{{.Id}}", ref) == nil
}

func load(ctx context.Context, archive string) error {
	if err := docker(ctx, loadTime, "load", "--quiet", "--input", archive); err != nil {
		return fmt.Errorf("node image %s: %w", archive, err)
	}
	return nil
}

// canMake says what the machine lacks to make an archive.
func canMake(o Options) error {
	kept, err := filepath.Glob(filepath.Join(o.CacheDir, "debian-*.tar"))
	if err == nil && len(kept) > 0 && !o.Rebuild {
		return nil // Debian's packages are installed; where they are of another list, the maker says so
	}
	if uid := os.Geteuid(); uid != 0 {
		return &LackError{What: "making the node image installs Debian's packages into a folder, which needs root", Mend: "run `platform node image` once as root, with the same --cache-dir"}
	}
	for _, program := range []string{"debootstrap", "apt-get"} {
		if _, err := exec.LookPath(program); err != nil {
			return &LackError{What: "no `" + program + "` is in PATH", Mend: "install it: the node image is made on Debian or a system like it", Err: err}
		}
	}
	return nil
}

// runMaker runs tools/nodeimage and passes on what it says.
func runMaker(ctx context.Context, path string, args []string, ev Events) error {
	ctx, cancel := context.WithTimeout(ctx, makeTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // so that it removes what it began
	cmd.WaitDelay = endTime
	said := &lines{tell: func(line string) { ev.step("%s", line) }}
	cmd.Stderr = said
	err := cmd.Run()
	said.end()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return fmt.Errorf("make the node image: %w\n%s", err, strings.Join(said.last, "\n"))
}

// keptLines is how many lines an error shows.
const keptLines = 20

// lines passes whole lines on and keeps the last ones.
type lines struct {
	tell func(string)
	part bytes.Buffer
	last []string
}

// Write implements io.Writer.
func (l *lines) Write(data []byte) (int, error) {
	l.part.Write(data)
	for {
		line, err := l.part.ReadString('\n')
		if errors.Is(err, io.EOF) {
			l.part.WriteString(line)
			return len(data), nil
		}
		l.add(strings.TrimRight(line, "\r\n"))
	}
}

// end passes on a last line without an end.
func (l *lines) end() {
	for s := bufio.NewScanner(&l.part); s.Scan(); {
		l.add(s.Text())
	}
}

func (l *lines) add(line string) {
	l.tell(line)
	l.last = append(l.last, line)
	if len(l.last) > keptLines {
		l.last = l.last[1:]
	}
}
