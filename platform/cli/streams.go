package cli

import (
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"dualtrack.internal/components"
	"dualtrack.internal/platform/source"
	"dualtrack.internal/policies"
	"dualtrack.internal/tools"
)

// Streams is what the program reads and writes. Results go to Out, progress and
// errors to Err.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	Terminal bool             // Err is a terminal, so progress may redraw
	Color    bool             // Out is a terminal that shows colours
	Now      func() time.Time // for exceptions' expiry and elapsed times
	Getenv   func(string) string
	Name     string // what the program was called by; "" is platform
	Version  string // of the program; "" is what its build says
	// Distribution is what repositories with a platform.lock stand on.
	Distribution source.Distribution
}

// System is the process's own streams, clock and name, and what the program
// carries.
func System() Streams {
	return Streams{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Terminal: smart(term.IsTerminal(int(os.Stderr.Fd())), os.Getenv),
		Color:    colorful(term.IsTerminal(int(os.Stdout.Fd())), os.Getenv),
		Now:      time.Now,
		Getenv:   os.Getenv,
		Name:     os.Args[0],
		Distribution: source.Distribution{
			Components: components.FS, Policies: policies.FS, Tools: tools.Modules,
		},
	}
}

// smart says whether redrawing lines makes sense on a terminal.
func smart(isTerminal bool, getenv func(string) string) bool {
	return isTerminal && getenv("TERM") != "dumb" && getenv("CI") == ""
}

// colorful says whether a terminal is to be given colours: https://no-color.org.
func colorful(isTerminal bool, getenv func(string) string) bool {
	return isTerminal && getenv("TERM") != "dumb" && getenv("NO_COLOR") == ""
}
