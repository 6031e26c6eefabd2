// Command server is luxbff: it serves the API, and holds the commands that an
// operator needs. It wires and prints; it holds no rule.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/alecthomas/kong"
	"go.opentelemetry.io/otel"

	"luxbff/internal/apperr"
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
	Devlogs     devlogsCommand     `cmd:"" help:"Usage logs that were rejected."`
	Messages    messagesCommand    `cmd:"" help:"What was sent, what became of it, and what goes out again."`
	Usage       usageCommand       `cmd:"" help:"Show which version of which app uses which route and operation."`
	Token       tokenCommand       `cmd:"" help:"Print an access token, in development."`
	Schema      schemaCommand      `cmd:"" help:"Print the GraphQL schema."`
	Collection  collectionCommand  `cmd:"" help:"Print all requests as a collection for Postman or Bruno."`
	Healthcheck healthcheckCommand `cmd:"" help:"Ask a running server whether it is ready."`
	Verify      verifyCommand      `cmd:"" help:"Ask a running server whether it keeps the contract; it changes nothing there."`
	Version     versionCommand     `cmd:"" help:"Print the version of this program."`
}

func main() {
	var line commandLine
	parsed := kong.Parse(&line, kong.Name("server"), kong.UsageOnError(),
		kong.Description("luxbff, a GraphQL backend-for-frontend for the apps of wearable medical devices."))
	isServer := parsed.Command() == "serve"
	ctx, stop := stopOnSignal(context.Background(), stopSignals(isServer)...)
	// This is for every command; an operator's GOGC goes before it.
	go heap.Tune(ctx, os.Getenv("GOGC"))
	slog.SetDefault(logger(line.Config))
	var received <-chan os.Signal
	if isServer {
		received = serveOnSignal()
	}
	// The SDK would print its errors itself, past the log's format.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { slog.Warn("OpenTelemetry", "error", apperr.Describe(err)) }))
	parsed.BindTo(ctx, (*context.Context)(nil))
	parsed.Bind(received)
	err := interrupted(ctx, parsed.Run(line.Config))
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

// logger writes JSON in production, for machines, and text in development, for people.
func logger(cfg app.Config) *slog.Logger {
	if cfg.Development() {
		return slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, nil))
}
