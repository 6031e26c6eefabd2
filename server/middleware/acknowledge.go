package middleware

import (
	"context"
	"net/http"

	"luxbff/internal/viewer"
	"luxbff/server/metrics"
)

// WithEventAck takes the acknowledgement that a signed-in client sends in the
// headers X-Installation-Id and Last-Event-Id. A client whose feed comes over HTTP
// can acknowledge in no other way: on a socket the pongs do. It belongs
// inside [WithAuthentication].
func WithEventAck(acknowledge func(ctx context.Context, installationID, cursor string), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client := ClientFromHeader(r.Header)
		if client.InstallationID != nil && client.LastEventID != nil {
			acknowledge(r.Context(), *client.InstallationID, *client.LastEventID)
		}
		if client != (viewer.Client{}) {
			r = r.WithContext(viewer.WithClient(r.Context(), client))
		}
		next.ServeHTTP(w, r)
	})
}

// ClientFromHeader reads what a client says of itself in its headers. An empty
// Last-Event-ID is none: so the standard of server-sent events has it of an EventSource
// that was given no id yet.
func ClientFromHeader(header http.Header) (c viewer.Client) {
	if ids := header.Values("X-Installation-Id"); len(ids) > 0 {
		c.InstallationID = &ids[0]
	}
	if cursor := header.Get("Last-Event-Id"); cursor != "" {
		c.LastEventID = &cursor
	}
	c.AppName, c.AppVersion = metrics.AppFromHeader(header)
	c.UserAgent = header.Get("User-Agent")
	return c
}
