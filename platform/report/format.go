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

	SARIFFormat    Format = "sarif"
	JUnitFormat    Format = "junit"
	GitHubFormat   Format = "github"
	GitLabFormat   Format = "gitlab"
	MarkdownFormat Format = "markdown"
	HTMLFormat     Format = "html"
)

// Formats lists the known formats.
func Formats() []string {
	return []string{string(TextFormat), string(JSONFormat), string(YAMLFormat),
		string(SARIFFormat), string(JUnitFormat), string(GitHubFormat), string(GitLabFormat), string(MarkdownFormat), string(HTMLFormat)}
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
	case SARIFFormat:
		return SARIF(w, r)
	case JUnitFormat:
		return JUnit(w, r)
	case GitHubFormat:
		return GitHub(w, r)
	case GitLabFormat:
		return GitLab(w, r)
	case MarkdownFormat:
		return Markdown(w, r, o)
	case HTMLFormat:
		return HTML(w, r)
	case TextFormat:
	}
	return Text(w, r, o)
}
