//go:build linux || darwin

package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// socketMode lets the program's user connect and the members of its group, of which the
// proxy is one. Others of the machine can't: whoever connects may be believed what it
// says of its clients' addresses.
const socketMode = 0o660

// listenUnix locks the folder of the socket meanwhile. Of two servers that start at once
// where a killed one has left its socket, the slower one would otherwise remove what the
// faster one has just made.
func listenUnix(ctx context.Context, path string) (net.Listener, error) {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("the folder of the socket: %w", err)
	}
	defer func() { _ = folder.Close() }()
	if err := unix.Flock(int(folder.Fd()), unix.LOCK_EX); err != nil {
		return nil, fmt.Errorf("lock the folder of the socket: %w", err)
	}
	if err := removeStale(ctx, path); err != nil {
		return nil, err
	}
	config := net.ListenConfig{Control: restrict}
	listener, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	// The umask has taken from what restrict has set.
	if err := os.Chmod(path, socketMode); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}

// restrict sets the mode with which Linux makes the file, so that it is never open to
// more than it will be. Other systems have no use for the call.
func restrict(_, _ string, socket syscall.RawConn) error {
	return socket.Control(func(descriptor uintptr) { _ = unix.Fchmod(int(descriptor), socketMode) })
}

// removeStale removes the socket of a server that was killed, and nothing else.
func removeStale(ctx context.Context, path string) error {
	found, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if found.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is there already and is no socket: move it away, or name another path", path)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err == nil {
		_ = conn.Close()
		return fmt.Errorf("%s: address already in use: another server listens on the socket", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%s may be the socket of another server: %w", path, err)
	}
	return os.Remove(path)
}
