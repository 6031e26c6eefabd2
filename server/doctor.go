package main

import (
	"context"
	"fmt"

	"luxbff/internal/store/admin"
	"luxbff/server/app"
)

type doctorCommand struct {
	SendTest string `placeholder:"ADDRESS" help:"Send one message to this phone, as +821012345678, or e-mail address, and wait up to a minute for what becomes of it. Without it nothing is sent."`
}

// Run prints what it found, a line a check. What is wrong makes it fail, so that a script
// notices; a warning does not.
func (c doctorCommand) Run(ctx context.Context, cfg app.Config) error {
	findings, failed := app.Examine(ctx, cfg, logger(cfg)), 0
	if c.SendTest != "" {
		findings = append(findings, app.SendTest(ctx, cfg, app.Options{Log: logger(cfg)}, c.SendTest))
	}
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
