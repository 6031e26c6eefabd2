package main

import (
	"context"
	"fmt"

	"luxbff/internal/store"
	"luxbff/internal/store/admin"
	"luxbff/server/app"
)

type migrateCommand struct{}

// Run applies the migrations that are missing. It is a command of its own and no part
// of a start in production, where many replicas start at once and one deployment step
// should fail if a migration does.
func (migrateCommand) Run(ctx context.Context, cfg app.Config) error {
	return app.Migrate(ctx, cfg.MigrateDatabase())
}

type backupCommand struct {
	File string `arg:"" help:"The file to write; it must not be there yet."`
}

// Run backs the database up, checks the copy and says so.
func (c backupCommand) Run(ctx context.Context, cfg app.Config) error {
	if err := admin.Backup(ctx, cfg.Database(), c.File); err != nil {
		return err
	}
	fmt.Printf("%s is whole: every page, reference and migration was checked\n", c.File)
	return nil
}

type restoreCommand struct {
	File string `arg:"" help:"What backup wrote."`
}

// Run restores a backup. It doesn't migrate: the backup may be wanted for the program
// of its own version.
func (c restoreCommand) Run(ctx context.Context, cfg app.Config) error {
	if err := admin.Restore(ctx, cfg.Database(), c.File); err != nil {
		return err
	}
	fmt.Printf("%s is restored from %s; `server migrate` comes next if the backup is of an older version\n", store.Location(cfg.DatabaseURL), c.File)
	return nil
}

type copyCommand struct {
	From string `required:"" help:"file:PATH of the SQLite database, which is only read. Stop the program that serves it."`
	To   string `help:"postgres://… of an empty database; without it, MIGRATE_DATABASE_URL or DATABASE_URL."`
}

// Run copies everything and prints what was compared, a line a table.
func (c copyCommand) Run(ctx context.Context, cfg app.Config) error {
	// The pool and the wait of the settings apply to both ways to name the target.
	to := cfg.MigrateDatabase()
	if c.To != "" {
		to.URL = c.To
	}
	tables, err := admin.Copy(ctx, store.Config{URL: c.From}, to)
	if err != nil {
		return err
	}
	for _, table := range tables {
		fmt.Printf("%-20s %10d rows  sha256 %.16s  same on both sides\n", table.Name, table.Rows, table.Checksum)
	}
	fmt.Println("Everything is copied. Serve it with the same TOKEN_KEYS, and no longer from the old database.")
	return nil
}
