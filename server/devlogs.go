package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"luxbff/internal/devlog"
	"luxbff/server/app"
)

type devlogsCommand struct {
	Rejected rejectedCommand `cmd:"" help:"Usage logs that could not be stored while the others of their upload were. They are kept for 90 days after they were sent last, 1,000 an account."`
}

type rejectedCommand struct {
	List listRejectedCommand `cmd:"" help:"Show rejected logs, the newest first."`
	Show showRejectedCommand `cmd:"" help:"Show one, with all that was sent."`
}

type listRejectedCommand struct {
	User  int `help:"Id of an account: only its logs. 0: all."`
	Limit int `default:"50" help:"How many at most."`
}

// Run prints a line a log.
func (c listRejectedCommand) Run(ctx context.Context, cfg app.Config) error {
	if c.Limit < 1 {
		return errors.New("--limit must be at least 1")
	}
	return withRejected(ctx, cfg, func(rejected *devlog.Operator) error {
		listed, err := rejected.List(ctx, c.User, c.Limit)
		if err != nil {
			return err
		}
		table := newTable("ID", "LAST SENT", "ACCOUNT", "CODE", "FIELD", "TIMES")
		for _, r := range listed {
			table.row(r.ID, r.LastAt.UTC().Format(time.DateTime), r.RootUserID, r.Code, r.Field, r.Times)
		}
		return table.print()
	})
}

type showRejectedCommand struct {
	ID int `arg:"" help:"Id of the log, as list shows it."`
}

// Run prints a line for each thing that is known.
func (c showRejectedCommand) Run(ctx context.Context, cfg app.Config) error {
	return withRejected(ctx, cfg, func(rejected *devlog.Operator) error {
		r, err := rejected.Show(ctx, c.ID)
		if err != nil {
			return err
		}
		table := newTable("ID", fmt.Sprint(r.ID))
		table.row("account", r.RootUserID)
		table.row("code", r.Code)
		table.row("field", r.Field)
		table.row("times", r.Times)
		table.row("first sent", moment(&r.FirstAt))
		table.row("last sent", moment(&r.LastAt))
		table.row("record", r.Record)
		return table.print()
	})
}

func withRejected(ctx context.Context, cfg app.Config, use func(rejected *devlog.Operator) error) error {
	rejected, closeStore, err := app.OpenRejectedDevlogs(ctx, cfg)
	if err != nil {
		return err
	}
	return errors.Join(use(rejected), closeStore())
}
