package middleware

import (
	"context"
	"net/http"

	"luxbff/internal/viewer"
)

// WithEventAck takes the acknowledgement that a signed-in client sends in the
// headers X-Installation-Id and Last-Event-Id. A client whose feed comes over HTTP
// can acknowledge in no other way: on a socket the pongs do. It belongs
// inside [WithAuthentication].
func WithEventAck(acknowledge func(ctx context.Context, v viewer.Viewer, installationID, cursor string), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client := ClientFromHeader(r.Header)
		if client.InstallationID != nil && client.LastEventID != nil {
			if v, err := viewer.From(r.Context()); err == nil {
				acknowledge(r.Context(), v, *client.InstallationID, *client.LastEventID)
			}
		}
		next.ServeHTTP(w, r)
	})
}

// ClientFromHeader reads what a client says of itself in its headers.
func ClientFromHeader(header http.Header) (c viewer.Client) {
	if ids := header.Values("X-Installation-Id"); len(ids) > 0 {
		c.InstallationID = &ids[0]
	}
	if cursors := header.Values("Last-Event-Id"); len(cursors) > 0 {
		c.LastEventID = &cursors[0]
	}
	return c
}
