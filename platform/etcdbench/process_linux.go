package etcdbench

import (
	"os/exec"
	"syscall"
)

// ownSession keeps the terminal's signals from a member.
func ownSession(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
