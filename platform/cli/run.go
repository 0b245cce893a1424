// Package cli is the command line: one file a command, flags in, one call into
// the engine, a result out. It holds no logic of its own, and chooses the exit
// code in one place.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/report"
	"dualtrack.internal/platform/source/remote"
)

// Run carries out one command line and returns the exit code. Everything it
// prints goes to the streams.
func Run(ctx context.Context, streams Streams, args []string) int {
	env := &environment{Streams: streams}
	env.adoptLogs()
	tuneCollector(streams.Getenv)
	root := newRoot(env) //nolint:contextcheck // cobra hands each command the context
	root.SetArgs(args)
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	defer env.closeRemotes()
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = env.write()
	}
	if errors.Is(err, syscall.EPIPE) { // `platform … | head` is no mistake
		err = nil
	}
	env.closeResults()
	code := exitCode(ctx, env.result, err)
	if err != nil {
		printError(streams.Err, code, err)
	}
	return code
}

// printError says an error once, with the next step where one is known.
func printError(w io.Writer, code int, err error) {
	if _, ok := errors.AsType[*StatusError](err); ok {
		return // the program has said it itself
	}
	if code == exitInterrupted {
		fmt.Fprintln(w, "interrupted; nothing is lost: run the same command again to go on")
		return
	}
	fmt.Fprintln(w, finding.Clean(err.Error()))
	if errors.Is(err, syscall.ENOSPC) {
		fmt.Fprintln(w, "the disk is full: free some space, or see `platform cache size` and `platform cache prune`")
	}
}

// environment is what every command shares. result is set by the command and
// written once, after it.
type environment struct {
	Streams
	dir         string   // --directory
	state       string   // --state-dir
	cache       string   // --cache-dir
	outputs     []string // -o
	link        string   // --report-url
	quiet       bool
	verbose     bool
	clusters    []string // -c
	selector    string   // -l
	adopt       bool     // --adopt
	override    string   // --provider
	image       string   // --node-image
	noCache     bool     // --no-cache
	kept        kept
	mirror      string // --mirror
	offline     bool   // --offline
	remotes     []*remote.Store
	remotesHeld sync.Mutex
	plain       plainOptions
	result      *report.Result
}

// argsUsage turns cobra's complaints about arguments into usage errors.
func argsUsage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usagef("%w; see `%s --help`", err, cmd.CommandPath())
		}
		return nil
	}
}
