package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// comment measures what a pull request waits for on a new runner: a clone, the release
// archive from loopback, verified and unpacked, the check with nothing cached, and the
// comment on a fake of the forge. The download and the runner's own start are not in it.
func (b *bench) comment(ctx context.Context) error {
	archive, digest, err := b.archive(ctx)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	comments := make(chan int, 1)
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: forge(archive, comments)}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	url := "http://" + listener.Addr().String()
	var took []time.Duration
	for range b.runs {
		var one time.Duration
		if one, err = b.pullRequest(ctx, url, digest); err != nil {
			break
		}
		took = append(took, one)
		if n := <-comments; n < 100 {
			err = fmt.Errorf("the comment has %d bytes", n)
			break
		}
	}
	err = errors.Join(err, server.Close())
	if stopped := <-served; !errors.Is(stopped, http.ErrServerClosed) {
		err = errors.Join(err, stopped)
	}
	if err == nil {
		spread("job start to comment, cold", took, 20*time.Second)
	}
	return err
}

// archive packs the program as a release does.
func (b *bench) archive(ctx context.Context) (file, digest string, err error) {
	dir := filepath.Join(b.work, "release", "dualtrack_bench")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", "", err
	}
	if _, err := b.command(ctx, b.root, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(dir, "dualtrack"), "./platform"); err != nil {
		return "", "", err
	}
	file = filepath.Join(b.work, "release.tar.gz")
	if _, err := b.command(ctx, filepath.Dir(dir), "tar", "-czf", file, "dualtrack_bench"); err != nil {
		return "", "", err
	}
	data, err := os.ReadFile(file)
	sum := sha256.Sum256(data)
	return file, hex.EncodeToString(sum[:]), err
}

// forge serves the archive, and takes comments as GitHub does.
func forge(archive string, comments chan<- int) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /release.tar.gz", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, archive) })
	mux.HandleFunc("GET /repos/o/r/issues/7/comments", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "[]") })
	mux.HandleFunc("POST /repos/o/r/issues/7/comments", func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20)) // a torn one is too short, which is said
		comments <- len(data)
		_, _ = io.WriteString(w, "{}")
	})
	return mux
}

// pullRequest runs the steps of the Action by its own scripts, in a folder of its own.
func (b *bench) pullRequest(ctx context.Context, url, digest string) (time.Duration, error) {
	dir, err := os.MkdirTemp(b.work, "runner")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	script := strings.Join([]string{
		"set -eu",
		"git clone -q \"file://$ROOT\" work",
		"cd work",
		"sed -i 's/^  replicas: 2$/  replicas: 3/' components/edge-inference/base/inference.yaml",
		"sh \"$ROOT/.github/actions/check/fetch.sh\"",
		"PATH=$(cat \"$GITHUB_PATH\"):$PATH",
		"sh \"$ROOT/.github/actions/check/check.sh\"",
		"dualtrack comment -q --report \"$RUNNER_TEMP/dualtrack-reports/report.json\"",
	}, "\n")
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Dir = dir
	cmd.Env = slices.Concat(os.Environ(), []string{
		"ROOT=" + b.root, "RUNNER_TEMP=" + dir, "GITHUB_PATH=" + filepath.Join(dir, "path"), "GITHUB_OUTPUT=" + filepath.Join(dir, "output"),
		"GITHUB_STEP_SUMMARY=" + filepath.Join(dir, "summary"), "DUALTRACK_CACHE_DIR=" + filepath.Join(dir, "cache"),
		"ARCHIVE=" + url + "/release.tar.gz", "SHA256=" + digest, "ARGUMENTS=--base HEAD",
		"GITHUB_REPOSITORY=o/r", "GITHUB_API_URL=" + url, "GITHUB_REF=refs/pull/7/merge", "GITHUB_TOKEN=bench",
	})
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("the job: %w\n%s", err, out)
	}
	return time.Since(began), nil
}
