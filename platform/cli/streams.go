package cli

import (
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// Streams is what the program reads and writes. Results go to Out, progress and
// errors to Err.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	Terminal bool             // Err is a terminal, so progress may redraw
	Now      func() time.Time // for exceptions' expiry and elapsed times
	Getenv   func(string) string
}

// System is the process's own streams and clock.
func System() Streams {
	return Streams{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Terminal: smart(term.IsTerminal(int(os.Stderr.Fd())), os.Getenv),
		Now:      time.Now,
		Getenv:   os.Getenv,
	}
}

// smart says whether redrawing lines makes sense on a terminal.
func smart(isTerminal bool, getenv func(string) string) bool {
	return isTerminal && getenv("TERM") != "dumb" && getenv("CI") == ""
}
