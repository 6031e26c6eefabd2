package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
)

// longestSocketPath is what every system takes: Linux has room for four bytes more.
const longestSocketPath = 103

// parseAddress reads an address to listen on: HOST:PORT, or unix:PATH for a socket in the
// file system. It repeats no value.
//
// A path has to be absolute. The program's folder is not the proxy's, and a name that
// begins with @ would be one of Linux's abstract sockets, which have no rights: any user
// of the machine could connect.
func parseAddress(addr string) (network, address string, err error) {
	path, isUnix := strings.CutPrefix(addr, "unix:")
	if !isUnix {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return "", "", errors.New("must be HOST:PORT, or unix:PATH for a socket")
		}
		return "tcp", addr, nil
	}
	if path = filepath.Clean(path); !filepath.IsAbs(path) || len(path) > longestSocketPath {
		return "", "", errors.New("must name a socket by its whole path, as unix:/run/luxbff/http.sock, of at most 103 bytes")
	}
	return "unix", path, nil
}

// checkAddress gives an error that names the setting; an empty one has a default.
func checkAddress(setting, addr string) error {
	if addr == "" {
		return nil
	}
	if _, _, err := parseAddress(addr); err != nil {
		return fmt.Errorf("%s %w", setting, err)
	}
	return nil
}

// Listen listens on an address of the settings. A socket in the file system is open to
// the user and the group of the program, replaces one that nobody listens on, and is
// removed when the listener is closed.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	network, address, err := parseAddress(addr)
	if err != nil {
		return nil, err
	}
	if network == "unix" {
		return listenUnix(ctx, address)
	}
	var config net.ListenConfig
	return config.Listen(ctx, network, address)
}

// Dial connects to the server on this machine that listens on an address of the settings.
// To a dialer, as to a listener, no host and 0.0.0.0 and [::] are this machine.
func Dial(ctx context.Context, addr string) (net.Conn, error) {
	network, address, err := parseAddress(addr)
	if err != nil {
		return nil, err
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, network, address)
}

// AddressOf is the address of a listener as the settings write it.
func AddressOf(listener net.Listener) string {
	if listener.Addr().Network() == "unix" {
		return "unix:" + listener.Addr().String()
	}
	return listener.Addr().String()
}
