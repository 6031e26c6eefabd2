//go:build !linux && !darwin

package app

import (
	"context"
	"errors"
	"net"
)

// listenUnix is an error: the rights of the file would be a matter of their own on each
// of the other systems.
func listenUnix(context.Context, string) (net.Listener, error) {
	return nil, errors.New("sockets in the file system are for Linux and macOS")
}
