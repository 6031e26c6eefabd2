package app

import (
	"net/http"

	"github.com/99designs/gqlgen/graphql"

	"luxbff/graph"
	"luxbff/graph/encode"
	"luxbff/server/gqlhttp"
	"luxbff/server/gqlstream"
	"luxbff/server/gqlws"
	"luxbff/server/middleware"
)

// graphQL serves /graphql: GET, POST, sockets and streams.
func (a *App) graphQL(origins middleware.Origins) http.Handler {
	// In production neither introspection nor the suggestions in error messages show
	// strangers what the schema holds.
	resolver := graph.NewResolver(a.Auth, a.Accounts, a.Children, a.Devlogs, a.Feed, a.Messages)
	sockets, streams := a.liveTransports(origins)
	return gqlhttp.New(graph.Schema(resolver), gqlhttp.Config{
		Transports:    []graphql.Transport{sockets},
		Streams:       streams,
		Introspection: a.Config.Development() || a.Config.SchemaOpen,
		Suggestions:   a.Config.Development(),

		PreflightedGET: !a.Config.Development(),
		Extensions:     a.extensions(),
		MaxAnswer:      a.Config.AnswerBytes,
		LimitData:      encode.WithLimit,
		MaxAliases:     a.Config.MaxAliases,
		MaxRootFields:  a.Config.MaxRootFields,

		MaxRepeatedFields: a.Config.MaxRepeated,
		CountError:        func(code string) { a.metrics.CountError(middleware.SurfaceGraphQL, code) },
		Logger:            a.options.Log,
	})
}

// extensions count and trace the operations.
func (a *App) extensions() []graphql.HandlerExtension {
	extensions := []graphql.HandlerExtension{operationObserver{a.metrics, a.tracer, a.options.Elapsed}}
	if a.tracer != nil {
		extensions = append(extensions, resolverTracer{a.tracer})
	}
	return extensions
}

// liveTransports serve subscriptions.
func (a *App) liveTransports(origins middleware.Origins) (*gqlws.Transport, []gqlhttp.Stream) {
	auth := socketAuth{a.Auth.Sessions, a.sockets}
	streams := gqlstream.Config{
		Init: auth.open, Operation: auth.recheck,
		Registry: a.sockets, Logger: a.options.Log, Clock: a.options.Clock,
	}
	sockets := gqlws.Config{Config: streams, Renew: auth.renew, CheckOrigin: origins.Allow}
	return gqlws.New(sockets), []gqlhttp.Stream{gqlstream.NewSSE(streams), gqlstream.NewMultipart(streams)}
}
