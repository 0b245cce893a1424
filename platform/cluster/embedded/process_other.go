//go:build !linux

package embedded

import (
	"errors"
	"os"
	"runtime"
)

// errUnsupported is what everything here answers.
var errUnsupported = errors.New("embedded clusters need Linux: their processes are found and ended through its /proc, and this is " +
	runtime.GOOS + "; run this command on a Linux machine, `platform check` works here")

func supported() error { return errUnsupported }

type live struct {
	program, settings string
	pid               int
	stopped, child    bool
}

func (l layout) scan() ([]live, error)      { return nil, errUnsupported }
func (p live) alive() (alive, stopped bool) { return false, false }
func (p live) terminate() error             { return errUnsupported }
func (p live) kill() error                  { return errUnsupported }

func launch(string, []string, []string, string, *os.File) (int, error) { return 0, errUnsupported }
func reap(int) string                                                  { return statusUnseen }
func bootID() string                                                   { return "" }
func proportional(int) uint64                                          { return 0 }
func ephemeralPorts() (low, high int)                                  { return 49152, 65535 }
func portOwner(int) (pid int, command string)                          { return 0, "" }

func newLive(program, settings string, pid int) live {
	return live{program: program, settings: settings, pid: pid}
}
