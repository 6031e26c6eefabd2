package app_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
)

// sendFrom sends a request of a peer, through proxies if any.
func sendFrom(s *apptest.Server, peer, forwarded, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.RemoteAddr = peer
	r.Header.Set("Content-Type", "application/json")
	if forwarded != "" {
		r.Header.Set("X-Forwarded-For", forwarded)
	}
	w := httptest.NewRecorder()
	s.App.Handler().ServeHTTP(w, r)
	return w
}

const (
	signInPath = apptest.LUX + "/auth/email/signin"
	guessBody  = `{"username": "nobody@example.com", "password": "wrong 123"}`
	somebody   = "203.0.113.7:40000"
)

func startLimited(t *testing.T, proxies string) *apptest.Server {
	t.Helper()
	return apptest.Start(t, func(c *app.Config) { c.RateLimits, c.TrustedProxies = "on", proxies })
}

// exhaust guesses until the client is refused.
func exhaust(t *testing.T, s *apptest.Server, peer, forwarded string) {
	t.Helper()
	for range 100 {
		if sendFrom(s, peer, forwarded, signInPath, guessBody).Code == http.StatusTooManyRequests {
			return
		}
	}
	t.Fatal("100 guesses were let through")
}

func TestGuessesAreLimitedOnEverySurface(t *testing.T) {
	t.Parallel()
	s := startLimited(t, "")
	exhaust(t, s, somebody, "")
	for _, tc := range []struct{ path, body, want string }{
		{signInPath, guessBody, `{"detail":"Too many requests"}`},
		{"/api/v1/addnox/auth/email/signin", guessBody, `{"detail":"Too many requests"}`},
		{"/auth/login_local", `{"id": "nobody1", "password": "abcd1234"}`, `{"errcode":0,"message":"Too many requests"}`},
	} {
		w := sendFrom(s, somebody, "", tc.path, tc.body)
		if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusTooManyRequests || got != tc.want {
			t.Errorf("%s: %d %s", tc.path, w.Code, got)
		}
		if w.Header().Get("Retry-After") != "1" {
			t.Errorf("%s: Retry-After %q", tc.path, w.Header().Get("Retry-After"))
		}
	}
	w := sendFrom(s, somebody, "", "/graphql", `{"query": "mutation { signIn(input: {email: \"a@b.example\", password: \"x\"}) { user { id } } }"}`)
	for _, part := range []string{`"code":"TOO_MANY_REQUESTS"`, `"retryAfterMs":1000`, `"status":429`} {
		if !strings.Contains(w.Body.String(), part) {
			t.Errorf("GraphQL answers %s, without %s", w.Body, part)
		}
	}
	if w := sendFrom(s, "203.0.113.8:40000", "", signInPath, guessBody); w.Code != http.StatusNotFound {
		t.Errorf("another client: %d %s", w.Code, w.Body)
	}
}

func TestMessagesToOnePhoneAreLimited(t *testing.T) {
	t.Parallel()
	s := startLimited(t, "")
	const path, body = apptest.LUX + "/auth/send-sms-auth", `{"phone": "+821012345678"}`
	for i := range 20 {
		if w := sendFrom(s, "127.0.0.1:40000", "", path, body); w.Code != http.StatusOK {
			t.Fatalf("message %d: %d %s", i, w.Code, w.Body)
		}
	}
	before := s.Dump(t)
	if w := sendFrom(s, "127.0.0.1:40000", "", path, body); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "300" {
		t.Errorf("the 21st: %d %s", w.Code, w.Header())
	}
	if after := s.Dump(t); len(after["messages"]) != len(before["messages"]) {
		t.Error("the refused one was stored")
	}
}

func TestAlertsAreLimited(t *testing.T) {
	t.Parallel()
	s := startLimited(t, "")
	_, id := s.Parent(t)
	tokens, err := s.App.Auth.Sessions.Start(t.Context(), id, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	const path = apptest.LUX + "/device/alimtalk"
	// A contact that comes and goes takes one message, however often it is reported.
	for i := range 40 {
		if w := s.Call(t, http.MethodPost, path, tokens.AccessToken, ""); w.Status != http.StatusOK {
			t.Fatalf("alert %d: %d %s", i, w.Status, w.Body)
		}
	}
	// One a minute is more than comes back: one each five minutes.
	sent := 1
	for ; sent <= 30; sent++ {
		s.Clock.Add(time.Minute)
		if w := s.Call(t, http.MethodPost, path, tokens.AccessToken, ""); w.Status == http.StatusTooManyRequests {
			break
		}
	}
	// The phone had 20 tokens, of which the code of its sign-up took one; 4 have come back.
	if sent != 23 {
		t.Errorf("%d alerts are let through, want 23", sent)
	}
}

func TestLimitsCountByClientIP(t *testing.T) {
	t.Parallel()
	const proxy, other = "10.0.0.5:40000", "203.0.113.9"
	for name, tc := range map[string]struct {
		proxies         string
		peer, forwarded string // who is exhausted
		again, through  string // who comes then
		refused         bool
	}{
		"each client behind a proxy":           {"10.0.0.0/8", proxy, "203.0.113.7", proxy, other, false},
		"one client behind a proxy":            {"10.0.0.0/8", proxy, "203.0.113.7", proxy, "203.0.113.7", true},
		"a client that invents another":        {"10.0.0.0/8", proxy, "203.0.113.7", proxy, other + ", 203.0.113.7", true},
		"two proxies":                          {"10.0.0.0/8,192.168.0.0/16", proxy, "203.0.113.7, 192.168.0.1", proxy, "203.0.113.7", true},
		"nobody is believed without a setting": {"", somebody, other, somebody, "198.51.100.1", true},
		"a proxy that nobody named":            {"10.0.0.0/8", somebody, other, somebody, "198.51.100.1", true},
		"a header that is no address":          {"10.0.0.0/8", proxy, "unknown", proxy, "unknown", true},
		"a port behind the address":            {"10.0.0.0/8", proxy, "203.0.113.7:50123", proxy, "203.0.113.7:50124", true},
		"another address with that port":       {"10.0.0.0/8", proxy, "203.0.113.7:50123", proxy, other + ":50123", false},
		"IPv6 with a port, of one network":     {"10.0.0.0/8", proxy, "[2001:db8::7]:50123", proxy, "[2001:db8::8]:1", true},
		"IPv6 of another network":              {"10.0.0.0/8", proxy, "[2001:db8::7]:50123", proxy, "2001:db8:1::7", false},
		"unknown behind a proxy here":          {"127.0.0.0/8", "127.0.0.1:40000", "unknown", "127.0.0.1:40001", "unknown", true},
		"a proxy here that nobody named":       {"", "127.0.0.1:40000", "", "127.0.0.1:40001", "", true},
		"a peer without an address":            {"", "@", "", "", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startLimited(t, tc.proxies)
			exhaust(t, s, tc.peer, tc.forwarded)
			w := sendFrom(s, tc.again, tc.through, signInPath, guessBody)
			if refused := w.Code == http.StatusTooManyRequests; refused != tc.refused {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
}

// TestLimitsHoldOnEveryTransport counts how much each limit lets through over each
// transport of GraphQL, on one socket where it is a socket. The server's clock stands
// still, so that no token comes back meanwhile.
func TestLimitsHoldOnEveryTransport(t *testing.T) {
	t.Parallel()
	for name, execute := range transports() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for name, tc := range map[string]struct {
				allowed int
				action  func(n int) string
			}{
				"guesses": {60, func(int) string {
					return `mutation { signIn(input: {email: "nobody@example.com", password: "wrong 123"}) { user { id } } }`
				}},
				"sign-ups": {30, func(n int) string {
					return fmt.Sprintf(`mutation { registerLocal(input: {localId: "parent%d", password: "abcd1234"}) { user { id } } }`, n)
				}},
				"messages of a client": {30, func(n int) string {
					return fmt.Sprintf(`mutation { sendSmsCode(input: {phone: "+8210123456%02d"}) { ok } }`, n)
				}},
				"messages to a phone": {20, func(int) string {
					return `mutation { sendSmsCode(input: {phone: "+821012345678"}) { ok } }`
				}},
			} {
				s := startLimited(t, "")
				token, _ := s.Parent(t)
				send := execute(t, s, token)
				allowed := 0
				for allowed <= tc.allowed && !strings.Contains(send(tc.action(allowed)), `"TOO_MANY_REQUESTS"`) {
					allowed++
				}
				if allowed != tc.allowed {
					t.Errorf("%s: %d are let through, want %d", name, allowed, tc.allowed)
				}
			}
		})
	}
}

// transports are the ways to execute an operation. Each gives a function that sends a
// document and gives the response as text.
func transports() map[string]func(*testing.T, *apptest.Server, string) func(document string) string {
	post := func(accept string) func(*testing.T, *apptest.Server, string) func(string) string {
		return func(t *testing.T, s *apptest.Server, token string) func(string) string {
			return func(document string) string {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/graphql", bytes.NewReader(raw(t, map[string]any{"query": document})))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Authorization", "Bearer "+token)
				r.Header.Set("Accept", accept)
				return string(s.Do(t, r).Body)
			}
		}
	}
	socket := func(protocol, start, next string) func(*testing.T, *apptest.Server, string) func(string) string {
		return func(t *testing.T, s *apptest.Server, token string) func(string) string {
			c := dialOver(t, s, protocol, map[string]any{"Authorization": "Bearer " + token})
			c.want("connection_ack")
			return func(document string) string {
				c.send(frame{ID: "1", Type: start, Payload: raw(t, map[string]any{"query": document})})
				response, err := c.next()
				if err == nil && response.Type == "error" { // it did not run, and is complete
					return string(response.Payload)
				}
				if err != nil || response.Type != next {
					t.Fatalf("got %s, %v; want %s", response.Payload, err, next)
				}
				c.want("complete")
				return string(response.Payload)
			}
		}
	}
	return map[string]func(*testing.T, *apptest.Server, string) func(string) string{
		"POST":                 post("application/json"),
		"event stream":         post("text/event-stream"),
		"multipart":            post("multipart/mixed;subscriptionSpec=1.0"),
		"graphql-transport-ws": socket("graphql-transport-ws", "subscribe", "next"),
		"graphql-ws":           socket("graphql-ws", "start", "data"),
	}
}

func TestOffLiftsTheLimits(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(c *app.Config) { c.RateLimits = "off" })
	for range 100 {
		if w := sendFrom(s, somebody, "", signInPath, guessBody); w.Code != http.StatusNotFound {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
}

func TestTrustedProxiesAreNetworks(t *testing.T) {
	t.Parallel()
	for setting, good := range map[string]bool{
		"": true, "10.0.0.0/8": true, "10.0.0.0/8, fd00::/8": true, "10.0.0.1": false, "proxy": false,
	} {
		err := app.Config{Env: "development", TrustedProxies: setting}.Check()
		if (err == nil) != good {
			t.Errorf("%q: %v", setting, err)
		}
	}
}

// TestHashesOfOneNameAreLimitedOnEverySurface has several clients try passwords for one
// e-mail and for one local id: each try costs the server a hash, whoever makes it.
func TestHashesOfOneNameAreLimitedOnEverySurface(t *testing.T) {
	t.Parallel()
	s := startLimited(t, "")
	mutation := func(call string) string {
		return fmt.Sprintf(`{"query": "mutation { %s { user { id } } }"}`, strings.ReplaceAll(call, `"`, `\"`))
	}
	const local, otherLocal = `{"id": "nobody1", "password": "abcd1234"}`, `{"id": "nobody2", "password": "abcd1234"}`
	other := strings.Replace(guessBody, "nobody", "another", 1)
	for i := range 120 {
		peer := fmt.Sprintf("203.0.113.%d:40000", i)
		for path, body := range map[string]string{signInPath: guessBody, "/auth/login_local": local} {
			if w := sendFrom(s, peer, "", path, body); w.Code == http.StatusTooManyRequests {
				t.Fatalf("try %d at %s is refused", i, path)
			}
		}
	}
	const refused, refusedBySNUTT, refusedByGraphQL = `{"detail":"Too many requests"}`, `{"errcode":0,"message":"Too many requests"}`, `"code":"TOO_MANY_REQUESTS"`
	for _, tc := range []struct{ path, body, other, want string }{
		{signInPath, guessBody, other, refused},
		{"/api/v1/addnox/auth/email/signin", guessBody, other, refused},
		{"/api/v1/withnox/auth/email/signin", guessBody, other, refused},
		{"/auth/login_local", local, otherLocal, refusedBySNUTT},
		{"/v1/auth/login_local", local, otherLocal, refusedBySNUTT},
		{"/graphql", mutation(`signIn(input: {email: "NOBODY@example.com", password: "x"})`), mutation(`signIn(input: {email: "another@example.com", password: "x"})`), refusedByGraphQL},
		{"/graphql", mutation(`signInLocal(input: {localId: "NOBODY1", password: "x"})`), mutation(`signInLocal(input: {localId: "nobody2", password: "x"})`), refusedByGraphQL},
	} {
		w := sendFrom(s, somebody, "", tc.path, tc.body)
		if got := w.Body.String(); !strings.Contains(got, tc.want) || tc.path != "/graphql" && w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", tc.path, w.Code, got)
		}
		if w := sendFrom(s, somebody, "", tc.path, tc.other); strings.Contains(w.Body.String(), "Too many") {
			t.Errorf("%s for another: %s", tc.path, w.Body)
		}
	}
	if n := readMetrics(t, s)[`luxbff_rate_limited_total{limit="hash"}`]; n != 7 {
		t.Errorf("%v refusals are counted", n)
	}
}
