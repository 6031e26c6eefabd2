package app

import (
	"context"
	"errors"
	"fmt"

	"luxbff/internal/catalogue"
	"luxbff/internal/store"
)

// OpenCatalogue opens the database alone, for an import beside the programs that serve
// it: nothing of the program's own work runs in the background meanwhile. CloseStore
// closes the database.
func OpenCatalogue(
	ctx context.Context, cfg Config, progress func(catalogue.Progress),
) (importer *catalogue.Importer, closeStore func() error, err error) {
	if err := cfg.Check(); err != nil {
		return nil, nil, fmt.Errorf("configuration: %w", err)
	}
	db, err := store.Open(ctx, cfg.Database())
	if err != nil {
		return nil, nil, err
	}
	if err := prepareSchema(ctx, cfg, db); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	o := Options{}.withDefaults()
	return catalogue.New(catalogue.Config{Store: db, Clock: o.Clock, Elapsed: o.Elapsed, Progress: progress}), db.Close, nil
}
