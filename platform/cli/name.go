package cli

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

const (
	// ownName is what the program calls itself unless it was called by one of
	// its other names.
	ownName = "platform"
	// pluginFile is the file that makes kubectl call the program.
	pluginFile = "kubectl-dualtrack"
)

// program is the command a person types: platform, dualtrack or kubectl
// dualtrack.
func (e *environment) program() string {
	switch name := e.fileName(); name {
	case pluginFile:
		return "kubectl dualtrack"
	case "dualtrack":
		return name
	}
	return ownName
}

// fileName is the name of the program's file as it was called.
func (e *environment) fileName() string {
	return strings.TrimSuffix(filepath.Base(e.Name), ".exe")
}

// named lets help and examples show the name that the program was called by.
// Completion goes by the file's name, help by what a person types.
func (e *environment) named(root *cobra.Command) {
	if e.program() == ownName {
		return
	}
	root.Use = e.fileName()
	if e.program() != root.Use {
		root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: e.program()}
	}
	e.rename(root)
}

func (e *environment) rename(cmd *cobra.Command) {
	cmd.Example = e.ownWords(cmd.Example)
	if text, ok := strings.CutPrefix(cmd.Long, ownName+" "); ok {
		cmd.Long = e.program() + " " + text
	}
	for _, c := range cmd.Commands() {
		e.rename(c)
	}
}

// ownWords puts the name the program was called by into lines of commands.
func (e *environment) ownWords(example string) string {
	lines := strings.Split(example, "\n")
	for i, line := range lines {
		line = strings.ReplaceAll(line, " && "+ownName+" ", " && "+e.program()+" ")
		if rest, ok := strings.CutPrefix(line, "  "+ownName+" "); ok {
			line = "  " + e.program() + " " + rest
		}
		lines[i] = line
	}
	return strings.Join(lines, "\n")
}
