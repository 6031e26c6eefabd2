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
	token := a.demoToken(ctx)
	if token == "" {
		return nil
	}
	return map[string]string{"Authorization": "Bearer " + token}
}

// demoToken is an access token of the demo parent, or "" where there is none.
func (a *App) demoToken(ctx context.Context) string {
	if a.demoUserID == 0 {
		return ""
	}
	tokens, err := a.Auth.Sessions.Start(ctx, a.demoUserID, demoTokenTTL)
	if err != nil {
		a.options.Log.ErrorContext(ctx, "sign in the demo account", "error", err)
		return ""
	}
	return tokens.AccessToken
}

// maxShown is how many messages development shows.
const maxShown = 100

// serveOutbox shows the messages that would have been sent, newest first; ?to=
// narrows them to one address. In development alone: it holds SMS codes.
func (a *App) serveOutbox(w http.ResponseWriter, r *http.Request) {
	sent, err := a.Outbox.Recent(r.Context(), r.URL.Query().Get("to"), maxShown)
	if err != nil {
		a.refuseDevelopment(w, r, err)
		return
	}
	if sent == nil {
		sent = []message.Sent{} // JSON has null for nil
	}
	writeJSON(w, http.StatusOK, sent)
}

// developmentMessage is a message as the page of development shows it, with what became of it.
type developmentMessage struct {
	ID        int             `json:"id"`
	Channel   string          `json:"channel"`
	To        string          `json:"to"`
	Purpose   string          `json:"purpose,omitempty"`
	Title     string          `json:"title,omitempty"`
	Text      string          `json:"text"`
	Status    message.Status  `json:"status"`
	Reason    *message.Reason `json:"reason,omitempty"`
	Attempts  int             `json:"attempts"`
	CreatedAt time.Time       `json:"created_at"`
}

// serveMessages answers the page of development.
func (a *App) serveMessages(w http.ResponseWriter, r *http.Request) {
	rows, err := a.Outbox.RecentRows(r.Context(), "", maxShown)
	if err != nil {
		a.refuseDevelopment(w, r, err)
		return
	}
	shown := make([]developmentMessage, len(rows))
	for i, row := range rows {
		shown[i] = developmentMessage{
			ID: row.ID, Channel: row.Channel.String(), To: row.To, Text: row.Text,
			Status: message.StatusOf(row), Reason: message.ReasonOf(row), Attempts: row.Attempts, CreatedAt: row.CreatedAt,
		}
		if row.Purpose != nil {
			shown[i].Purpose = row.Purpose.String()
		}
		if row.Title != nil {
			shown[i].Title = *row.Title
		}
	}
	writeJSON(w, http.StatusOK, shown)
}

func (a *App) refuseDevelopment(w http.ResponseWriter, r *http.Request, err error) {
	a.options.Log.ErrorContext(r.Context(), "read the outbox", "error", err)
	writeJSON(w, http.StatusInternalServerError, map[string]string{"detail": apperr.Internal.New().Detail()})
}
