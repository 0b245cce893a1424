package validate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// libraryTime bounds one run of a library checker over all subjects.
const libraryTime = 5 * time.Minute

// library is a program of tools/ around an official library: one JSON document
// with all subjects in, one with all answers out.
type library struct {
	args []string // of the program, where it is not only that
}

type question struct {
	Subjects []asked `json:"subjects"`
}

type asked struct {
	Name    string            `json:"name"`
	Files   map[string]string `json:"files,omitempty"`
	Opaque  []string          `json:"opaque,omitempty"`
	Args    []string          `json:"args,omitempty"`
	Objects []map[string]any  `json:"objects,omitempty"`
}

type answered struct {
	Version string `json:"version"`
	Answers []struct {
		Name     string    `json:"name"`
		Accepted []string  `json:"accepted"`
		Problems []Problem `json:"problems"`
		Nothing  string    `json:"nothing"`
	} `json:"answers"`
}

// Judge sends the subjects through the program.
func (l library) Judge(ctx context.Context, path string, subjects []Subject) (string, []Answer, error) {
	q := question{}
	for _, s := range subjects {
		q.Subjects = append(q.Subjects, asked{Name: s.Name, Files: s.Files, Args: s.Args, Objects: s.Objects,
			Opaque: slices.Concat(s.Secrets, s.Dirs)})
	}
	in, err := json.Marshal(q)
	if err != nil {
		return "", nil, fmt.Errorf("asking %s: %w", path, err)
	}
	ctx, cancel := context.WithTimeout(ctx, libraryTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, l.args...)
	var out, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &stderr
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return "", nil, fmt.Errorf("%s: %w: %s", path, err, last(stderr.String()))
	}
	var a answered
	if err := json.Unmarshal(out.Bytes(), &a); err != nil {
		return "", nil, fmt.Errorf("the answer of %s: %w", path, err)
	}
	answers := make([]Answer, 0, len(a.Answers))
	for i, one := range a.Answers {
		if i < len(subjects) && one.Name != subjects[i].Name {
			return "", nil, fmt.Errorf("%s answered for %q where %q was asked", path, one.Name, subjects[i].Name)
		}
		answers = append(answers, Answer{Accepted: one.Accepted, Problems: one.Problems, Nothing: one.Nothing})
	}
	return a.Version, answers, nil
}

// last is the last line of a program's words.
func last(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
