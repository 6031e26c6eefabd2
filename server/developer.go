package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"luxbff/graph"
	"luxbff/server/app"
)

type tokenCommand struct {
	User int           `required:"" help:"Id of the root user."`
	TTL  time.Duration `default:"15m" help:"How long the token is good; two weeks at most, as its session."`
}

// Run prints the access token of a new session. It asks for no password, so it is
// refused in production, where the session would be a back door.
func (c tokenCommand) Run(ctx context.Context, cfg app.Config) error {
	if !cfg.Development() {
		return errors.New("token is for development: in production people sign in")
	}
	running, err := app.New(ctx, cfg, app.Options{})
	if err != nil {
		return err
	}
	tokens, err := running.Auth.Sessions.Start(ctx, c.User, c.TTL)
	if err = errors.Join(err, running.Close()); err != nil {
		return err
	}
	fmt.Println(tokens.AccessToken)
	return nil
}

type collectionCommand struct{}

// Run prints the requests of the API as a collection for Postman, Bruno and their like.
func (collectionCommand) Run(cfg app.Config) error {
	collection, err := app.Collection(cfg)
	if err != nil {
		return err
	}
	fmt.Println(string(collection))
	return nil
}

type schemaCommand struct {
	JSON bool `name:"json" help:"Print the answer to an introspection query instead of SDL."`
}

// Run prints the schema with its descriptions.
func (c schemaCommand) Run(ctx context.Context) error {
	if !c.JSON {
		fmt.Print(graph.SDL())
		return nil
	}
	answer, err := graph.Introspection(ctx)
	if err != nil {
		return err
	}
	fmt.Println(string(answer))
	return nil
}
