package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"

	"luxbff/internal/apperr"
)

// What a supervisor is notified of.
const (
	supervisorReady    = "READY=1"
	supervisorStopping = "STOPPING=1"
)

// notifySupervisor says how far the program is to systemd, or to whatever else speaks the
// protocol of sd_notify: by a datagram to the socket that NOTIFY_SOCKET names. Without
// that variable nobody asked. A supervisor that can't be reached ends nothing.
func notifySupervisor(ctx context.Context, state string) {
	socket := os.Getenv("NOTIFY_SOCKET")
	if socket == "" {
		return
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unixgram", socket)
	if err == nil {
		_, err = io.WriteString(conn, state)
		err = errors.Join(err, conn.Close())
	}
	if err != nil {
		slog.Warn("the supervisor is not notified", "state", state, "error", apperr.Describe(err))
	}
}
