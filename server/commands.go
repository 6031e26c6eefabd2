package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"luxbff/graph"
	"luxbff/internal/store"
	"luxbff/internal/store/admin"
	"luxbff/server/app"
)

type migrateCommand struct{}

// Run applies the migrations that are missing.
func (migrateCommand) Run(ctx context.Context, cfg app.Config) error {
	db, err := store.Open(ctx, cfg.Database())
	if err != nil {
		return err
	}
	return errors.Join(db.Migrate(ctx), db.Close())
}

type doctorCommand struct{}

// Run says what it found, a line a check; what is wrong makes it fail.
func (doctorCommand) Run(ctx context.Context, cfg app.Config) error {
	findings, wrong := app.Examine(ctx, cfg, logger(cfg)), 0
	for _, f := range findings {
		mark := "ok   "
		if f.Failed {
			mark = "WRONG"
			wrong++
		}
		fmt.Printf("%s  %-24s  %s\n", mark, f.Check, f.Detail)
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d checks found something wrong", wrong, len(findings))
	}
	return nil
}

type backupCommand struct {
	File string `arg:"" help:"The file to write; it must not be there yet."`
}

// Run backs the database up and says so once the copy was checked.
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

// Run restores a backup and says what comes next.
func (c restoreCommand) Run(ctx context.Context, cfg app.Config) error {
	if err := admin.Restore(ctx, cfg.Database(), c.File); err != nil {
		return err
	}
	fmt.Printf("%s is restored from %s; `server migrate` comes next if the backup is of an older version\n", redacted(cfg.DatabaseURL), c.File)
	return nil
}

type copyCommand struct {
	From string `required:"" help:"file:PATH of the SQLite database, which is only read. Stop the program that serves it."`
	To   string `help:"postgres://… of an empty database; without it, DATABASE_URL."`
}

// Run copies and shows what was compared, a line a table.
func (c copyCommand) Run(ctx context.Context, cfg app.Config) error {
	to := cfg.Database()
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

type devicesCommand struct {
	Import importCommand `cmd:"" help:"Load a catalogue, all of the file or nothing; repeated import updates."`
}

type importCommand struct {
	File string `arg:"" help:"CSV with the header serial_code,mac,project_id,hardware_id,firmware_id,firmware_version and, if wanted, unique_id."`
}

// Run loads the catalogue and says what changed.
func (c importCommand) Run(ctx context.Context, cfg app.Config) (err error) {
	file, err := os.Open(c.File)
	if err != nil {
		return err
	}
	running, err := app.New(ctx, cfg, app.Options{})
	if err != nil {
		return errors.Join(err, file.Close())
	}
	done, err := running.Catalogue.Import(ctx, file)
	if err = errors.Join(err, file.Close(), running.Close()); err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	fmt.Printf("%d devices added, %d updated, %d unchanged\n", done.Added, done.Updated, done.Unchanged)
	return nil
}

type tokenCommand struct {
	User int           `required:"" help:"Id of the root user."`
	TTL  time.Duration `default:"15m" help:"How long the token is good."`
}

// Run prints an access token of a new session.
func (c tokenCommand) Run(ctx context.Context, cfg app.Config) error {
	if !cfg.Development() {
		return errors.New("token is for development: in production people sign in")
	}
	running, err := app.New(ctx, cfg, app.Options{})
	if err != nil {
		return err
	}
	tokens, err := running.Auth.Sessions.Start(ctx, c.User, c.TTL)
	if err = errors.Join(err, running.Close()); err != nil {
		return err
	}
	fmt.Println(tokens.AccessToken)
	return nil
}

type schemaCommand struct{}

// Run prints the schema with its descriptions.
func (schemaCommand) Run() error {
	fmt.Print(graph.SDL())
	return nil
}

type healthcheckCommand struct{}

// Run asks the server on ADDR whether it is ready: for a container without a
// shell.
func (healthcheckCommand) Run(ctx context.Context, cfg app.Config) error {
	_, port, err := net.SplitHostPort(cfg.Addr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+port+"/readyz", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	if err := answer.Body.Close(); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", answer.Status)
	}
	return nil
}
