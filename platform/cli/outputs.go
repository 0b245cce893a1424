package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/report"
)

// write hands the result to every output that was asked for.
func (e *environment) write() error {
	if e.result == nil {
		return nil
	}
	return e.eachOutput(func(w io.Writer, format report.Format) error {
		o := report.TextOptions{Verbose: e.verbose, Color: e.Color && w == e.Out, Link: e.link}
		if err := report.Write(w, format, e.result, o); err != nil || format != report.GitHubFormat {
			return err
		}
		return e.summarize(o)
	})
}

// document is a result that is no report of the fleet.
type document interface {
	Text(w io.Writer) error
	JSON(w io.Writer) error
}

// writeDocument hands a document to every output that was asked for.
func (e *environment) writeDocument(d document) error {
	return e.eachOutput(func(w io.Writer, format report.Format) error {
		switch format {
		case report.JSONFormat:
			return d.JSON(w)
		case report.YAMLFormat:
			return asYAML(w, d)
		case report.TextFormat:
			return d.Text(w)
		default:
			return noMeaning(format, "what this command writes")
		}
	})
}

func asYAML(w io.Writer, d document) error {
	var text bytes.Buffer
	if err := d.JSON(&text); err != nil {
		return err
	}
	converted, err := yaml.JSONToYAML(text.Bytes())
	if err == nil {
		_, err = w.Write(converted)
	}
	return err
}

// eachOutput has every output that was asked for written, text without -o.
func (e *environment) eachOutput(write func(io.Writer, report.Format) error) error {
	outputs := e.outputs
	if len(outputs) == 0 {
		outputs = []string{string(report.TextFormat)}
	}
	for _, o := range outputs {
		format, path, err := report.ParseFormat(o)
		if err != nil {
			return &UsageError{Err: err}
		}
		if path == "" {
			if err := write(e.Out, format); err != nil {
				return err
			}
			continue
		}
		f, err := os.Create(path)
		if err != nil {
			return fmt.Errorf("writing the %s report: %w", format, err)
		}
		if err := errors.Join(write(f, format), f.Close()); err != nil {
			return fmt.Errorf("writing the %s report to %s: %w", format, path, err)
		}
	}
	return nil
}

// checkOutputs refuses, before anything is done, a format that is unknown or has no
// meaning for the command.
func (e *environment) checkOutputs(cmd *cobra.Command) error {
	if cmd.Name() == "graph" { // draws, in formats of its own
		return nil
	}
	for _, o := range e.outputs {
		format, _, err := report.ParseFormat(o)
		if err != nil {
			return &UsageError{Err: err}
		}
		if !slices.Contains(plainFormats(), format) && !slices.Contains([]string{"check", "render", "validate", "upgrade"}, cmd.Name()) {
			return noMeaning(format, "`"+cmd.CommandPath()+"`")
		}
	}
	return nil
}

// plainFormats can say everything; the others say findings.
func plainFormats() []report.Format {
	return []report.Format{report.TextFormat, report.JSONFormat, report.YAMLFormat, report.HTMLFormat}
}

func noMeaning(f report.Format, what string) error {
	return usagef("-o %s is a list of findings, which %s is not; write text, json, yaml or html", f, what)
}

func formatsHelp() string {
	return strings.Join(report.Formats(), ", ")
}

// completeFormats offers the formats to the shell.
func completeFormats(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return report.Formats(), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// checkLink wants an address that a browser opens.
func checkLink(link string) error {
	if link == "" {
		return nil
	}
	if u, err := url.Parse(link); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return usagef("--report-url %q: write https://HOST/PATH", link)
	}
	return nil
}

// summarize adds to the page of the step, which GitHub names in a variable. It
// shows nothing of a step whose page is too large, so what is there already counts.
func (e *environment) summarize(o report.TextOptions) error {
	path := e.Getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("writing the step's summary, GITHUB_STEP_SUMMARY: %w", err)
	}
	info, err := f.Stat()
	if err == nil {
		data := report.Summary(e.result, o, report.SummaryLimit-int(info.Size()))
		if data == nil {
			e.progressf("the step's summary has no room left: %d bytes are in it, and GitHub shows at most %d", info.Size(), report.SummaryLimit)
		}
		_, err = f.Write(data)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing the step's summary, GITHUB_STEP_SUMMARY: %w", err)
	}
	return nil
}
