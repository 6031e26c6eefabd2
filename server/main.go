// Command server is luxbff: it serves the API, and holds the commands that an
// operator needs. It wires and prints; it holds no rule.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"go.opentelemetry.io/otel"

	"luxbff/internal/demo"
	"luxbff/server/app"
	"luxbff/server/heap"
)

// commandLine is every command; each setting is also an environment variable.
type commandLine struct {
	app.Config

	Serve       serveCommand       `cmd:"" default:"1" help:"Serve the API (the default)."`
	Migrate     migrateCommand     `cmd:"" help:"Bring the database to this program's schema."`
	Doctor      doctorCommand      `cmd:"" help:"Check settings, keys, database, migrations, disk, NATS and providers, and say what is wrong."`
	Backup      backupCommand      `cmd:"" help:"Copy the SQLite database to a file, while the program runs."`
	Restore     restoreCommand     `cmd:"" help:"Make the SQLite database from a backup, while the program is stopped."`
	Copy        copyCommand        `cmd:"" help:"Move an installation from SQLite to an empty PostgreSQL."`
	Devices     devicesCommand     `cmd:"" help:"The device catalogue."`
	Token       tokenCommand       `cmd:"" help:"Print an access token, in development."`
	Schema      schemaCommand      `cmd:"" help:"Print the GraphQL schema."`
	Healthcheck healthcheckCommand `cmd:"" help:"Ask a running server whether it is ready."`
}

func main() {
	var line commandLine
	parsed := kong.Parse(&line, kong.Name("server"), kong.UsageOnError(),
		kong.Description("luxbff, a GraphQL backend-for-frontend for the apps of wearable medical devices."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go heap.Tune(ctx, os.Getenv("GOGC"))
	slog.SetDefault(logger(line.Config))
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { slog.Warn("OpenTelemetry", "error", err) }))
	parsed.BindTo(ctx, (*context.Context)(nil))
	err := parsed.Run(line.Config)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

// logger writes JSON in production and text in development.
func logger(cfg app.Config) *slog.Logger {
	if cfg.Development() {
		return slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, nil))
}

type serveCommand struct{}

// Run serves until the program is told to stop.
func (serveCommand) Run(ctx context.Context, cfg app.Config) error {
	// The port is taken first: a second server on it must not touch the data.
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", cfg.Addr)
	if err != nil {
		return err
	}
	running, err := app.New(ctx, cfg, app.Options{})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	closeMetrics, err := serveMetrics(ctx, cfg.MetricsAddr, running.MetricsHandler())
	if err != nil {
		return errors.Join(err, listener.Close(), running.Close())
	}
	defer closeMetrics()
	if cfg.MetricsAddr != "" {
		slog.Info("metrics", "addr", cfg.MetricsAddr)
	}
	if cfg.Development() {
		if err := running.LoadDemo(ctx); err != nil {
			return errors.Join(err, listener.Close(), running.Close())
		}
	}
	greet(cfg, listener.Addr())
	return serve(ctx, cfg, running, listener)
}

func serve(ctx context.Context, cfg app.Config, running *app.App, listener net.Listener) error {
	server := &http.Server{
		Handler:           running.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return errors.Join(err, running.Close())
	case <-ctx.Done():
	}
	slog.Info("stopping")
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.DrainFor)
	defer cancel()
	leave(cfg, running)
	sockets := make(chan error, 1)
	go func() { sockets <- running.Drain(draining) }()
	err := errors.Join(server.Shutdown(draining), <-sockets)
	running.FlushTraces(draining)
	return errors.Join(err, running.Close())
}

// leave gives the balancers time to see that no more requests are wanted. A
// developer has none.
func leave(cfg app.Config, running *app.App) {
	running.BeginShutdown()
	if !cfg.Development() {
		<-time.After(cfg.ShutdownDelay)
	}
}

// greet tells a developer where to go, and an operator that the server is up.
func greet(cfg app.Config, at net.Addr) {
	slog.Info("listening", "addr", at.String(), "env", cfg.Env)
	if !cfg.Development() {
		return
	}
	_, port, _ := net.SplitHostPort(at.String())
	address := "http://localhost:" + port
	fmt.Printf(`
  luxbff is running.

  GraphiQL   %[1]s/          signed in as the demo parent
  GraphQL    %[1]s/graphql
  Outbox     %[1]s/dev/outbox   the SMS codes that would have been sent

  Sign in as the demo parent: %[2]s / %[3]s
  Data is kept in %[4]s. This is development: do not expose it.

`, address, demo.Email, demo.Password, place(cfg.DatabaseURL))
}

// place is the address of a database without its password.
func place(database string) string {
	address, err := url.Parse(database)
	if err != nil {
		return "the database"
	}
	return address.Redacted()
}
