package app

import (
	"context"
	"net/http"
	"time"

	"luxbff/internal/apperr"
	"luxbff/internal/message"
	"luxbff/operations"
	"luxbff/server/graphiql"
)

// demoTokenTTL lets a developer explore for a day before reloading the page.
const demoTokenTTL = 24 * time.Hour

// graphiQL is what GraphiQL shows: the sample operations and, in development, the
// demo parent's token.
func (a *App) graphiQL() graphiql.Config {
	page := graphiql.Config{Endpoint: "/graphql"}
	for _, sample := range operations.All() {
		page.Tabs = append(page.Tabs, graphiql.Tab{Query: sample.Document, Variables: sample.Variables})
	}
	if a.Config.Development() {
		page.Headers = a.demoHeaders
	}
	return page
}

// demoHeaders sign the demo parent in, anew each time the page is opened.
func (a *App) demoHeaders(ctx context.Context) map[string]string {
	if a.demoUserID == 0 {
		return nil
	}
	tokens, err := a.Auth.Sessions.Start(ctx, a.demoUserID, demoTokenTTL)
	if err != nil {
		a.options.Log.ErrorContext(ctx, "sign in the demo account", "error", err)
		return nil
	}
	return map[string]string{"Authorization": "Bearer " + tokens.AccessToken}
}

// serveOutbox shows the messages that would have been sent, newest first; ?to=
// narrows them to one address. In development alone: it holds SMS codes.
func (a *App) serveOutbox(w http.ResponseWriter, r *http.Request) {
	const limit = 100
	sent, err := a.Outbox.Recent(r.Context(), r.URL.Query().Get("to"), limit)
	if err != nil {
		a.options.Log.ErrorContext(r.Context(), "read the outbox", "error", err)
		writeJSON(w, http.StatusInternalServerError, map[string]string{"detail": apperr.Internal.New().Detail()})
		return
	}
	if sent == nil {
		sent = []message.Sent{} // JSON has null for nil
	}
	writeJSON(w, http.StatusOK, sent)
}
