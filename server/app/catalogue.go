package app

import (
	"context"

	"luxbff/internal/catalogue"
)

// OpenCatalogue opens the database for an import. CloseStore closes the database.
func OpenCatalogue(
	ctx context.Context, cfg Config, progress func(catalogue.Progress),
) (importer *catalogue.Importer, closeStore func() error, err error) {
	db, err := openStore(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	o := Options{}.withDefaults()
	return catalogue.New(catalogue.Config{Store: db, Clock: o.Clock, Elapsed: o.Elapsed, Progress: progress}), db.Close, nil
}
