package app

import (
	"context"
	"encoding/json"
	"net/http"

	"luxbff/internal/auth/token"
	"luxbff/internal/viewer"
	"luxbff/server/graphiql"
	"luxbff/server/middleware"
	"luxbff/server/openapi"
	"luxbff/server/resetpage"
	"luxbff/server/rest"
)

// routes is the table of everything the program answers, within the middleware
// that every request passes.
func (a *App) routes(keys *token.Keys) (http.Handler, error) {
	trustedProxies, err := a.Config.trustedProxies()
	if err != nil {
		return nil, err
	}
	docs, err := openapi.Handler(rest.Describe(rest.Surfaces()))
	if err != nil {
		return nil, err
	}
	graphQL := middleware.WithRequestCount(a.metrics, middleware.SurfaceGraphQL, "/graphql", a.authenticate(a.graphQL()))
	page := graphiql.Handler(a.graphiQL())

	mux := http.NewServeMux()
	mux.Handle("/graphql", graphQL)
	mux.Handle("/", a.authenticate(a.restAPI().Handler(rest.Surfaces())))
	mux.Handle("GET /openapi.json", docs)
	mux.Handle("GET /docs", docs)
	mux.Handle("GET /docs/", docs)
	mux.Handle("GET /{$}", page)
	mux.Handle("GET /graphiql/", page)
	mux.Handle(resetpage.Path, resetpage.Handler(a.Accounts, a.options.Log))
	mux.HandleFunc("GET /healthz", serveAlive)
	mux.HandleFunc("GET /readyz", a.readiness().serve)
	mux.HandleFunc("GET /.well-known/jwks.json", serveKeys(keys))
	if a.Config.Development() {
		mux.HandleFunc("GET /dev/outbox", a.serveOutbox)
		mux.Handle("GET /metrics", a.metrics.Handler())
	}

	// The outermost comes last: the log line and the limits need the client's IP,
	// and a recovered panic is to be logged as the 500 that it became.
	handler := middleware.WithRecover(a.observers(), mux)
	handler = middleware.WithRequestLog(a.observers(), handler)
	handler = middleware.WithConnectionClose(a.stopping.Load, handler)
	return middleware.WithClientIP(trustedProxies, handler), nil
}

func (a *App) observers() middleware.Observers {
	return middleware.Observers{Log: a.options.Log, Metrics: a.metrics, Tracer: a.tracer, Elapsed: a.options.Elapsed}
}

// authenticate puts the viewer into the context of every route of next, and takes
// the acknowledgement that the request carries.
func (a *App) authenticate(next http.Handler) http.Handler {
	acknowledge := func(ctx context.Context, v viewer.Viewer, installationID, cursor string) {
		a.Feed.Acknowledge(ctx, v, installationID, cursor)
	}
	return middleware.WithAuthentication(
		middleware.Authentication{Token: rest.Bearer, Authenticate: a.Auth.Sessions.Authenticate},
		middleware.WithEventAck(acknowledge, next))
}

// restAPI are the legacy surfaces.
func (a *App) restAPI() *rest.API {
	return &rest.API{
		Auth: a.Auth, Accounts: a.Accounts, Children: a.Children, Devlogs: a.Devlogs, Log: a.options.Log,
		Sunset: a.Config.Sunset,
		Count: func(surface, route string, r *http.Request) {
			middleware.CountRequest(a.metrics, surface, route, r)
		},
		CountError: a.metrics.CountError, Trace: traceAction(a.tracer),
	}
}

// serveKeys publishes the keys by which others can check our access tokens.
func serveKeys(keys *token.Keys) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jwk-set+json")
		w.Header().Set("Cache-Control", "public, max-age=300")
		_, _ = w.Write(keys.JWKS())
	}
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// The status is out: a client that hung up is nobody's error.
	_ = json.NewEncoder(w).Encode(body)
}
