package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"luxbff/server/app"
)

type devicesCommand struct {
	Import importCommand `cmd:"" help:"Load a catalogue; repeated import updates. A wrong line refuses the file; one whose unique_id another family's device has is stored without it and reported."`
}

type importCommand struct {
	File string `arg:"" help:"CSV with the header serial_code,mac,project_id,hardware_id,firmware_id,firmware_version and, if wanted, unique_id."`
}

// Run loads the catalogue and prints how many devices changed. What the operator should
// look into goes to the standard error, and is no failure: the file is loaded.
func (c importCommand) Run(ctx context.Context, cfg app.Config) (err error) {
	file, err := os.Open(c.File)
	if err != nil {
		return err
	}
	// The whole program is wired for it, but serves nothing.
	running, err := app.New(ctx, cfg, app.Options{})
	if err != nil {
		return errors.Join(err, file.Close())
	}
	done, err := running.Catalogue.Import(ctx, file)
	if err = errors.Join(err, file.Close(), running.Close()); err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	fmt.Printf("%d devices added, %d updated, %d unchanged\n", done.Added, done.Updated, done.Unchanged)
	for _, conflict := range done.Conflicts {
		fmt.Fprintf(os.Stderr, "%s: %v\n", c.File, &conflict)
	}
	return nil
}
