// Package verify asks a running server whether it keeps the contract: GraphQL over HTTP by the
// published audits, the transports of subscriptions with their close codes, the documented shape
// of the REST routes, and what tools that look for weak spots of GraphQL servers ask. It changes
// nothing on the server. It knows the server only over the network, so that it can be asked of
// any server of this contract: it must import nothing of the program.
package verify

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"time"
)

// Config is the server to ask.
type Config struct {
	// URL is its address, as https://api.example.com, without a path.
	URL *url.URL
	// Token is an access token of any account; without one the checks that need it are
	// skipped.
	Token string
	// SchemaIsOpen is whether clients may read the schema, as in development. What shows the
	// schema is then no weak spot.
	SchemaIsOpen bool
}

// Result is what one check found.
type Result struct {
	// Group and Name say what was asked.
	Group, Name string
	// Err says what was found instead of what the contract asks; nil for a check that passed.
	Err error
	// Skipped says why nothing was asked; empty where something was.
	Skipped string
}

// check is one question. Its error is what was found instead of what the contract asks.
type check struct {
	name string
	// needsToken is for a question that is asked in the name of an account.
	needsToken bool
	ask        func(ctx context.Context, s *server) error
}

// atOnce is how many checks run side by side. It stays below what one address may hold.
const atOnce = 8

// timeout is for one check. The longest waits for 10 seconds on purpose.
const timeout = 30 * time.Second

// Run asks everything and gives the results in the order of the groups. Its error is that the
// server can't be reached, or serves no OpenAPI document.
func Run(ctx context.Context, config Config) ([]Result, error) {
	if config.URL == nil || config.URL.Scheme != "http" && config.URL.Scheme != "https" || config.URL.Host == "" {
		return nil, errors.New("verify: the URL must be as https://api.example.com")
	}
	s := newServer(config)
	defer s.client.CloseIdleConnections()
	routes, err := s.routes(ctx)
	if err != nil {
		return nil, err
	}
	groups := []struct {
		name   string
		checks []check
	}{
		{"GraphQL over HTTP", audits()},
		{"Transports", transports()},
		{"Close codes", closeCodes()},
		{"REST routes", routes},
		{"Weak spots", weakSpots(config.SchemaIsOpen)},
	}
	var results []Result
	var questions []check
	for _, group := range groups {
		for _, c := range group.checks {
			results = append(results, Result{Group: group.name, Name: c.name})
			questions = append(questions, c)
		}
	}
	var running sync.WaitGroup
	free := make(chan struct{}, atOnce)
	for i, c := range questions {
		if c.needsToken && config.Token == "" {
			results[i].Skipped = "it needs a token"
			continue
		}
		free <- struct{}{}
		running.Go(func() {
			defer func() { <-free }()
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			results[i].Err = c.ask(ctx, s)
		})
	}
	running.Wait()
	return results, ctx.Err()
}
