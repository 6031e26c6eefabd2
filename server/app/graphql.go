package app

import (
	"net/http"

	"github.com/99designs/gqlgen/graphql"

	"luxbff/graph"
	"luxbff/server/gqlhttp"
	"luxbff/server/middleware"
	"luxbff/server/ws"
)

// graphQL serves /graphql: GET, POST, sockets and streams.
func (a *App) graphQL() http.Handler {
	sockets := a.socketTransport()
	resolver := graph.NewResolver(a.Auth, a.Accounts, a.Children, a.Devlogs, a.Feed)
	return gqlhttp.New(graph.Schema(resolver), gqlhttp.Config{
		Transports:    []graphql.Transport{sockets, sockets.SSE(), sockets.Multipart()},
		Introspection: a.Config.Development() || a.Config.SchemaOpen,
		Suggestions:   a.Config.Development(),
		Extensions:    a.extensions(),
		CountError:    func(code string) { a.metrics.CountError(middleware.SurfaceGraphQL, code) },
		Logger:        a.options.Log,
	})
}

func (a *App) extensions() []graphql.HandlerExtension {
	extensions := []graphql.HandlerExtension{operationObserver{a.metrics, a.tracer, a.options.Elapsed}}
	if a.tracer != nil {
		extensions = append(extensions, resolverTracer{a.tracer})
	}
	return extensions
}

func (a *App) socketTransport() *ws.Transport {
	auth := socketAuth{a.Auth.Sessions}
	cfg := ws.Config{
		Init: auth.open, Renew: auth.renew, Operation: auth.recheck,
		Registry: a.sockets, Logger: a.options.Log, Clock: a.options.Clock,
	}
	if a.Config.Development() {
		// GraphiQL and local front ends come from other ports.
		cfg.CheckOrigin = func(*http.Request) bool { return true }
	}
	return ws.New(cfg)
}
