package app_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"luxbff/internal/testutil"
	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
)

// TestConnectionsOfAClientBehindAProxy holds that what one address holds open, over
// whatever transport, leaves it nothing more on any route; that the refusal has the form
// of the route's surface; and that others are served, and so is it when it has let go.
func TestConnectionsOfAClientBehindAProxy(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(c *app.Config) { c.PerClient, c.TrustedProxies = 3, "127.0.0.0/8" })
	token, _ := s.Parent(t)
	const client, stranger = "203.0.113.7", "203.0.113.8"
	var held []func()
	for _, protocol := range []string{"graphql-transport-ws", "graphql-ws"} {
		conn, status := upgradeFrom(t, s, protocol, client)
		if status != http.StatusSwitchingProtocols {
			t.Fatalf("the socket of %s is answered %d", protocol, status)
		}
		held = append(held, func() { _ = conn.Close() })
	}
	stream := forwarded(t, s, client, route{method: http.MethodPost, path: "/graphql"}, `{"query":"subscription { devlogStatus { cursor } }"}`)
	stream.Header.Set("Accept", "text/event-stream")
	stream.Header.Set("Authorization", "Bearer "+token)
	streaming, err := s.Client().Do(stream)
	if err != nil || streaming.StatusCode != http.StatusOK {
		t.Fatalf("the stream: %+v %v", streaming, err)
	}
	held = append(held, func() { _ = streaming.Body.Close() })

	want := map[string]string{
		"/graphql":                         `{"errors":[{"message":"Too many requests","extensions":{"code":"TOO_MANY_REQUESTS","retryAfterMs":5000,"status":429}}]}`,
		apptest.LUX + "/user/me":           `{"detail":"Too many requests"}`,
		"/api/v1/addnox/user/me":           `{"detail":"Too many requests"}`,
		"/api/v1/withnox/user/me":          `{"detail":"Too many requests"}`,
		"/user/info":                       `{"errcode":0,"message":"Too many requests"}`,
		"/v1/user/info":                    `{"errcode":0,"message":"Too many requests"}`,
		"/reset-password?token=x":          `{"detail":"Too many requests"}`,
		"/.well-known/jwks.json":           `{"detail":"Too many requests"}`,
		"/graphiql/config.json":            `{"detail":"Too many requests"}`,
		"/api/v1/lux/../lux/user/whatever": `{"detail":"Too many requests"}`,
	}
	for path, body := range want {
		refused := s.Do(t, forwarded(t, s, client, route{method: http.MethodGet, path: path}, ""))
		if diff := cmp.Diff(body, strings.TrimSpace(string(refused.Body))); diff != "" || refused.Status != http.StatusTooManyRequests || refused.Header.Get("Retry-After") != "5" {
			t.Errorf("%s of a client with three connections is answered %d %v: %s", path, refused.Status, refused.Header, diff)
		}
	}
	for _, protocol := range []string{"graphql-transport-ws", "graphql-ws"} {
		if _, status := upgradeFrom(t, s, protocol, client); status != http.StatusTooManyRequests {
			t.Errorf("a socket of a client with three connections is answered %d", status)
		}
		conn, status := upgradeFrom(t, s, protocol, stranger)
		if status != http.StatusSwitchingProtocols {
			t.Errorf("a socket of another client is answered %d", status)
			continue
		}
		_ = conn.Close()
	}
	health := func(from string) int {
		return s.Do(t, forwarded(t, s, from, route{method: http.MethodGet, path: "/healthz"}, "")).Status
	}
	for _, letGo := range held {
		if status := health(client); status != http.StatusTooManyRequests {
			t.Errorf("a client with three connections is answered %d", status)
		}
		letGo()
		testutil.WaitFor(t, "the client is served again", func() bool { return health(client) == http.StatusOK })
		conn, status := upgradeFrom(t, s, "graphql-ws", client)
		if status != http.StatusSwitchingProtocols {
			t.Fatalf("the next socket is answered %d", status)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
}

// TestNetworkIsOneClient holds that a network of IPv6 is one client, and that one who
// hides where it comes from is not nobody.
func TestNetworkIsOneClient(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(c *app.Config) { c.PerClient, c.TrustedProxies = 1, "127.0.0.0/8" })
	for _, addresses := range [][2]string{{"2001:db8::1", "2001:db8::2:1"}, {"unknown", "[2001"}, {"203.0.113.7:1", "::ffff:203.0.113.7"}} {
		conn, status := upgradeFrom(t, s, "graphql-ws", addresses[0])
		if status != http.StatusSwitchingProtocols {
			t.Fatalf("%s is answered %d", addresses[0], status)
		}
		if _, status := upgradeFrom(t, s, "graphql-ws", addresses[1]); status != http.StatusTooManyRequests {
			t.Errorf("%s is answered %d while %s has its one connection", addresses[1], status, addresses[0])
		}
		_ = conn.Close()
	}
}

// forwarded is a request that a proxy passes on from that address.
func forwarded(t *testing.T, s *apptest.Server, from string, r route, body string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), r.method, s.URL+r.path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Forwarded-For", from)
	return request
}

func upgradeFrom(t *testing.T, s *apptest.Server, protocol, address string) (*websocket.Conn, int) {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{protocol}}
	header := http.Header{"X-Forwarded-For": {address}}
	conn, response, err := dialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http")+"/graphql", header)
	if err != nil && !errors.Is(err, websocket.ErrBadHandshake) {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return conn, response.StatusCode
}

// TestConnectionsOfAClientWithoutAProxy holds that the connections themselves are
// counted where no proxy is in between.
func TestConnectionsOfAClientWithoutAProxy(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*app.Config){
		"CONNECTIONS_PER_CLIENT": func(c *app.Config) { c.PerClient = 2 },
		"CONNECTIONS":            func(c *app.Config) { c.Connections, c.TrustedProxies = 2, "127.0.0.0/8" },
	} {
		s := apptest.Start(t, change)
		for range 2 {
			conn, status := upgradeFrom(t, s, "graphql-ws", "203.0.113.7")
			if status != http.StatusSwitchingProtocols {
				t.Fatalf("%s=2: a socket is answered %d", name, status)
			}
			t.Cleanup(func() { _ = conn.Close() })
		}
		request := forwarded(t, s, "203.0.113.8", route{method: http.MethodGet, path: "/healthz"}, "")
		if response, err := s.Client().Do(request); err == nil {
			_ = response.Body.Close()
			t.Errorf("%s=2: a third connection is answered %d", name, response.StatusCode)
		}
		counted := httptest.NewRecorder()
		s.App.MetricsHandler().ServeHTTP(counted, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
		if !regexp.MustCompile(`(?m)^luxbff_connections_refused_total [1-9]`).MatchString(counted.Body.String()) {
			t.Errorf("%s=2: the refused connection is not counted", name)
		}
	}
}

func TestConnectionLimitsAreChecked(t *testing.T) {
	t.Parallel()
	for _, cfg := range []app.Config{{Env: "development", PerClient: -1}, {Env: "development", Connections: -1}} {
		if err := cfg.Check(); err == nil || !strings.Contains(err.Error(), "CONNECTIONS") {
			t.Errorf("%d, %d: %v", cfg.PerClient, cfg.Connections, err)
		}
	}
}

// TestListensOnLoopbackInDevelopment holds that nobody but this machine reaches a server
// of a developer who didn't ask for it.
func TestListensOnLoopbackInDevelopment(t *testing.T) {
	t.Parallel()
	for cfg, want := range map[app.Config]string{
		{}:                                   "127.0.0.1:8080",
		{Env: "development"}:                 "127.0.0.1:8080",
		{Env: "development", Addr: ":8080"}:  ":8080",
		{Env: "production"}:                  ":8080",
		{Env: "production", Addr: "[::1]:1"}: "[::1]:1",
	} {
		if got := cfg.ListenAddr(); got != want {
			t.Errorf("%q with ADDR=%q listens on %s, want %s", cfg.Env, cfg.Addr, got, want)
		}
	}
}
