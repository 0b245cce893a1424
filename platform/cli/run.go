// Package cli is the command line: one file a command, flags in, one call into
// the engine, a result out. It holds no logic of its own, and chooses the exit
// code in one place.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/report"
)

// Run carries out one command line and returns the exit code. Everything it
// prints goes to the streams.
func Run(ctx context.Context, streams Streams, args []string) int {
	env := &environment{Streams: streams}
	env.adoptLogs()
	root := newRoot(env) //nolint:contextcheck // cobra hands each command the context
	root.SetArgs(args)
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = env.write()
	}
	if errors.Is(err, syscall.EPIPE) { // `platform … | head` is no mistake
		err = nil
	}
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
	fmt.Fprintln(w, err)
	if errors.Is(err, syscall.ENOSPC) {
		fmt.Fprintln(w, "the disk is full: free some space, or see `platform cache size` and `platform cache prune`")
	}
}

// environment is what every command shares. result is set by the command and
// written once, after it.
type environment struct {
	Streams
	dir      string   // --directory
	state    string   // --state-dir
	cache    string   // --cache-dir
	outputs  []string // -o
	quiet    bool
	verbose  bool
	clusters []string // -c
	selector string   // -l
	adopt    bool     // --adopt
	override string   // --provider
	image    string   // --node-image
	result   *report.Result
}

// write hands the result to every output that was asked for.
func (e *environment) write() error {
	if e.result == nil {
		return nil
	}
	outputs := e.outputs
	if len(outputs) == 0 {
		outputs = []string{string(report.TextFormat)}
	}
	for _, o := range outputs {
		format, path, err := report.ParseFormat(o)
		if err != nil {
			return &UsageError{Err: err}
		}
		if err := e.writeOne(format, path); err != nil {
			return err
		}
	}
	return nil
}

func (e *environment) writeOne(format report.Format, path string) error {
	options := report.TextOptions{Verbose: e.verbose, Color: e.Color && path == ""}
	if path == "" {
		return report.Write(e.Out, format, e.result, options)
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("writing the %s report: %w", format, err)
	}
	if err := errors.Join(report.Write(f, format, e.result, options), f.Close()); err != nil {
		return fmt.Errorf("writing the %s report to %s: %w", format, path, err)
	}
	return nil
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
