package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"path"
	"runtime/debug"
	"slices"
	"strings"
)

const maxQuestion = 64 << 20

// The document that is asked, and the one that answers.
type (
	question struct {
		Subjects []subject `json:"subjects"`
	}
	subject struct {
		Name   string   `json:"name"`
		Args   []string `json:"args"`   // of the container
		Opaque []string `json:"opaque"` // what is mounted
	}
	answers struct {
		Version string   `json:"version"`
		Answers []answer `json:"answers"`
	}
	answer struct {
		Name     string    `json:"name"`
		Accepted []string  `json:"accepted,omitempty"`
		Problems []problem `json:"problems,omitempty"`
	}
	problem struct {
		Message string `json:"message"`
	}
)

// judge reads the arguments of containers as each would at its start, and looks
// whether the folders that they name are mounted. It runs none.
func judge(in io.Reader, out io.Writer) error {
	var q question
	if err := json.NewDecoder(io.LimitReader(in, maxQuestion)).Decode(&q); err != nil {
		return fmt.Errorf("read the subjects: %w", err)
	}
	a := answers{Version: version(), Answers: []answer{}}
	for _, s := range q.Subjects {
		one := answer{Name: s.Name}
		if problems := s.problems(); len(problems) > 0 {
			one.Problems = problems
		} else {
			one.Accepted = []string{fmt.Sprintf("%s, %d arguments", s.command()[0], len(s.command())-1)}
		}
		a.Answers = append(a.Answers, one)
	}
	return json.NewEncoder(out).Encode(a)
}

// command is what stands behind the program's own name.
func (s subject) command() []string {
	if len(s.Args) > 0 && s.Args[0] == "/etcdops" {
		return s.Args[1:]
	}
	return s.Args
}

func (s subject) problems() []problem {
	args := s.command()
	if len(args) == 0 {
		return []problem{{Message: usage}}
	}
	t, err := parse(args, io.Discard)
	if err != nil {
		return []problem{{Message: err.Error()}}
	}
	var out []problem
	for _, f := range places(t) {
		at := path.Clean(f.value)
		if f.value != "" && !slices.ContainsFunc(s.Opaque, func(dir string) bool {
			return at == path.Clean(dir) || strings.HasPrefix(at, path.Clean(dir)+"/")
		}) {
			out = append(out, problem{Message: fmt.Sprintf("%s: nothing is mounted at %q", f.flag, f.value)})
		}
	}
	return out
}

type place struct{ flag, value string }

// places are the files and folders that a command uses.
func places(t task) []place {
	of := func(a access) []place {
		return []place{{"-ca", a.ca}, {"-cert", a.cert}, {"-key", a.key}}
	}
	switch t := t.(type) {
	case *snapshotting:
		return append(of(t.access), place{"-dir", t.dir})
	case *drilling:
		return []place{{"-dir", t.dir}, {"-work", t.work}}
	case *defragmenting:
		return of(t.access)
	case load:
		return of(t.access)
	}
	return nil
}

// whole reads flags and takes nothing else.
func whole(fs *flag.FlagSet, args []string) error {
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("%q is left over; all arguments are flags", fs.Arg(0))
	}
	return nil
}

// version is the version of etcd's client, which the program is made of.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "go.etcd.io/etcd/client/v3" {
				return strings.TrimPrefix(m.Version, "v")
			}
		}
	}
	return "unknown"
}
