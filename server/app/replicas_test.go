package app_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/natstest"
	"luxbff/server/app"
)

// pair is two replicas on one database and one NATS.
func pair(t *testing.T) (one, other *apptest.Server, nats *natstest.Server) {
	t.Helper()
	nats = natstest.Start(t)
	one = apptest.Start(t, func(cfg *app.Config) { cfg.NATSURL = nats.URL() })
	other = apptest.Start(t, func(cfg *app.Config) { *cfg = one.App.Config })
	for _, s := range []*apptest.Server{one, other} {
		becomes(t, s, `{"status":"ok"}`)
	}
	return one, other, nats
}

// becomes waits until /readyz answers 200 and the body.
func becomes(t *testing.T, s *apptest.Server, body string) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	tooLong := time.After(20 * time.Second)
	for {
		answer := s.Call(t, http.MethodGet, "/readyz", "", "")
		if answer.Status == http.StatusOK && strings.TrimSpace(string(answer.Body)) == body {
			return
		}
		select {
		case <-look.C:
		case <-tooLong:
			t.Fatalf("/readyz still answers %d %s", answer.Status, answer.Body)
		}
	}
}

// listen subscribes and returns once the subscription stands. From then on it
// waits for half the time that the poll takes: what comes, a bell has rung.
func listen(t *testing.T, s *apptest.Server, token string) *client {
	t.Helper()
	c := dial(t, s, token)
	c.want("connection_ack")
	c.subscribe(apptest.Sample(t, "subscription").Document, nil)
	c.send(frame{ID: "2", Type: "subscribe", Payload: raw(t, map[string]any{"query": "{ me { id } }"})})
	c.want("next")
	c.want("complete")
	c.patience = 5 * time.Second
	return c
}

const degraded = `{"reason":"NATS is away: live events come by polling","status":"degraded"}`

// TestUploadIsToldByTheOtherReplica while NATS is there, and once it is back.
func TestUploadIsToldByTheOtherReplica(t *testing.T) {
	t.Parallel()
	one, other, nats := pair(t)
	token, _ := one.Parent(t)
	grow(t, one, token, 0, 1)
	here, there := listen(t, one, token), listen(t, other, token)
	file := 0
	tell := func() {
		t.Helper()
		for _, from := range []*apptest.Server{one, other, one} {
			file++
			upload(t, from, token, file, file)
			for _, c := range []*client{here, there} {
				if e := c.event(); e.Device.LastLogFileID != file {
					t.Errorf("event of log file %d is %+v", file, e)
				}
			}
		}
	}
	tell()
	nats.Stop()
	becomes(t, one, degraded)
	becomes(t, other, degraded)
	await(t, one, "luxbff_bus_up", 0)
	file++
	upload(t, one, token, file, file) // goes on without
	if e := here.event(); e.Device.LastLogFileID != file {
		t.Errorf("without NATS the own replica tells %+v", e)
	}
	nats.Restart()
	becomes(t, one, `{"status":"ok"}`)
	becomes(t, other, `{"status":"ok"}`)
	await(t, one, "luxbff_bus_up", 1)
	if e := there.event(); e.Device.LastLogFileID != file {
		t.Errorf("once NATS is back the other replica tells %+v", e)
	}
	tell()
}

// TestSignOutEndsTheSocketOfTheOtherReplica does so for a session and for a
// long-lived token.
func TestSignOutEndsTheSocketOfTheOtherReplica(t *testing.T) {
	t.Parallel()
	one, other, _ := pair(t)
	token, _ := one.Parent(t)
	stranger, _ := one.Parent(t)
	c, stays := listen(t, other, token), listen(t, other, stranger)
	one.Data(t, token, `mutation { signOut { ok } }`, nil, &struct{}{})
	c.forbidden()

	long := registerLocal(t, one)
	c = listen(t, other, long)
	changed := one.Call(t, http.MethodPut, "/user/password", long, `{"old_password": "abcd1234", "new_password": "efgh5678"}`)
	if changed.Status != http.StatusOK {
		t.Fatalf("change the password: %d %s", changed.Status, changed.Body)
	}
	c.forbidden()
	stays.send(frame{Type: "ping"})
	stays.want("pong")
}

// TestEndedSessionsAreFoundWithoutABell does by hand what the poll does.
func TestEndedSessionsAreFoundWithoutABell(t *testing.T) {
	t.Parallel()
	one := apptest.Start(t)
	other := apptest.Start(t, func(cfg *app.Config) { cfg.DatabaseURL = one.App.Config.DatabaseURL })
	token, _ := one.Parent(t)
	stranger, _ := one.Parent(t)
	c, stays := listen(t, other, token), listen(t, other, stranger)
	other.App.CheckSockets(t.Context())
	one.Data(t, token, `mutation { signOut { ok } }`, nil, &struct{}{})
	for _, waits := range []*client{c, stays} {
		waits.send(frame{Type: "ping"})
		waits.want("pong")
	}
	other.App.CheckSockets(t.Context())
	c.forbidden()
	stays.send(frame{Type: "ping"})
	stays.want("pong")
}

func (c *client) forbidden() {
	c.t.Helper()
	if f, err := c.next(); !websocket.IsCloseError(err, 4403) {
		c.t.Errorf("%+v %s, %v; want close 4403", f, f.Payload, err)
	}
}

func registerLocal(t *testing.T, s *apptest.Server) (token string) {
	t.Helper()
	answer := s.Call(t, http.MethodPost, "/auth/register_local", "", `{"id": "abcd1234", "password": "abcd1234"}`)
	registered, _ := answer.JSON(t).(map[string]any)
	token, _ = registered["token"].(string)
	if answer.Status != http.StatusOK || token == "" {
		t.Fatalf("register: %d %s", answer.Status, answer.Body)
	}
	return token
}

// TestStartsWithoutNATS: a replica that can't be rung serves all the same.
func TestStartsWithoutNATS(t *testing.T) {
	t.Parallel()
	nats := natstest.Start(t)
	nats.Stop()
	const secret = "very-secret-word"
	s := apptest.Start(t, func(cfg *app.Config) { cfg.NATSURL = "nats://luxbff:" + secret + "@" + nats.Addr() })
	becomes(t, s, degraded)
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 1)
	c := listen(t, s, token)
	upload(t, s, token, 1, 1)
	c.event()
	nats.Restart()
	becomes(t, s, `{"status":"ok"}`)
	if log := s.Log.String(); strings.Contains(log, secret) || !strings.Contains(log, "NATS is away") {
		t.Errorf("the log holds the password, or doesn't say that NATS is away:\n%s", log)
	}
}

func TestSettingsOfReplicas(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]app.Config{
		"NATS_URL: address 1 must begin with nats:// or tls://": {NATSURL: "http://u:secret@nats:4222"},
		"DATABASE_POOL must not be negative":                    {DatabasePool: -1},
		"SHUTDOWN_DELAY must be shorter than DRAIN_FOR":         {ShutdownDelay: time.Second, DrainFor: time.Second},
	} {
		cfg.Env = "development"
		if err := cfg.Check(); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestPoolIsAsConfigured(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, func(cfg *app.Config) { cfg.DatabasePool = 3 })
	if n := s.App.Store.Stats().Read.MaxOpenConnections; n != 3 {
		t.Errorf("%d connections may read, want 3", n)
	}
}

// TestLeavingFailsReadinessAndServes: what a balancer sees between SIGTERM and
// the end.
func TestLeavingFailsReadinessAndServes(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	s.App.BeginShutdown()
	ready := s.Call(t, http.MethodGet, "/readyz", "", "")
	if diff := cmp.Diff("{\"status\":\"stopping\"}\n", string(ready.Body)); diff != "" || ready.Status != http.StatusServiceUnavailable {
		t.Errorf("/readyz answers %d %s", ready.Status, diff)
	}
	served, w := httptest.NewRequestWithContext(t.Context(), http.MethodGet, apptest.LUX+"/user/me", nil), httptest.NewRecorder()
	served.Header.Set("Authorization", "Bearer "+token)
	s.App.Handler().ServeHTTP(w, served)
	if w.Code != http.StatusOK || w.Header().Get("Connection") != "close" {
		t.Errorf("a request answers %d with %v", w.Code, w.Header())
	}
	if alive := s.Call(t, http.MethodGet, "/healthz", "", ""); alive.Status != http.StatusOK {
		t.Errorf("/healthz answers %d", alive.Status)
	}
}
