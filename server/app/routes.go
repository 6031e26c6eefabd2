package app

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"luxbff/internal/auth"
	"luxbff/internal/auth/token"
	"luxbff/internal/usage"
	"luxbff/internal/viewer"
	"luxbff/server/compression"
	"luxbff/server/devpage"
	"luxbff/server/graphiql"
	"luxbff/server/middleware"
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
	origins, err := a.Config.origins()
	if err != nil {
		return nil, err
	}
	compressor, err := compression.New()
	if err != nil {
		return nil, err
	}
	api := a.restAPI()
	graphQL := middleware.WithRequestCount(a.metrics, middleware.SurfaceGraphQL, "/graphql", a.withUpgradeNotice(a.authenticate(a.withUncheckedViewer, a.graphQL(origins, compressor))))

	mux := http.NewServeMux()
	mux.Handle("/graphql", graphQL)
	// The legacy surfaces also answer for every unknown path, each with its own 404.
	mux.Handle("/", a.withUpgradeNotice(a.authenticate(a.withViewer, compressor.Handler(api.Handler(rest.Surfaces())))))
	a.documentation(compressor, mux)
	if a.Config.schemaIsOpen() {
		page := graphiql.Handler(a.graphiQL())
		handleGet(mux, "/schema.graphql", compressor.Handler(schemaText()))
		handleGet(mux, "/{$}", page)
		handleGet(mux, "/graphiql/", page)
	} else {
		handleGet(mux, "/{$}", http.RedirectHandler("/docs", http.StatusSeeOther))
	}
	mailPages := resetpage.Handler(a.Accounts, a.options.Log)
	mux.Handle(resetpage.Path, mailPages)
	mux.Handle(resetpage.RevertPath, mailPages)
	handleGet(mux, "/healthz", http.HandlerFunc(serveAlive))
	handleGet(mux, "/readyz", http.HandlerFunc(a.readiness().serve))
	handleGet(mux, "/.well-known/jwks.json", serveKeys(keys))
	if a.Config.Development() {
		handleGet(mux, "/dev/outbox", http.HandlerFunc(a.serveOutbox))
		handleGet(mux, "/dev/identity/{provider}", http.HandlerFunc(a.serveSandboxToken))
		handleGet(mux, "/dev/{$}", devpage.Handler())
		handleGet(mux, "/dev/page.js", devpage.Handler())
		handleGet(mux, "/dev/messages", http.HandlerFunc(a.serveMessages))
		handleGet(mux, "/metrics", a.metrics.Handler())
	}

	// The outermost comes last. The recovery is within the log, so that a panic is
	// logged as the 500 that it became.
	handler := middleware.WithRecover(a.observers(), a.withConnectionLimit(trustedProxies, api, mux))
	if a.Config.Development() {
		handler = a.withKnownHosts(handler)
	}
	handler = middleware.WithOrigins(origins, handler)
	handler = middleware.WithRequestLog(a.observers(), handler)
	handler = middleware.WithConnectionClose(a.stopping.Load, handler)
	handler = middleware.WithClientIP(trustedProxies, a.options.Log, handler)
	handler = a.withSecurityHeaders(handler)
	return middleware.WithSingleSlashes(handler), nil
}

// withSecurityHeaders is around everything that the program answers, on whichever
// listener.
func (a *App) withSecurityHeaders(next http.Handler) http.Handler {
	return middleware.WithSecurityHeaders(strings.HasPrefix(a.Config.PublicURL, "https:"), next)
}

// handleGet serves a path for GET, and says so to a page that asks before it comes.
func handleGet(mux *http.ServeMux, path string, handler http.Handler) {
	mux.Handle("GET "+path, handler)
	mux.HandleFunc("OPTIONS "+path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		w.WriteHeader(http.StatusNoContent)
	})
}

// observers log, count and trace every request.
func (a *App) observers() middleware.Observers {
	return middleware.Observers{Log: a.options.Log, Metrics: a.metrics, Tracer: a.tracer, Elapsed: a.options.Elapsed}
}

// authenticate puts the viewer into the context of every route of next, and takes
// the acknowledgement that the request carries.
func (a *App) authenticate(withViewer func(ctx context.Context, token string) context.Context, next http.Handler) http.Handler {
	return middleware.WithAuthentication(
		middleware.Authentication{Token: rest.Bearer, Authenticate: withViewer},
		middleware.WithEventAck(a.acknowledge, next))
}

// withViewer puts the viewer of a token into the context, or the reason why there is none.
func (a *App) withViewer(ctx context.Context, token string) context.Context {
	v, err := a.Auth.Sessions.Authenticate(ctx, token)
	if err != nil {
		return viewer.Without(ctx, err)
	}
	middleware.RequestInfoFrom(ctx).SetRootUser(v.RootUserID())
	return viewer.With(ctx, v)
}

// withUncheckedViewer asks no database: what a GraphQL request reads there to check its
// token depends on its document (graph.ViewerCheck).
func (a *App) withUncheckedViewer(ctx context.Context, token string) context.Context {
	claims, err := a.Auth.Sessions.Claims(token)
	if err != nil {
		return viewer.Without(ctx, err)
	}
	unchecked := viewer.WithoutRow(claims.RootUserID, claims.SessionID, claims.ExpiresAt)
	return viewer.WithUnchecked(auth.WithClaims(ctx, &claims), unchecked)
}

func (a *App) acknowledge(ctx context.Context, installationID, cursor string) {
	if v, err := a.Auth.Sessions.Settle(ctx); err == nil {
		a.Feed.Acknowledge(ctx, v, installationID, cursor)
	}
}

// restAPI are the legacy surfaces.
func (a *App) restAPI() *rest.API {
	return &rest.API{
		Auth: a.Auth, Accounts: a.Accounts, Children: a.Children, Devlogs: a.Devlogs, Once: a.Once, Log: a.options.Log,
		Sunset: a.Config.Sunset, Sunsets: func() rest.Sunsets { return *a.sunsets.Load() },
		Count: a.countRequest, Admit: a.admitRequest(),
		CountError: a.metrics.CountError, Trace: traceAction(a.tracer),
	}
}

// countRequest counts a request to a legacy surface. What no route serves is not what an app
// needs.
func (a *App) countRequest(surface, route string, r *http.Request) {
	app := middleware.CountRequest(a.metrics, surface, route, r)
	if route == rest.NoRoute {
		return
	}
	_, err := viewer.From(r.Context())
	a.Usage.Count(usage.Use{Surface: surface, Name: route, App: app.Name, Version: app.Version}, err == nil)
}

// serveKeys publishes the public keys by which others can verify our access tokens.
// They may be kept for five minutes, so a new key has to be published that long
// before it signs.
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
