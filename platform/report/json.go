package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"sigs.k8s.io/yaml"
)

// JSON writes the result as one indented JSON document.
func JSON(w io.Writer, r *Result) error {
	data, err := encode(r)
	if err != nil {
		return err
	}
	_, err = w.Write(append(data, '\n'))
	return err
}

// YAML writes the same document as YAML.
func YAML(w io.Writer, r *Result) error {
	data, err := encode(r)
	if err != nil {
		return err
	}
	if data, err = yaml.JSONToYAML(data); err != nil {
		return fmt.Errorf("writing the result as YAML: %w", err)
	}
	_, err = w.Write(data)
	return err
}

func encode(r *Result) ([]byte, error) {
	versioned := *r
	versioned.APIVersion = Version
	data, err := json.MarshalIndent(versioned, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the result as JSON: %w", err)
	}
	return data, nil
}

// Read reads what JSON wrote. Fields of a later program are left out.
func Read(data []byte) (*Result, error) {
	r := &Result{}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber() // a number is shown as it was written
	if err := dec.Decode(r); err != nil {
		return nil, fmt.Errorf("not a report: %w", err)
	}
	if r.APIVersion != Version {
		return nil, fmt.Errorf("not a report: apiVersion is %q, not %q", r.APIVersion, Version)
	}
	return r, nil
}
