//go:build unix

package main

import (
	"os"
	"syscall"
)

func signalsToServeOn() []os.Signal {
	return []os.Signal{syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2}
}
