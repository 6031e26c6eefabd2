package main

import (
	"context"
	"fmt"

	"luxbff/internal/store/admin"
	"luxbff/server/app"
)

type doctorCommand struct{}

// Run prints what it found, a line a check. What is wrong makes it fail, so that a script
// notices; a warning does not.
func (doctorCommand) Run(ctx context.Context, cfg app.Config) error {
	findings, failed := app.Examine(ctx, cfg, logger(cfg)), 0
	for _, f := range findings {
		mark := "ok"
		switch f.Severity {
		case admin.Warning:
			mark = "warn"
		case admin.Wrong:
			mark = "WRONG"
			failed++
		}
		fmt.Printf("%-5s  %-24s  %s\n", mark, f.Check, f.Detail)
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks found something wrong", failed, len(findings))
	}
	return nil
}
