package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/report"
)

// write hands the result to every output that was asked for.
func (e *environment) write() error {
	if e.result == nil {
		return nil
	}
	return e.eachOutput(func(w io.Writer, format report.Format) error {
		return report.Write(w, format, e.result, report.TextOptions{Verbose: e.verbose, Color: e.Color && w == e.Out})
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
		case report.HTMLFormat:
			return usagef("-o html shows what was found on the fleet, which this command does not look at; write text, json or yaml")
		case report.TextFormat:
		}
		return d.Text(w)
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
