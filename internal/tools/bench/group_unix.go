//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// endWithAll ends a command together with the processes that it has started: a benchmark
// that is given up can't end its servers itself.
func endWithAll(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
}
