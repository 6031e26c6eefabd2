package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"luxbff/internal/demo"
	"luxbff/internal/store"
	"luxbff/server/app"
	"luxbff/server/heap"
)

type serveCommand struct{}

// Run serves until ctx ends, and then shuts down in order.
func (serveCommand) Run(ctx context.Context, cfg app.Config) error {
	// Of all commands only this one runs long enough to need a memory limit.
	memoryLimit := heap.LimitMemory()
	info, _ := debug.ReadBuildInfo()
	b := readBuild(version, info)
	slog.Info("starting", "version", b.version, "revision", b.revision, "go", b.language, "memory_limit", memoryLimit)
	// The port is taken first: a second server on it must not touch the data.
	listener, err := listen(ctx, cfg.ListenAddr())
	if err != nil {
		return err
	}
	running, err := app.New(ctx, cfg, app.Options{})
	if err != nil {
		return errors.Join(err, listener.Close())
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
	slog.Info("listening", "addr", listener.Addr().String(), "env", cfg.Environment())
	if cfg.Development() {
		printWelcome(cfg, listener.Addr().String())
	}
	return serveUntilDone(ctx, cfg, running, listener)
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", addr)
}

func serveUntilDone(ctx context.Context, cfg app.Config, running *app.App, listener net.Listener) error {
	server := running.Server(running.Handler())
	bound, err := running.Bound(listener)
	if err != nil {
		return errors.Join(err, listener.Close(), running.Close())
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(bound) }()
	select {
	case err := <-failed:
		return errors.Join(err, running.Close())
	case <-ctx.Done():
	}
	slog.Info("stopping")
	return shutdown(context.WithoutCancel(ctx), cfg, running, server)
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

// serveMetrics serves the metrics on a listener of their own, which the public
// need not reach, until stop is called. Without an address it does nothing.
func serveMetrics(ctx context.Context, addr string, running *app.App) (stop func(), err error) {
	if addr == "" {
		return func() {}, nil
	}
	listener, err := listen(ctx, addr)
	if err != nil {
		return nil, fmt.Errorf("METRICS_ADDR: %w", err)
	}
	bound, err := running.Bound(listener)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	slog.Info("metrics", "addr", addr)
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
func printWelcome(cfg app.Config, addr string) {
	host, port, _ := net.SplitHostPort(addr)
	if ip, err := netip.ParseAddr(host); err == nil && (ip.IsUnspecified() || ip.IsLoopback() && ip.Is4()) {
		host = "localhost"
	}
	fmt.Printf(`
  luxbff is running.

  GraphiQL   %[1]s/          signed in as the demo parent
  GraphQL    %[1]s/graphql
  Outbox     %[1]s/dev/outbox   the SMS codes that would have been sent

  Sign in as the demo parent: %[2]s / %[3]s
  Data is kept in %[4]s. This is development: do not expose it.

`, "http://"+net.JoinHostPort(host, port), demo.Email, demo.Password, store.Location(cfg.DatabaseURL))
}
