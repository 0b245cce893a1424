//go:build !linux

package tool

import "os/exec"

// ownGroup leaves the command in this process's group: its context kills it.
func ownGroup(*exec.Cmd) {}
