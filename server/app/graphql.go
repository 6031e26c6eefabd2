package app

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"luxbff/graph"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth/token"
	"luxbff/internal/viewer"
	"luxbff/server/gqlhttp"
	"luxbff/server/rest"
	"luxbff/server/ws"
)

// demoTokenTTL lets a developer explore for a day before reloading the page.
const demoTokenTTL = 24 * time.Hour

// graphQL serves /graphql: GET, POST, sockets and streams.
func (a *App) graphQL() http.Handler {
	sockets := a.socketTransport()
	return gqlhttp.New(graph.Schema(a.resolver()), gqlhttp.Config{
		Transports:    []graphql.Transport{sockets, sockets.SSE(), sockets.Multipart()},
		Introspection: a.Config.Development() || a.Config.SchemaOpen,
		Suggestions:   a.Config.Development(),
		Extensions:    a.extensions(),
		CountError:    func(code string) { a.metrics.Error(surfaceGraphQL, code) },
		Logger:        a.options.Log,
	})
}

func (a *App) extensions() []graphql.HandlerExtension {
	if a.tracer == nil {
		return []graphql.HandlerExtension{observer{a}}
	}
	return []graphql.HandlerExtension{observer{a}, actions{a}}
}

func (a *App) socketTransport() *ws.Transport {
	cfg := ws.Config{
		Init: a.socketInit, Renew: a.socketRenew, Operation: a.socketOperation,
		Registry: a.sockets, Logger: a.options.Log, Clock: a.options.Clock,
	}
	if a.Config.Development() {
		cfg.CheckOrigin = func(*http.Request) bool { return true }
	}
	return ws.New(cfg)
}

type claimsKey struct{}

// socketInit takes the access token from the payload of connection_init, or
// from the headers of the request.
func (a *App) socketInit(ctx context.Context, payload ws.InitPayload, r *http.Request) (ws.Session, error) {
	text := payload.String("Authorization", "authorization", "x-access-token", "X-Access-Token", "accessToken")
	if scheme, rest, ok := strings.Cut(text, " "); ok && strings.EqualFold(scheme, "Bearer") {
		text = strings.TrimSpace(rest)
	}
	if text == "" {
		text = rest.Bearer(r)
	}
	client := clientOf(payload, r.Header)
	if r.Header.Get("Upgrade") != "" {
		client.LastEventID = nil // what a socket received is told by its pongs
	}
	return a.session(viewer.WithClient(ctx, client), text)
}

// socketRenew makes the session anew from a fresh access token.
func (a *App) socketRenew(ctx context.Context, before ws.Session, text string) (ws.Session, error) {
	return a.session(viewer.WithClient(ctx, viewer.ClientFrom(before.Context)), text) //nolint:contextcheck // what the client said stands in the session's
}

// clientOf reads what the client says of itself, on a socket in the payload of
// connection_init or else in the headers of the request. An id of another type
// than text stands as one that isn't valid.
func clientOf(payload ws.InitPayload, header http.Header) (c viewer.Client) {
	if ids := header.Values("X-Installation-Id"); len(ids) > 0 {
		c.InstallationID = &ids[0]
	}
	if id, named := payload["installationId"]; named && id != nil {
		text, _ := id.(string)
		c.InstallationID = &text
	}
	if cursors := header.Values("Last-Event-Id"); len(cursors) > 0 {
		c.LastEventID = &cursors[0]
	}
	return c
}

// session makes the session of a socket or a stream from an access token.
func (a *App) session(ctx context.Context, text string) (ws.Session, error) {
	claims, err := a.Accounts.Claims(text)
	if err != nil {
		return ws.Session{}, err
	}
	v, err := a.Accounts.Recognise(ctx, claims)
	if err != nil {
		return ws.Session{}, err
	}
	return ws.Session{
		Context:   context.WithValue(ctx, claimsKey{}, &claims),
		User:      userKey(v.RootUserID()),
		ID:        sessionKey(account.OpenedBy(v)),
		ExpiresAt: v.ExpiresAt,
	}, nil
}

// socketOperation checks the claims of the token once more before each operation: a socket
// lives long, and rights may go meanwhile.
func (a *App) socketOperation(ctx context.Context) (context.Context, error) {
	claims, ok := ctx.Value(claimsKey{}).(*token.Claims)
	if !ok {
		return nil, apperr.Unauthenticated.New()
	}
	v, err := a.Accounts.Recognise(ctx, *claims)
	if err != nil {
		return nil, err
	}
	return viewer.With(ctx, v), nil
}
