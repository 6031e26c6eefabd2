package app

import (
	"context"
	"net/http"
	"strings"

	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/auth/token"
	"luxbff/internal/ratelimit"
	"luxbff/internal/viewer"
	"luxbff/server/gqlstream"
	"luxbff/server/middleware"
	"luxbff/server/rest"
)

// socketAuth authenticates sockets and streams. The middleware authenticates only the
// request that opens one, which ends long before.
type socketAuth struct {
	sessions *auth.Sessions
	sockets  *socketRegistry
}

// open takes the access token from the payload of connection_init, or else from
// the headers of the request: browsers can't set headers on a socket.
func (a socketAuth) open(ctx context.Context, payload gqlstream.InitPayload, r *http.Request) (gqlstream.Session, error) {
	accessToken := payload.String("Authorization", "authorization", "x-access-token", "X-Access-Token", "accessToken")
	if scheme, credentials, ok := strings.Cut(accessToken, " "); ok && strings.EqualFold(scheme, "Bearer") {
		accessToken = strings.TrimSpace(credentials)
	}
	if accessToken == "" {
		accessToken = rest.Bearer(r)
	}
	client := socketClient(payload, r.Header)
	if isSocket := r.Header.Get("Upgrade") != ""; isSocket {
		client.LastEventID = nil // its pongs say what it received
	}
	// The limits count on a socket as they do for the request that opened it.
	return a.session(viewer.WithClient(ratelimit.WithClientOf(ctx, r.Context()), client), accessToken)
}

// renew makes the session anew from a fresh access token.
func (a socketAuth) renew(ctx context.Context, before gqlstream.Session, accessToken string) (gqlstream.Session, error) {
	client := viewer.ClientFrom(before.Context) //nolint:contextcheck // what the client said stands in the session's
	ctx = ratelimit.WithClientOf(ctx, before.Context)
	return a.session(viewer.WithClient(ctx, client), accessToken)
}

// recheck checks the token's claims once more before each operation: a socket
// lives long, and rights may go meanwhile.
func (a socketAuth) recheck(ctx context.Context) (context.Context, error) {
	claims, ok := ctx.Value(claimsKey{}).(*token.Claims)
	if !ok {
		return nil, apperr.Unauthenticated.New()
	}
	v, err := a.sessions.Viewer(ctx, *claims)
	if err != nil {
		return nil, err
	}
	return viewer.With(ctx, v), nil
}

type claimsKey struct{}

// session makes the session of a socket or a stream from an access token. It keeps
// the token's claims and not the token, which is longer and would have to be
// verified again.
func (a socketAuth) session(ctx context.Context, accessToken string) (gqlstream.Session, error) {
	claims, err := a.sessions.Claims(accessToken)
	if err != nil {
		return gqlstream.Session{}, err
	}
	v, err := a.sessions.Viewer(ctx, claims)
	if err != nil {
		return gqlstream.Session{}, err
	}
	return gqlstream.Session{
		Context:   context.WithValue(ctx, claimsKey{}, &claims),
		Key:       a.sockets.Key(v.RootUserID(), auth.SessionKeyOf(v)),
		ExpiresAt: v.ExpiresAt,
	}, nil
}

// socketClient reads what the client says of itself: the payload of
// connection_init goes before the headers of the request. An id of another type
// than text becomes the empty one, which is refused as invalid.
func socketClient(payload gqlstream.InitPayload, header http.Header) viewer.Client {
	client := middleware.ClientFromHeader(header)
	if id, named := payload["installationId"]; named && id != nil {
		text, _ := id.(string)
		client.InstallationID = &text
	}
	for _, prefix := range []string{"apollographql-client-", "graphql-client-"} {
		if name := payload.String(prefix + "name"); name != "" {
			client.AppName, client.AppVersion = name, payload.String(prefix+"version")
			break
		}
	}
	return client
}
