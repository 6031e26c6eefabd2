package app_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
)

// serveOnSocket serves the program on a Unix socket as well, and gives what connects to it.
func serveOnSocket(t *testing.T, s *apptest.Server) (dial func(ctx context.Context, network, addr string) (net.Conn, error)) {
	t.Helper()
	addr := "unix:" + filepath.Join(t.TempDir(), "http.sock")
	listener, err := app.Listen(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	bound, err := s.App.Bound(listener)
	if err != nil {
		t.Fatal(err)
	}
	server := s.App.Server(s.App.Handler())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(bound) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("the server ended with %v", err)
		}
	})
	return func(ctx context.Context, _, _ string) (net.Conn, error) { return app.Dial(ctx, addr) }
}

// TestUnixSocket holds that every transport is served on a Unix socket, that the clients
// of a trusted proxy on it are kept apart by what the proxy says, and that without trust
// all of them are one.
func TestUnixSocket(t *testing.T) {
	t.Parallel()
	const one, other = "203.0.113.7", "203.0.113.8"
	for trusted, othersAreServed := range map[string]bool{"unix": true, "127.0.0.0/8": false} {
		t.Run(trusted, func(t *testing.T) {
			t.Parallel()
			s := apptest.Start(t, func(c *app.Config) { c.PerClient, c.TrustedProxies = 2, trusted })
			token, _ := s.Parent(t)
			connect := serveOnSocket(t, s)

			dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, NetDialContext: connect}
			conn, response, err := dialer.DialContext(t.Context(), "ws://localhost/graphql", http.Header{"X-Forwarded-For": {one}})
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			t.Cleanup(func() { _ = conn.Close() })
			socket := &client{t, conn, 20 * time.Second}
			socket.send(frame{Type: "connection_init", Payload: raw(t, map[string]any{"Authorization": "Bearer " + token})})
			socket.want("connection_ack")

			web := &http.Client{Transport: &http.Transport{DialContext: connect}}
			t.Cleanup(web.CloseIdleConnections)
			ask := func(from string) (*http.Response, error) {
				body := strings.NewReader(`{"query":"subscription { devlogStatus { cursor } }"}`)
				request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/graphql", body)
				if err != nil {
					t.Fatal(err)
				}
				request.Header.Set("Content-Type", "application/json")
				request.Header.Set("Accept", "text/event-stream")
				request.Header.Set("Authorization", "Bearer "+token)
				request.Header.Set("X-Forwarded-For", from)
				return web.Do(request)
			}
			stream, err := ask(one)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = stream.Body.Close() })
			if line, err := bufio.NewReader(stream.Body).ReadString('\n'); err != nil || stream.StatusCode != http.StatusOK {
				t.Errorf("the stream is answered %d and begins with %q: %v", stream.StatusCode, line, err)
			}
			// The client holds as much as it may; another one nothing.
			if got := statusOf(t, ask, one); got == http.StatusOK {
				t.Error("a client holds more than CONNECTIONS_PER_CLIENT")
			}
			if got := statusOf(t, ask, other); (got == http.StatusOK) != othersAreServed {
				t.Errorf("another client is answered %d", got)
			}
		})
	}
}

// statusOf is 0 where the connection was closed without an answer.
func statusOf(t *testing.T, ask func(from string) (*http.Response, error), from string) int {
	t.Helper()
	response, err := ask(from)
	if err != nil {
		return 0
	}
	if response.StatusCode != http.StatusOK {
		_, _ = io.Copy(io.Discard, response.Body)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response.StatusCode
}

// TestAddressesAreChecked holds that an address on which nobody could listen is refused at
// the start by the name of its setting, without its value.
func TestAddressesAreChecked(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"":                      "",
		":8080":                 "",
		"[::1]:8080":            "",
		"localhost:http":        "",
		"unix:/run/luxbff.sock": "",
		"8080":                  "must be HOST:PORT",
		"secret":                "must be HOST:PORT",
		"::1:8080":              "must be HOST:PORT",
		"unix:":                 "whole path",
		"unix:secret.sock":      "whole path",
		"unix:@secret":          "whole path",
		"unix:/" + strings.Repeat("secret", 17) + "/s": "at most 103 bytes",
	} {
		for setting, cfg := range map[string]app.Config{
			"ADDR":         {Env: "development", Addr: addr},
			"METRICS_ADDR": {Env: "development", MetricsAddr: addr},
		} {
			err := cfg.Check()
			if want == "" && err != nil {
				t.Errorf("%s=%s: %v", setting, addr, err)
			}
			if want != "" && (err == nil || !strings.HasPrefix(err.Error(), setting+" ") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret")) {
				t.Errorf("%s=%s: %v, want %q", setting, addr, err, want)
			}
		}
	}
}
