package app

import (
	"cmp"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"luxbff/internal/apperr"
	"luxbff/server/connection"
	"luxbff/server/gqlhttp"
	"luxbff/server/middleware"
	"luxbff/server/rest"
)

const (
	// defaultPerClient leaves room for the phones of a hospital, and of a carrier's
	// subscribers who share an address.
	defaultPerClient   = 256
	defaultConnections = 20_000
	// streamsPerConnection is what one connection of HTTP/2 carries at once.
	streamsPerConnection = 250
	// writeTimeout is how long a client may take to read 16 KB: mobile networks of the
	// slowest kind take a third of it.
	writeTimeout = 30 * time.Second
)

// Server is the HTTP server of a handler. It speaks HTTP/1.1, and to proxies, where there
// are any, HTTP/2 without TLS as well: nobody else has a use for that. Its timeouts bound how
// long a client that is slow, or pretends to be, can hold a connection while it sends: a
// request has to be complete within a minute. Answers have no deadline as a whole, because a
// subscription over HTTP lasts; each piece of one has, from [App.Bound].
func (a *App) Server(handler http.Handler) *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(a.Config.isProxied())
	return &http.Server{
		Protocols: &protocols,
		// A proxy opens another connection for what is more, and one that has gone silent
		// is found by pings.
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: streamsPerConnection, SendPingTimeout: writeTimeout},
		Handler:           connection.WithWriteTimeout(writeTimeout, handler),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(a.options.Log.Handler(), slog.LevelWarn),
		// The handler answers OPTIONS * as well, so that it carries what all answers do.
		DisableGeneralOptionsHandler: true,
	}
}

// Bound gives a listener that takes as many connections as the settings allow, and cuts
// those whose peer doesn't read.
func (a *App) Bound(listener net.Listener) (*connection.Listener, error) {
	proxies, err := a.Config.trustedProxies()
	if err != nil {
		return nil, err
	}
	return connection.Listen(listener, connection.Limits{
		Total:        cmp.Or(a.Config.Connections, defaultConnections),
		PerClient:    a.Config.perClient(),
		IsProxy:      proxies.Trust,
		WriteTimeout: writeTimeout,
		CountRefused: a.metrics.CountRefusedConnection,
	}), nil
}

// isProxied reports whether TRUSTED_PROXIES names any.
func (c Config) isProxied() bool {
	proxies, err := c.trustedProxies()
	return err == nil && (proxies.Unix || len(proxies.Networks) > 0)
}

func (c Config) perClient() int { return cmp.Or(c.PerClient, defaultPerClient) }

// withConnectionLimit bounds what a client holds behind a proxy.
func (a *App) withConnectionLimit(proxies middleware.Proxies, api *rest.API, next http.Handler) http.Handler {
	address := func(r *http.Request) netip.Addr { return middleware.ClientIP(r, proxies) }
	refuseREST := api.Refuse(rest.Surfaces())
	refuse := func(w http.ResponseWriter, r *http.Request, refused *apperr.Error) {
		if r.URL.Path == "/graphql" {
			gqlhttp.Refuse(w, refused)
			a.metrics.CountError(middleware.SurfaceGraphQL, refused.Code())
			return
		}
		refuseREST(w, r, refused)
	}
	return connection.WithLimit(connection.NewCounter(a.Config.perClient()), address, refuse, next)
}
