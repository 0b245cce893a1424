package main

import (
	"cmp"
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
// archive from loopback, verified and unpacked, the check of a changed component, and the
// comment on a fake of the forge; with the cache that earlier jobs left, and with none, in
// turns. The download and the runner's own start are not in it.
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
	var warm, cold []time.Duration
	kept := filepath.Join(b.work, "kept")
	for n := range b.runs + 1 {
		var one, other time.Duration
		if one, err = b.job(ctx, url, digest, kept, n, comments); err != nil {
			break
		}
		if n == 0 { // it leaves the cache that the others find
			continue
		}
		if other, err = b.job(ctx, url, digest, "", n, comments); err != nil {
			break
		}
		warm, cold = append(warm, one), append(cold, other)
	}
	err = errors.Join(err, server.Close())
	if stopped := <-served; !errors.Is(stopped, http.ErrServerClosed) {
		err = errors.Join(err, stopped)
	}
	if err == nil {
		const target = 20 * time.Second
		pairs := make([]float64, len(warm)) // before spread sorts them
		for i := range pairs {
			pairs[i] = cold[i].Seconds() / warm[i].Seconds()
		}
		slices.Sort(pairs)
		spread("job start to comment, warm cache", warm, target)
		spread("job start to comment, no cache", cold, target)
		fmt.Printf("%-34s median %8.2f    [%.2f to %.2f]  of pairs\n", "no cache to warm cache", pairs[len(pairs)/2], pairs[0], pairs[len(pairs)-1])
		fmt.Println(machine())
	}
	return err
}

// job is one run and its comment. Each edits the component in another way, so that a
// cache holds everything but what the change is about.
func (b *bench) job(ctx context.Context, url, digest, cache string, n int, comments <-chan int) (time.Duration, error) {
	took, err := b.pullRequest(ctx, url, digest, cache, n+3)
	if err != nil {
		return 0, err
	}
	if n := <-comments; n < 100 {
		return 0, fmt.Errorf("the comment has %d bytes", n)
	}
	return took, nil
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
// cache is the folder that jobs share, "" for one of its own.
func (b *bench) pullRequest(ctx context.Context, url, digest, cache string, replicas int) (time.Duration, error) {
	dir, err := os.MkdirTemp(b.work, "runner")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	script := strings.Join([]string{
		"set -eu",
		"git clone -q \"file://$ROOT\" work",
		"cd work",
		fmt.Sprintf("sed -i 's/^  replicas: 2$/  replicas: %d/' components/edge-inference/base/inference.yaml", replicas),
		"git diff --quiet && exit 1", // a change it has to be
		"sh \"$ROOT/.github/actions/check/fetch.sh\"",
		"PATH=$(cat \"$GITHUB_PATH\"):$PATH",
		"sh \"$ROOT/.github/actions/check/check.sh\"",
		"dualtrack comment -q --report \"$RUNNER_TEMP/dualtrack-reports/report.json\"",
	}, "\n")
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Dir = dir
	cmd.Env = slices.Concat(os.Environ(), []string{
		"ROOT=" + b.root, "RUNNER_TEMP=" + dir, "GITHUB_PATH=" + filepath.Join(dir, "path"), "GITHUB_OUTPUT=" + filepath.Join(dir, "output"),
		"GITHUB_STEP_SUMMARY=" + filepath.Join(dir, "summary"), "DUALTRACK_CACHE_DIR=" + cmp.Or(cache, filepath.Join(dir, "cache")),
		"ARCHIVE=" + url + "/release.tar.gz", "SHA256=" + digest, "ARGUMENTS=--base HEAD",
		"GITHUB_REPOSITORY=o/r", "GITHUB_API_URL=" + url, "GITHUB_REF=refs/pull/7/merge", "GITHUB_TOKEN=bench",
	})
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("the job: %w\n%s", err, out)
	}
	return time.Since(began), nil
}
