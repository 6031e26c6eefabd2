package app

import (
	"net/http"

	"github.com/99designs/gqlgen/graphql"

	"luxbff/graph"
	"luxbff/graph/encode"
	"luxbff/server/compression"
	"luxbff/server/gqlhttp"
	"luxbff/server/gqlstream"
	"luxbff/server/gqlws"
	"luxbff/server/middleware"
)

// graphQL serves /graphql: GET, POST, sockets and streams.
func (a *App) graphQL(origins middleware.Origins, compressor *compression.Compressor) http.Handler {
	resolver := graph.NewResolver(a.Auth, a.Accounts, a.Children, a.Devlogs, a.Feed, a.Messages)
	sockets, streams := a.liveTransports(origins)
	config := a.Config.documentRules()
	config.Transports, config.Streams = []graphql.Transport{sockets}, streams
	budgets := a.costBudgets()
	config.Extensions = append([]graphql.HandlerExtension{budgets, graph.ViewerCheck{Resolver: resolver}}, a.extensions()...)
	config.SpendCost, config.ReportCost = budgets.spend, budgets.report
	config.Trusted = a.trusted
	config.Admit = a.admitOperation()
	config.PreflightedGET = !a.Config.Development()
	config.MaxAnswer, config.LimitData = a.Config.AnswerBytes, encode.WithLimit
	config.Write, config.SetHeader = compressor.Write, markReplayed
	config.CountError = func(code string) { a.metrics.CountError(middleware.SurfaceGraphQL, code) }
	config.Logger = a.options.Log
	return gqlhttp.New(graph.Schema(resolver), config)
}

// documentRules are what decides whether a document is valid. In production neither
// introspection nor the suggestions in error messages show strangers what the schema holds.
func (c Config) documentRules() gqlhttp.Config {
	return gqlhttp.Config{
		Introspection: c.schemaIsOpen(),
		Suggestions:   c.Development(),
		MaxAliases:    c.MaxAliases,
		MaxRootFields: c.MaxRootFields,

		MaxRepeatedFields: c.MaxRepeated,
	}
}

// schemaIsOpen reports whether clients may read the schema.
func (c Config) schemaIsOpen() bool { return c.Development() || c.SchemaOpen }

// extensions count and trace the operations, and run those with a key once.
func (a *App) extensions() []graphql.HandlerExtension {
	extensions := []graphql.HandlerExtension{operationObserver{a.metrics, a.Usage, a.tracer, a.options.Elapsed}}
	if !a.minimums.IsEmpty() {
		extensions = append(extensions, upgradeNotice{a.checkApp})
	}
	if a.Config.logsDocuments() {
		extensions = append(extensions, untrustedDocuments{a.trusted, a.documentLog})
	}
	if a.tracer != nil {
		extensions = append(extensions, resolverTracer{a.tracer})
	}
	return append(extensions, onceOnly{a.Once})
}

// liveTransports serve subscriptions.
func (a *App) liveTransports(origins middleware.Origins) (*gqlws.Transport, []gqlhttp.Stream) {
	auth := socketAuth{a.Auth.Sessions, a.sockets, a.admitSocket}
	streams := gqlstream.Config{
		Init: auth.open, Operation: auth.check,
		Registry: a.sockets, Logger: a.options.Log, Clock: a.options.Clock,
	}
	sockets := gqlws.Config{Config: streams, Renew: auth.renew, CheckOrigin: origins.Allow}
	return gqlws.New(sockets), []gqlhttp.Stream{gqlstream.NewSSE(streams), gqlstream.NewMultipart(streams)}
}
