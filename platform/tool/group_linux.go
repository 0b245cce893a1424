package tool

import (
	"os/exec"
	"syscall"
)

// ownGroup puts the command into its own process group, ends the whole group
// when its context ends, and has the kernel end it when this process dies.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) } // go cleans up on this one
}
