package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Format is a way to write a result.
type Format string

// The formats.
const (
	TextFormat Format = "text"
	JSONFormat Format = "json"
	YAMLFormat Format = "yaml"
	HTMLFormat Format = "html"
)

// Formats lists the known formats.
func Formats() []string {
	return []string{string(TextFormat), string(JSONFormat), string(YAMLFormat), string(HTMLFormat)}
}

// ParseFormat reads "FORMAT" or "FORMAT=PATH"; an empty path means standard output.
func ParseFormat(s string) (Format, string, error) {
	name, path, _ := strings.Cut(s, "=")
	if !slices.Contains(Formats(), name) {
		return "", "", fmt.Errorf("unknown output format %q; known are %s", name, strings.Join(Formats(), ", "))
	}
	return Format(name), path, nil
}

// Write writes the result in the format.
func Write(w io.Writer, f Format, r *Result, o TextOptions) error {
	switch f {
	case JSONFormat:
		return JSON(w, r)
	case YAMLFormat:
		return YAML(w, r)
	case HTMLFormat:
		return HTML(w, r)
	case TextFormat:
	}
	return Text(w, r, o)
}
