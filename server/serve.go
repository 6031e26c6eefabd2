package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"time"

	"luxbff/internal/demo"
	"luxbff/internal/store"
	"luxbff/server/app"
	"luxbff/server/heap"
)

type serveCommand struct{}

// Run serves until ctx ends, and then shuts down in order. Signals that ask to reload come
// from received.
func (serveCommand) Run(ctx context.Context, cfg app.Config, received <-chan os.Signal) error {
	// Of all commands only this one runs long enough to need a memory limit.
	memoryLimit := heap.LimitMemory()
	info, _ := debug.ReadBuildInfo()
	b := readBuild(version, info)
	slog.Info("starting", "version", b.version, "revision", b.revision, "go", b.language, "memory_limit", memoryLimit)
	// The port is taken first: a second server on it must not touch the data.
	listener, err := app.Listen(ctx, cfg.ListenAddr())
	if err != nil {
		return fmt.Errorf("ADDR: %w", err)
	}
	running, err := app.New(ctx, cfg, app.Options{})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if !cfg.Development() {
		warnOfFileSystem(cfg.DatabaseURL)
	}
	closeMetrics, err := serveMetrics(ctx, cfg.MetricsAddr, running)
	if err != nil {
		return errors.Join(err, listener.Close(), running.Close())
	}
	defer closeMetrics()
	if cfg.Development() {
		if err := running.LoadDemo(ctx); err != nil {
			return errors.Join(err, listener.Close(), running.Close())
		}
	}
	go reloadOnSignal(ctx, received, reloadables(cfg, running))
	slog.Info("listening", "addr", app.AddressOf(listener), "env", cfg.Environment())
	if cfg.Development() {
		printWelcome(cfg, listener.Addr())
	}
	return serveUntilDone(ctx, cfg, running, listener)
}

func serveUntilDone(ctx context.Context, cfg app.Config, running *app.App, listener net.Listener) error {
	server := running.Server(running.Handler())
	bound, err := running.Bound(listener)
	if err != nil {
		return errors.Join(err, listener.Close(), running.Close())
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(bound) }()
	notifySupervisor(ctx, supervisorReady)
	select {
	case err := <-failed:
		return errors.Join(err, running.Close())
	case <-ctx.Done():
	}
	slog.Info("stopping")
	ending := context.WithoutCancel(ctx)
	notifySupervisor(ending, supervisorStopping)
	return shutdown(ending, cfg, running, server)
}

// shutdown takes DRAIN_FOR at most. What is still open then is cut.
func shutdown(ctx context.Context, cfg app.Config, running *app.App, server *http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, cfg.DrainFor)
	defer cancel()
	running.BeginShutdown()
	if !cfg.Development() {
		// Balancers need a while to see that /readyz fails; until then they still send
		// requests, and those are served. A developer has no balancer.
		<-time.After(cfg.ShutdownDelay)
	}
	// Sockets are hijacked connections, which the server's own Shutdown doesn't know.
	drained := make(chan error, 1)
	go func() { drained <- running.Drain(ctx) }()
	err := errors.Join(server.Shutdown(ctx), <-drained)
	running.FlushTraces(ctx)
	return errors.Join(err, running.Close())
}

// warnOfFileSystem logs that an SQLite database is kept where it can be damaged or lost. It
// ends nothing: an installation that has run so until today must not stop at an upgrade.
func warnOfFileSystem(databaseURL string) {
	file, err := store.ParseSQLite(databaseURL)
	if err != nil {
		return // PostgreSQL
	}
	if unfit := store.UnfitFileSystem(filepath.Dir(file.Path())); unfit != "" {
		slog.Warn("the folder of the database is unfit for it", "reason", unfit)
	}
}

// serveMetrics serves the metrics on a listener of their own, which the public
// need not reach, until stop is called. Without an address it does nothing.
func serveMetrics(ctx context.Context, addr string, running *app.App) (stop func(), err error) {
	if addr == "" {
		return func() {}, nil
	}
	listener, err := app.Listen(ctx, addr)
	if err != nil {
		return nil, fmt.Errorf("METRICS_ADDR: %w", err)
	}
	bound, err := running.Bound(listener)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	slog.Info("metrics", "addr", app.AddressOf(listener))
	server := running.Server(running.MetricsHandler())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(bound) // its one way to end is Close
	}()
	return func() {
		_ = server.Close()
		<-ended
	}, nil
}

// printWelcome tells a developer where to go.
func printWelcome(cfg app.Config, addr net.Addr) {
	url, onSocket := "http://localhost", ""
	if tcp, isTCP := addr.(*net.TCPAddr); isTCP {
		url = "http://" + net.JoinHostPort(readableHost(tcp.AddrPort().Addr().Unmap()), strconv.Itoa(tcp.Port))
	} else {
		onSocket = " on the socket " + addr.String()
	}
	fmt.Printf(`
  luxbff is running%[5]s.

  GraphiQL   %[1]s/          signed in as the demo parent
  GraphQL    %[1]s/graphql
  Docs       %[1]s/docs      guides, the REST routes to try, a collection for Postman or Bruno
  Messages   %[1]s/dev/         what would have been sent, as it happens; as JSON at /dev/outbox

  Sign in as the demo parent: %[2]s / %[3]s
  Data is kept in %[4]s. This is development: do not expose it.

`, url, demo.Email, demo.Password, store.Location(cfg.DatabaseURL), onSocket)
}

// readableHost is localhost for the addresses that a browser of this machine finds by it.
func readableHost(ip netip.Addr) string {
	if ip.IsUnspecified() || ip.IsLoopback() && ip.Is4() {
		return "localhost"
	}
	return ip.String()
}
