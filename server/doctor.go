package main

import (
	"context"
	"fmt"

	"luxbff/server/app"
)

type doctorCommand struct{}

// Run prints what it found, a line a check. One failed check makes it fail, so that
// a script notices.
func (doctorCommand) Run(ctx context.Context, cfg app.Config) error {
	findings, failed := app.Examine(ctx, cfg, logger(cfg)), 0
	for _, f := range findings {
		mark := "ok   "
		if f.Failed {
			mark = "WRONG"
			failed++
		}
		fmt.Printf("%s  %-24s  %s\n", mark, f.Check, f.Detail)
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks found something wrong", failed, len(findings))
	}
	return nil
}
