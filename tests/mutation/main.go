// Command mutation proves that the rules' own tests notice when a rule is wrong. It
// breaks the rules below policies/ one small edit at a time, found on the parsed
// Rego: a comparison turned or moved by one, a condition dropped or negated, a
// constant or the key of a path misspelt, a default of object.get changed, true and
// false exchanged, an element of a literal dropped, a branch dropped. Each mutant is
// compiled with what its tests need, and at least one Rego test must fail: the
// rule's own for a rule, those of every rule that uses it for a helper of lib.
//
//	go run ./tests/mutation                      # every mutant
//	go run ./tests/mutation -rule DT-SEC-001     # one rule, or a file's name or folder
//	go run ./tests/mutation -since auto -sample 300 -seed 7   # what CI does
//
// A mutant that says the same as the rule is named in policies/mutants.yaml with the
// reason, which is printed; an entry that names no survivor is an error.
//
// It leaves alone what describes a rule (meta, but for its params) and the prose of
// messages and mends; what is put into a message is mutated. Mutants that do not
// compile are counted apart. It never changes a file, and the result depends on the
// files and the seed only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// errSurvived says that a mutant survived, or that a justification is wrong.
var errSurvived = errors.New("the rules' tests have holes")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	root    string
	rules   string
	since   string
	sample  int
	seed    uint64
	all     bool
	workers int
}

func parseFlags(args []string) (options, error) {
	o := options{}
	flags := flag.NewFlagSet("mutation", flag.ContinueOnError)
	flags.StringVar(&o.root, "root", "", "the repository; empty finds it above the working folder")
	flags.StringVar(&o.rules, "rule", "", "comma-separated rules (DT-SEC-001), files or folders below policies")
	flags.StringVar(&o.since, "since", "", "whole only what changed since this revision, and of the others the sample; auto is the branch's base, else the commit before")
	flags.IntVar(&o.sample, "sample", -1, "how many mutants are drawn; below 0 is all")
	flags.Uint64Var(&o.seed, "seed", 1, "draws the sample")
	flags.BoolVar(&o.all, "list", false, "list the mutants, run none")
	flags.IntVar(&o.workers, "workers", runtime.GOMAXPROCS(0), "mutants at a time")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%q is no flag; see -help", flags.Arg(0))
	}
	var err error
	if o.root == "" {
		o.root, err = repository()
	}
	return o, err
}

func run(ctx context.Context, out io.Writer, args []string) error {
	debug.SetGCPercent(400) // every mutant is garbage at once
	o, err := parseFlags(args)
	if err != nil {
		return err
	}
	lib, err := load(os.DirFS(filepath.Join(o.root, "policies")))
	if err != nil {
		return err
	}
	known, err := readJustified(filepath.Join(o.root, "policies", "mutants.yaml"))
	if err != nil {
		return err
	}
	if err := lib.healthy(ctx); err != nil {
		return err
	}
	all, err := chosen(lib, o)
	if err != nil {
		return err
	}
	picked, words, err := drawn(ctx, all, o)
	if err != nil {
		return err
	}
	if o.all {
		for _, m := range picked {
			fmt.Fprintln(out, m)
		}
		fmt.Fprintln(out, words)
		return nil
	}
	began := time.Now()
	results, err := lib.judge(ctx, picked, o.workers)
	if err != nil {
		return err
	}
	r := newReport(lib, results, known, len(picked) == len(all) && o.rules == "")
	r.print(out, words, time.Since(began), o.workers)
	if r.wrong() {
		return errSurvived
	}
	return nil
}

// chosen are the mutants of the files that -rule names, of all if it names none.
func chosen(lib *library, o options) ([]mutant, error) {
	files := lib.rules()
	if o.rules != "" {
		var some []string
		for name := range strings.SplitSeq(o.rules, ",") {
			hits := slices.DeleteFunc(slices.Clone(files), func(file string) bool { return !names(name, file) })
			if len(hits) == 0 {
				return nil, fmt.Errorf("-rule %s: no such rule, file or folder below policies", name)
			}
			some = append(some, hits...)
		}
		slices.Sort(some)
		files = slices.Compact(some)
	}
	var all []mutant
	for _, file := range files {
		all = append(all, mutants(file, lib.text[file], lib.modules[file])...)
	}
	return all, nil
}

// names says that a rule's id, a file or a folder means this file.
func names(name, file string) bool {
	name = strings.TrimSuffix(strings.TrimPrefix(name, "policies/"), "/")
	id := strings.ToLower(strings.ReplaceAll(name, "-", "_"))
	return name == file || strings.HasPrefix(file, name+"/") || strings.TrimSuffix(filepath.Base(file), ".rego") == id
}

// repository is the root of the tree that holds the working folder.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "policies", "main.rego")); err == nil {
			return dir, nil
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		return "", errors.New("no folder above holds policies/main.rego: run it inside the repository")
	}
}
