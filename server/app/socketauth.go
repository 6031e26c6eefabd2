package app

import (
	"context"
	"net/http"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

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
	// admit refuses an app, or gives what connection_ack says to it.
	admit func(viewer.Client) (ack map[string]any, err error)
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
	isSocket := r.Header.Get("Upgrade") != ""
	if isSocket {
		client.LastEventID = nil // its pongs say what it received
	}
	var ack map[string]any
	if isSocket { // a stream's operation was admitted, or refused, before
		var err error
		if ack, err = a.admit(client); err != nil {
			return gqlstream.Session{}, err
		}
	}
	claims, err := a.sessions.Claims(accessToken)
	if err != nil {
		return gqlstream.Session{}, err
	}
	// A socket is checked once it is in the registry. A stream to the feed is not, and what
	// finds where the feed starts does not record that the token is used.
	if !isSocket {
		if _, err := a.sessions.Settle(ctx); err != nil {
			return gqlstream.Session{}, err
		}
	}
	// The limits count on a socket as they do for the request that opened it.
	ctx = viewer.WithClient(ratelimit.WithClientOf(ctx, r.Context()), client)
	session := a.session(ctx, claims, auth.SessionKeyOfClaims(claims))
	session.Ack = ack
	return session, nil
}

// renew makes the session anew from a fresh access token.
func (a socketAuth) renew(ctx context.Context, before gqlstream.Session, accessToken string) (gqlstream.Session, error) {
	client := viewer.ClientFrom(before.Context) //nolint:contextcheck // what the client said stands in the session's
	ctx = ratelimit.WithClientOf(ctx, before.Context)
	claims, err := a.sessions.Claims(accessToken)
	if err != nil {
		return gqlstream.Session{}, err
	}
	v, err := a.sessions.Viewer(ctx, claims)
	if err != nil {
		return gqlstream.Session{}, err
	}
	return a.session(viewer.WithClient(ctx, client), claims, auth.SessionKeyOf(v)), nil
}

// check asks the database whether the token still opens the account: once a connection is
// in the registry, where it is found when its session ends, and before each operation,
// because a socket lives long, and rights may go meanwhile. A subscription to the feed
// asks for itself, in the statement that finds where it starts: when thousands reconnect
// at once, that is every third of their reads.
func (a socketAuth) check(ctx context.Context, operation *ast.OperationDefinition) (context.Context, error) {
	claims := auth.ClaimsFrom(ctx)
	if claims == nil {
		return nil, apperr.Unauthenticated.New()
	}
	if isFeed(operation) {
		return viewer.WithUnchecked(ctx, viewer.WithoutRow(claims.RootUserID, claims.SessionID, claims.ExpiresAt)), nil
	}
	v, err := a.sessions.Viewer(ctx, *claims)
	if err != nil {
		return nil, err
	}
	return viewer.With(ctx, v), nil
}

// isFeed is true for a subscription that is to the feed and plainly so: one whose field
// stands in a fragment is checked as any other operation.
func isFeed(operation *ast.OperationDefinition) bool {
	if operation == nil || operation.Operation != ast.Subscription || len(operation.SelectionSet) != 1 {
		return false
	}
	field, isField := operation.SelectionSet[0].(*ast.Field)
	return isField && field.Name == "devlogStatus"
}

// session is that of a socket or a stream. Where it opens one nothing was read for it: the
// connection is filed under its account first and checked then, so that one whose session
// ends between the two is found and closed.
func (a socketAuth) session(ctx context.Context, claims token.Claims, key auth.SessionKey) gqlstream.Session {
	return gqlstream.Session{
		Context:   auth.WithClaims(ctx, &claims),
		Key:       a.sockets.Key(claims.RootUserID, key),
		ExpiresAt: claims.ExpiresAt,
	}
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
