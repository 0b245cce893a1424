// Command cilium judges network policies and settings with Cilium's own code:
// the strict types and the parser of its policies, Envoy resources as its agent
// takes them in, and the options of its agent and operator. It reads one JSON
// document with what to judge and writes one with its answers. It loads no
// program into a kernel and talks to no cluster.
//
//	cilium                     judge the subjects on stdin
//	cilium paths               say what the agent's policy maps hold of the policies on stdin
//	cilium metrics [-check]    write what metrics agent, operator and Hubble export, for tools/dashboards
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/cilium/cilium/pkg/defaults"
	"github.com/cilium/cilium/pkg/fqdn/re"
)

// library is the module whose code judges.
const library = "github.com/cilium/cilium"

// most bounds what is read.
const most = 32 << 20

// settingsWord makes the program judge one folder of settings: the options are
// the library's global state, and what it can't read ends the process.
const settingsWord = "settings"

func main() {
	if len(os.Args) > 3 && os.Args[1] == settingsWord {
		os.Exit(settingsOf(os.Args[2], os.Args[3], os.Args[4:], os.Stdout, os.Stderr))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := dispatch(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func dispatch(ctx context.Context, args []string) error {
	switch {
	case len(args) > 0 && args[0] == metricsWord:
		return metricsCommand(ctx, args[1:])
	case len(args) > 0 && args[0] == pathsWord:
		return answerPaths(os.Stdin, os.Stdout)
	}
	return run(ctx, os.Stdin, os.Stdout)
}

// subject is one thing to judge.
type subject struct {
	Name    string            `json:"name"`
	Files   map[string]string `json:"files"`
	Args    []string          `json:"args"`
	Objects []json.RawMessage `json:"objects"`
}

// problem is one thing that is refused.
type problem struct {
	File    string `json:"file,omitempty"`
	Path    string `json:"path,omitempty"`
	Line    int    `json:"line,omitempty"`
	Message string `json:"message"`
}

// answer is the word on one subject.
type answer struct {
	Name     string    `json:"name"`
	Accepted []string  `json:"accepted"`
	Problems []problem `json:"problems"`
	Nothing  string    `json:"nothing,omitempty"` // why there is nothing to judge
}

func run(ctx context.Context, in io.Reader, out io.Writer) error {
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return fmt.Errorf("reading what to judge: %w", err)
	}
	if len(text) > most {
		return fmt.Errorf("what to judge is longer than %d MiB", most>>20)
	}
	var question struct {
		Subjects []subject `json:"subjects"`
	}
	if err := json.Unmarshal(text, &question); err != nil {
		return fmt.Errorf("what to judge is no JSON document of subjects: %w", err)
	}
	if err := re.InitRegexCompileLRU(defaults.FQDNRegexCompileLRUSize); err != nil {
		return fmt.Errorf("preparing the parser: %w", err)
	}
	doc := struct {
		Version string   `json:"version"`
		Answers []answer `json:"answers"`
	}{Version: version(), Answers: []answer{}}
	for _, s := range question.Subjects {
		a, err := judge(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		doc.Answers = append(doc.Answers, a)
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	return enc.Encode(doc)
}

// judge answers for one subject: its objects, and its files where it has any.
func judge(ctx context.Context, s subject) (answer, error) {
	a := answer{Name: s.Name, Accepted: []string{}, Problems: []problem{}}
	for _, o := range s.Objects {
		accepted, problems := judgeObject(o)
		a.add(accepted, problems)
	}
	switch program := programOf(s.Args); {
	case len(s.Args) == 0 && len(s.Files) == 0:
	case !readsSettings(program):
		a.Nothing = fmt.Sprintf("%q reads no settings", program)
	default:
		accepted, problems, err := judgeSettings(ctx, s)
		if err != nil {
			return a, err
		}
		a.add(accepted, problems)
	}
	return a, nil
}

func (a *answer) add(accepted string, problems []problem) {
	if accepted != "" && len(problems) == 0 {
		a.Accepted = append(a.Accepted, accepted)
	}
	a.Problems = append(a.Problems, problems...)
}

// version is that of the library which this program was built with.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, dep := range info.Deps {
		if dep.Path == library {
			return strings.TrimPrefix(dep.Version, "v")
		}
	}
	return "unknown"
}
