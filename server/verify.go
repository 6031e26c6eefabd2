package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"

	"luxbff/server/verify"
)

type verifyCommand struct {
	URL        string `arg:"" help:"Address of the server, as https://api.example.com."`
	Token      string `env:"VERIFY_TOKEN" help:"Access token of any account; without one what needs it is skipped. In the environment nobody reads it in a list of processes."`
	OpenSchema bool   `help:"Clients may read the schema, as in development: then that is no weak spot."`
	JSON       bool   `help:"Print a line of JSON for each question."`
}

// Run prints what was asked and what was found. Its error says how much was wrong, so that the
// exit status tells CI.
func (c verifyCommand) Run(ctx context.Context) error {
	address, err := url.Parse(c.URL)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	results, err := verify.Run(ctx, verify.Config{URL: address, Token: c.Token, SchemaIsOpen: c.OpenSchema})
	if err != nil {
		return err
	}
	show := printResults
	if c.JSON {
		show = printResultLines
	}
	if err := show(results); err != nil {
		return err
	}
	failed := 0
	for _, r := range results {
		if r.Err != nil {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("verify: %d of %d questions found something else than the contract asks", failed, len(results))
	}
	return nil
}

// printResults prints a line a group, and below it what was found or not asked.
func printResults(results []verify.Result) error {
	for begin := 0; begin < len(results); {
		end, passed := begin, 0
		for end < len(results) && results[end].Group == results[begin].Group {
			if results[end].Err == nil && results[end].Skipped == "" {
				passed++
			}
			end++
		}
		fmt.Printf("%s: %d of %d\n", results[begin].Group, passed, end-begin)
		for _, r := range results[begin:end] {
			switch {
			case r.Err != nil:
				fmt.Printf("  FAILED   %s\n           %v\n", r.Name, r.Err)
			case r.Skipped != "":
				fmt.Printf("  skipped  %s (%s)\n", r.Name, r.Skipped)
			}
		}
		begin = end
	}
	return nil
}

// printResultLines prints the results for a program to read.
func printResultLines(results []verify.Result) error {
	out := json.NewEncoder(os.Stdout)
	for _, r := range results {
		line := struct {
			Group   string `json:"group"`
			Name    string `json:"name"`
			Outcome string `json:"outcome"`
			Detail  string `json:"detail,omitempty"`
		}{r.Group, r.Name, "passed", r.Skipped}
		switch {
		case r.Err != nil:
			line.Outcome, line.Detail = "failed", r.Err.Error()
		case r.Skipped != "":
			line.Outcome = "skipped"
		}
		if err := out.Encode(line); err != nil {
			return err
		}
	}
	return nil
}
