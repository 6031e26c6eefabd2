package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"time"

	"luxbff/internal/usage"
	"luxbff/server/app"
)

type usageCommand struct {
	App   string `help:"An app, as it names itself; empty: all."`
	Since string `help:"First day, in UTC, as 2027-01-31; empty: the last 30 days. The days of 400 are kept."`
	JSON  bool   `help:"Print JSON, for scripts."`
}

// Run prints a line for each route or operation and version of an app.
func (c usageCommand) Run(ctx context.Context, cfg app.Config) error {
	filter := usage.Filter{App: c.App}
	if c.Since != "" {
		since, err := time.Parse(time.DateOnly, c.Since)
		if err != nil {
			return errors.New("--since must be a day as 2027-01-31")
		}
		filter.Since = since
	}
	listed, err := app.ListUsage(ctx, cfg, filter)
	if err != nil {
		return err
	}
	if c.JSON {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(listed)
	}
	table := newTable("SURFACE", "NAME", "APP", "VERSION", "REQUESTS", "FIRST DAY", "LAST DAY")
	for _, one := range listed {
		table.row(one.Surface, one.Name, one.App, one.Version, one.Requests, one.FirstDay, one.LastDay)
	}
	return table.print()
}
