package app

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
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

// withKnownHosts refuses requests for a host that can be anybody's. Development shows
// tokens and messages to whoever asks, and only this machine can ask; but a page of a
// stranger can let its own name lead to this machine (DNS rebinding), and its browser then
// takes the answers for the page's own. Addresses, and names that nobody can register, lead
// where they say.
func (a *App) withKnownHosts(next http.Handler) http.Handler {
	public, _ := url.Parse(a.Config.URL())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, connected := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		if name := hostname(r.Host); connected && canBeRegistered(name) && (public == nil || name != hostname(public.Host)) {
			writeJSON(w, http.StatusMisdirectedRequest, map[string]string{
				"detail": "In development the server answers to localhost and addresses alone. Set PUBLIC_URL to use another name.",
			})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostname is the name of a host in lower case, without its port.
func hostname(host string) string {
	return strings.TrimSuffix(strings.ToLower((&url.URL{Host: host}).Hostname()), ".")
}

// canBeRegistered is false for addresses, and for names of one's own network, which the
// public DNS leaves alone.
func canBeRegistered(name string) bool {
	if _, err := netip.ParseAddr(name); err == nil {
		return false
	}
	dot := strings.LastIndexByte(name, '.')
	return dot >= 0 && !slices.Contains([]string{"localhost", "local", "internal"}, name[dot+1:])
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
