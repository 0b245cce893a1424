package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime/debug"
)

// maxInput bounds what is read from stdin.
const maxInput = 32 << 20

// libraryModule is the module whose types judge.
const libraryModule = "github.com/envoyproxy/go-control-plane"

type question struct {
	Subjects []subject `json:"subjects"`
}

// subject is one configuration as a container sees it.
type subject struct {
	Name   string            `json:"name"`
	Files  map[string]string `json:"files"`
	Args   []string          `json:"args"`
	Opaque []string          `json:"opaque"` // mounts whose files are not known
}

type answers struct {
	Version string   `json:"version"`
	Answers []answer `json:"answers"`
}

type answer struct {
	Name     string    `json:"name"`
	Accepted []string  `json:"accepted"`
	Problems []problem `json:"problems"`
}

// problem is one thing that is refused.
type problem struct {
	File    string `json:"file,omitempty"`
	Path    string `json:"path,omitempty"`
	Line    int    `json:"line,omitempty"`
	Message string `json:"message"`
}

func (p problem) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", p.File, p.Line, p.Path, p.Message)
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return check(in, out)
	}
	fs := flag.NewFlagSet("envoy "+args[0], flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	name := fs.String("subject", "", "name of the subject to take; needed where there are several")
	if err := fs.Parse(args[1:]); err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	switch command := args[0]; {
	case command == "version" || command == "--version":
		_, err := fmt.Fprintln(out, libraryVersion())
		return err //nolint:wrapcheck // only a closed pipe
	case command == "fetch" && fs.NArg() == 1:
		return fetch(ctx, fs.Arg(0), out)
	case command == "resources" && fs.NArg() == 0:
		c, err := accepted(in, *name)
		if err != nil {
			return err
		}
		return printResources(out, c.byType())
	case command == "serve" && fs.NArg() == 0:
		c, err := accepted(in, *name)
		if err != nil {
			return err
		}
		return serve(ctx, c, out)
	}
	return fmt.Errorf("%q is not understood; give nothing, resources, serve, fetch ADDRESS or version", args)
}

func read(in io.Reader) (question, error) {
	data, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	if err != nil {
		return question{}, fmt.Errorf("reading stdin: %w", err)
	}
	if len(data) > maxInput {
		return question{}, fmt.Errorf("stdin has more than %d bytes", maxInput)
	}
	var q question
	if err := json.Unmarshal(data, &q); err != nil {
		return question{}, fmt.Errorf("stdin is not the document of subjects: %w", err)
	}
	return q, nil
}

func check(in io.Reader, out io.Writer) error {
	q, err := read(in)
	if err != nil {
		return err
	}
	a := answers{Version: libraryVersion(), Answers: []answer{}}
	for _, s := range q.Subjects {
		c := judge(s)
		a.Answers = append(a.Answers, answer{Name: s.Name, Accepted: c.accepted(), Problems: c.problems})
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(a); err != nil {
		return fmt.Errorf("printing the answers: %w", err)
	}
	return nil
}

// accepted judges one subject of stdin, and fails where anything is refused.
func accepted(in io.Reader, name string) (*checker, error) {
	q, err := read(in)
	if err != nil {
		return nil, err
	}
	for _, s := range q.Subjects {
		if s.Name != name && (name != "" || len(q.Subjects) > 1) {
			continue
		}
		c := judge(s)
		var errs []error
		for _, p := range c.problems {
			errs = append(errs, errors.New(p.String()))
		}
		return c, errors.Join(errs...)
	}
	return nil, fmt.Errorf("there is no subject %q among %d; name one with -subject", name, len(q.Subjects))
}

// libraryVersion is that of the module that was linked, without its "v".
func libraryVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, m := range info.Deps {
		if m.Path == libraryModule && len(m.Version) > 1 {
			return m.Version[1:]
		}
	}
	return "unknown"
}
