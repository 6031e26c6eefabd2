package app

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"luxbff/internal/message"
	"luxbff/internal/store"
	"luxbff/operations"
	"luxbff/server/graphiql"
	"luxbff/server/openapi"
	"luxbff/server/resetpage"
	"luxbff/server/rest"
)

// routes is the table of everything the program answers.
func (a *App) routes() (http.Handler, error) {
	mux := http.NewServeMux()
	mux.Handle("/graphql", a.counted(a.authenticated(a.graphQL())))
	mux.Handle("/", a.authenticated(a.edge().Handler(rest.Surfaces())))
	docs, err := openapi.Handler(rest.Describe(rest.Surfaces()))
	if err != nil {
		return nil, err
	}
	mux.Handle("GET /openapi.json", docs)
	mux.Handle("GET /docs", docs)
	mux.Handle("GET /docs/", docs)
	page := graphiql.Handler(a.page())
	mux.Handle("GET /{$}", page)
	mux.Handle("GET /graphiql/", page)
	mux.Handle(resetpage.Path, resetpage.Handler(a.Accounts, a.options.Log))
	mux.HandleFunc("GET /healthz", a.healthz)
	mux.HandleFunc("GET /readyz", a.readyz)
	mux.HandleFunc("GET /.well-known/jwks.json", a.jwks)
	if a.Config.Development() {
		mux.HandleFunc("GET /dev/outbox", a.outbox)
		mux.Handle("GET /metrics", a.metrics.Handler())
	}
	trusted, err := trustedProxies(a.Config.TrustedProxies)
	if err != nil {
		return nil, err
	}
	return located(trusted, a.observed(mux)), nil
}

// counted counts what comes to GraphQL beside what still comes to the legacy
// routes.
func (a *App) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.count(surfaceGraphQL, "/graphql", r)
		next.ServeHTTP(w, r)
	})
}

// page is what GraphiQL shows: the sample operations and, in development, the
// demo family's token.
func (a *App) page() graphiql.Config {
	page := graphiql.Config{Endpoint: "/graphql"}
	for _, sample := range operations.All() {
		page.Tabs = append(page.Tabs, graphiql.Tab{Query: sample.Document, Variables: sample.Variables})
	}
	if a.Config.Development() {
		page.Headers = a.demoHeaders
	}
	return page
}

func (a *App) demoHeaders(ctx context.Context) map[string]string {
	if a.demoUserID == 0 {
		return nil
	}
	tokens, err := a.Accounts.StartSession(ctx, a.demoUserID, demoTokenTTL)
	if err != nil {
		a.options.Log.ErrorContext(ctx, "sign in the demo account", "error", err)
		return nil
	}
	return map[string]string{"Authorization": "Bearer " + tokens.AccessToken}
}

// healthz says that the process lives.
func (a *App) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// readyz says that requests can be served: the database answers, its schema is
// the one the program was built for, and the program isn't about to end. Without
// NATS all is served, live events up to a poll later: that is degraded, and ready.
// So is a replica whose database was migrated for the next release, which takes
// its place: were it not ready, none would be between the two.
func (a *App) readyz(w http.ResponseWriter, r *http.Request) {
	if a.leaving.Load() {
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "stopping"})
		return
	}
	pending, err := a.Store.Pending(r.Context())
	if errors.Is(err, store.ErrNewerDatabase) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "degraded", "reason": "the database is newer than this program: an upgrade is under way"})
		return
	}
	if err != nil || pending > 0 {
		a.options.Log.WarnContext(r.Context(), "not ready", "pending_migrations", pending, "error", err)
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "unavailable"})
		return
	}
	if !a.bus.Up() {
		writeJSON(w, http.StatusOK, map[string]string{"status": "degraded", "reason": "NATS is away: live events come by polling"})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// jwks publishes the keys by which others can check our access tokens.
func (a *App) jwks(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/jwk-set+json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(a.keys.JWKS())
}

// outbox shows what would have been sent, newest first; ?to= narrows it to one
// address.
func (a *App) outbox(w http.ResponseWriter, r *http.Request) {
	const most = 100
	sent, err := a.Outbox.Recent(r.Context(), r.URL.Query().Get("to"), most)
	if err != nil {
		a.options.Log.ErrorContext(r.Context(), "read the outbox", "error", err)
		writeJSON(w, http.StatusInternalServerError, map[string]string{"detail": "Internal server error. Please try again later."})
		return
	}
	if sent == nil {
		sent = []message.Sent{}
	}
	writeJSON(w, http.StatusOK, sent)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// The status is out: a client that hung up is nobody's error.
	_ = json.NewEncoder(w).Encode(body)
}
