package connection

import (
	"bufio"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/felixge/httpsnoop"

	"luxbff/internal/apperr"
)

// retryAfter is what a client that holds too much is asked to wait: about as long as an
// app takes to notice that a connection of its own has gone.
const retryAfter = 5 * time.Second

// WithLimit bounds the requests, streams and sockets that one client holds at once. The
// connections of a [Listener] do so only for clients without a proxy in between: behind
// one they are the proxy's. A socket counts until its connection is closed.
//
// The address is that of the client; refuse answers in the form that it can read, with
// the error TooManyRequests.
func WithLimit(
	counter *Counter, address func(*http.Request) netip.Addr,
	refuse func(http.ResponseWriter, *http.Request, *apperr.Error), next http.Handler,
) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		held, ok := counter.Take(address(r))
		if !ok {
			refuse(w, r, apperr.TooManyRequests.WithRetryAfter(retryAfter))
			return
		}
		isHijacked := false
		defer func() {
			if !isHijacked {
				held.Release()
			}
		}()
		if r.Header.Get("Upgrade") != "" {
			w = httpsnoop.Wrap(w, httpsnoop.Hooks{
				Hijack: func(next httpsnoop.HijackFunc) httpsnoop.HijackFunc {
					return func() (net.Conn, *bufio.ReadWriter, error) {
						hijacked, buffered, err := next()
						if err != nil {
							return hijacked, buffered, err
						}
						isHijacked = true
						return &socketConn{hijacked, held}, buffered, nil
					}
				},
			})
		}
		next.ServeHTTP(w, r)
	})
}

// socketConn is the connection of a socket.
type socketConn struct {
	net.Conn

	held *Held
}

// Close implements net.Conn.
func (c *socketConn) Close() error {
	c.held.Release()
	return c.Conn.Close()
}
