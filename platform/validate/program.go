package validate

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// programTime bounds one run of a program over one configuration.
const programTime = time.Minute

// program is the program that reads a configuration in production, with its own
// way to only check it.
type program struct {
	version []string                      // asks for the version; nil: --version
	major   string                        // of a version whose module says 0 in its place
	flags   []string                      // of the container, that name files: "--config", "--config.file"
	args    func(files []string) []string // of the check, given those files
	accept  func(out string) []string     // what it says that it accepted; nil: files are counted
}

// Judge runs the program over each subject in a folder of its own.
func (p program) Judge(ctx context.Context, path string, subjects []Subject) (string, []Answer, error) {
	version, err := versionOf(ctx, path, p.version)
	if err != nil {
		return "", nil, err
	}
	if rest, zero := strings.CutPrefix(version, "0."); zero && p.major != "" {
		version = p.major + "." + rest
	}
	var answers []Answer
	for _, s := range subjects {
		a, err := p.one(ctx, path, s)
		if err != nil {
			return "", nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		answers = append(answers, a)
	}
	return version, answers, nil
}

func (p program) one(ctx context.Context, path string, s Subject) (Answer, error) {
	configs := flagValues(s.Args, p.flags)
	if len(configs) == 0 {
		return Answer{Problems: []Problem{{Message: fmt.Sprintf("its arguments have none of %v, so it has no configuration", p.flags)}}}, nil
	}
	root, err := os.MkdirTemp("", "validate")
	if err != nil {
		return Answer{}, fmt.Errorf("making a folder for the configuration: %w", err)
	}
	defer os.RemoveAll(root) //nolint:errcheck // a folder of temporary files
	m := mounts{root: root, at: s.mountPaths()}
	if err := m.write(s); err != nil {
		return Answer{}, err
	}
	for i, c := range configs {
		if configs[i] = m.rewrite(c); configs[i] == c && filepath.IsAbs(c) {
			return Answer{Problems: []Problem{{File: c, Message: "nothing is mounted there"}}}, nil
		}
	}
	out, code, err := run(ctx, path, p.args(configs), s.Env, root)
	if err != nil {
		return Answer{}, err
	}
	out = strings.ReplaceAll(out, root, "")
	if code != 0 {
		return Answer{Problems: []Problem{{Message: plain(out)}}}, nil
	}
	if p.accept != nil {
		if accepted := p.accept(out); len(accepted) > 0 {
			return Answer{Accepted: accepted}, nil
		}
	}
	return Answer{Accepted: counted(s.Files)}, nil
}

// counted says how much there was to read.
func counted(files map[string]string) []string {
	lines := 0
	for _, text := range files {
		lines += strings.Count(strings.TrimSuffix(text, "\n"), "\n") + 1
	}
	noun := "files"
	if len(files) == 1 {
		noun = "file"
	}
	return []string{fmt.Sprintf("%d %s, %d lines", len(files), noun, lines)}
}

// plain is a program's last words without time stamps and colour, in one line.
func plain(out string) string {
	out = stamps.ReplaceAllString(out, "")
	fields := strings.Fields(out)
	return cut(strings.Join(fields, " "), 600)
}

var stamps = regexp.MustCompile(`\x1b\[[0-9;]*m|\d{4}[-/]\d{2}[-/]\d{2}[T ]\d{2}:\d{2}:\d{2}\S*`)

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// run runs a check that only reads, and gives both its streams and its code.
func run(ctx context.Context, path string, args []string, env map[string]string, dir string) (string, int, error) {
	ctx, cancel := context.WithTimeout(ctx, programTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.WaitDelay = dir, time.Second
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		cmd.Env = append(cmd.Env, name+"="+env[name])
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if ctx.Err() != nil {
		return "", 0, fmt.Errorf("%s did not end in %s: %w", filepath.Base(path), programTime, ctx.Err())
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return out.String(), exit.ExitCode(), nil
	}
	if err != nil {
		return "", 0, fmt.Errorf("running %s: %w", path, err)
	}
	return out.String(), 0, nil
}

var (
	versionNumber = regexp.MustCompile(`\d+\.\d+\.\d+\S*`)
	goVersion     = regexp.MustCompile(`go\d+\.\S+`) // of the compiler
)

// versionOf asks a program for its version.
func versionOf(ctx context.Context, path string, args []string) (string, error) {
	if args == nil {
		args = []string{"--version"}
	}
	out, code, err := run(ctx, path, args, nil, os.TempDir())
	if err != nil {
		return "", err
	}
	if v := versionNumber.FindString(goVersion.ReplaceAllString(out, "")); code == 0 && v != "" {
		return strings.TrimRight(v, ",;)"), nil
	}
	// Jaeger knows its version only in release builds; its module does always.
	if built, err := buildinfo.ReadFile(path); err == nil && versionNumber.MatchString(built.Main.Version) {
		return strings.TrimPrefix(built.Main.Version, "v"), nil
	}
	return "", fmt.Errorf("%s does not say its version", path)
}

// flagValues are the values of flags in a command line, --flag=value or --flag value.
func flagValues(args, flags []string) []string {
	var out []string
	for i, arg := range args {
		name, value, joined := strings.Cut(arg, "=")
		if !slices.Contains(flags, name) {
			continue
		}
		if !joined && i+1 < len(args) {
			value = args[i+1]
		}
		out = append(out, value)
	}
	return out
}
