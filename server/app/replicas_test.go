package app_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"luxbff/internal/testutil"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/natstest"
	"luxbff/server/app"
)

// startReplicas starts two replicas on one database and one NATS.
func startReplicas(t *testing.T) (one, other *apptest.Server, nats *natstest.Server) {
	t.Helper()
	nats = natstest.Start(t)
	one = apptest.Start(t, func(cfg *app.Config) { cfg.NATSURL = nats.URL() })
	other = apptest.Start(t, func(cfg *app.Config) { *cfg = one.App.Config })
	for _, s := range []*apptest.Server{one, other} {
		waitForReadiness(t, s, `{"status":"ok"}`)
	}
	return one, other, nats
}

// waitForReadiness waits until /readyz answers 200 and the body.
func waitForReadiness(t *testing.T, s *apptest.Server, body string) {
	t.Helper()
	testutil.WaitFor(t, "/readyz answers "+body, func() bool {
		response := s.Call(t, http.MethodGet, "/readyz", "", "")
		return response.Status == http.StatusOK && strings.TrimSpace(string(response.Body)) == body
	})
}

// startSubscription subscribes and returns once the server has the subscription. From
// then on the client waits for half the interval of the poll: an event that arrives was
// notified.
func startSubscription(t *testing.T, s *apptest.Server, token string) *client {
	t.Helper()
	c := dial(t, s, token)
	c.want("connection_ack")
	c.subscribe(apptest.Sample(t, "subscription").Document, nil)
	c.send(frame{ID: "2", Type: "subscribe", Payload: raw(t, map[string]any{"query": "{ me { id } }"})})
	c.want("next")
	c.want("complete")
	c.frameTimeout = 5 * time.Second
	return c
}

const degraded = `{"reason":"NATS is away: live events come by polling","status":"degraded"}`

// TestUploadReachesSubscribersOfTheOtherReplica holds while NATS is there, and once it
// is back.
func TestUploadReachesSubscribersOfTheOtherReplica(t *testing.T) {
	t.Parallel()
	one, other, nats := startReplicas(t)
	token, _ := one.Parent(t)
	grow(t, one, token, 0, 1)
	here, there := startSubscription(t, one, token), startSubscription(t, other, token)
	file := 0
	uploadFromBoth := func() {
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
	uploadFromBoth()
	nats.Stop()
	waitForReadiness(t, one, degraded)
	waitForReadiness(t, other, degraded)
	waitForMetric(t, one, "luxbff_bus_up", 0)
	file++
	upload(t, one, token, file, file) // goes on without
	if e := here.event(); e.Device.LastLogFileID != file {
		t.Errorf("without NATS the own replica sends %+v", e)
	}
	nats.Restart()
	waitForReadiness(t, one, `{"status":"ok"}`)
	waitForReadiness(t, other, `{"status":"ok"}`)
	waitForMetric(t, one, "luxbff_bus_up", 1)
	if e := there.event(); e.Device.LastLogFileID != file {
		t.Errorf("once NATS is back the other replica sends %+v", e)
	}
	uploadFromBoth()
}

// TestSignOutEndsTheSocketOfTheOtherReplica does so for a session and for a
// long-lived token.
func TestSignOutEndsTheSocketOfTheOtherReplica(t *testing.T) {
	t.Parallel()
	one, other, _ := startReplicas(t)
	token, _ := one.Parent(t)
	stranger, _ := one.Parent(t)
	c, stays := startSubscription(t, other, token), startSubscription(t, other, stranger)
	one.Data(t, token, `mutation { signOut { ok } }`, nil, &struct{}{})
	c.expectForbidden()

	long := registerLocal(t, one)
	c = startSubscription(t, other, long)
	changed := one.Call(t, http.MethodPut, "/user/password", long, `{"old_password": "abcd1234", "new_password": "efgh5678"}`)
	if changed.Status != http.StatusOK {
		t.Fatalf("change the password: %d %s", changed.Status, changed.Body)
	}
	c.expectForbidden()

	// Sessions that their owner ends elsewhere.
	email := `email: "parent1@example.com", password: "secret123"`
	mine, lost := accessToken(t, one, "", "signIn", email), accessToken(t, one, "", "signIn", email)
	c = startSubscription(t, other, lost)
	one.Data(t, mine, `mutation { endSession(input: {sessionId: `+currentSession(t, one, lost)+`}) { ok } }`, nil, &struct{}{})
	c.expectForbidden()
	here, there := startSubscription(t, one, mine), startSubscription(t, other, mine)
	one.Data(t, mine, `mutation { signOutEverywhere { ok } }`, nil, &struct{}{})
	here.expectForbidden()
	there.expectForbidden()
	stays.send(frame{Type: "ping"})
	stays.want("pong")
}

// TestMutationThatEndsTheSessionIsAnsweredByItsReplica: it closes its own socket behind the
// answer, also where the notification comes back by the bus, and those of the other.
func TestMutationThatEndsTheSessionIsAnsweredByItsReplica(t *testing.T) {
	t.Parallel()
	one, other, _ := startReplicas(t)
	token, _ := one.Parent(t)
	feed := startSubscription(t, one, token)
	expectOnSocket(t, other, token, "graphql-transport-ws",
		`mutation { changePassword(input: {oldPassword: "secret123", newPassword: "another1"}) { tokens { tokenType } } }`,
		`{"data":{"changePassword":{"tokens":{"tokenType":"bearer"}}}}`)
	if f, err := feed.next(); !websocket.IsCloseError(err, 4403) {
		t.Errorf("the feed of the other replica got %+v, %v; want close 4403", f, err)
	}
}

// TestEndedSessionsAreFoundWithoutANotification does what the poll does every ten seconds.
func TestEndedSessionsAreFoundWithoutANotification(t *testing.T) {
	t.Parallel()
	one := apptest.Start(t)
	other := apptest.Start(t, func(cfg *app.Config) { cfg.DatabaseURL = one.App.Config.DatabaseURL })
	token, _ := one.Parent(t)
	stranger, _ := one.Parent(t)
	c, stays := startSubscription(t, other, token), startSubscription(t, other, stranger)
	other.App.CheckSockets(t.Context())
	one.Data(t, token, `mutation { signOut { ok } }`, nil, &struct{}{})
	for _, waits := range []*client{c, stays} {
		waits.send(frame{Type: "ping"})
		waits.want("pong")
	}
	other.App.CheckSockets(t.Context())
	c.expectForbidden()
	stays.send(frame{Type: "ping"})
	stays.want("pong")
}

func (c *client) expectForbidden() {
	c.t.Helper()
	if f, err := c.next(); !websocket.IsCloseError(err, 4403) {
		c.t.Errorf("%+v %s, %v; want close 4403", f, f.Payload, err)
	}
}

func registerLocal(t *testing.T, s *apptest.Server) (token string) {
	t.Helper()
	response := s.Call(t, http.MethodPost, "/auth/register_local", "", `{"id": "abcd1234", "password": "abcd1234"}`)
	registered, _ := response.JSON(t).(map[string]any)
	token, _ = registered["token"].(string)
	if response.Status != http.StatusOK || token == "" {
		t.Fatalf("register: %d %s", response.Status, response.Body)
	}
	return token
}

// TestStartsWithoutNATS holds that a replica that can't be notified serves all the same.
func TestStartsWithoutNATS(t *testing.T) {
	t.Parallel()
	nats := natstest.Start(t)
	nats.Stop()
	const secret = "very-secret-word"
	s := apptest.Start(t, func(cfg *app.Config) { cfg.NATSURL = "nats://luxbff:" + secret + "@" + nats.Addr() })
	waitForReadiness(t, s, degraded)
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 1)
	c := startSubscription(t, s, token)
	upload(t, s, token, 1, 1)
	c.event()
	nats.Restart()
	waitForReadiness(t, s, `{"status":"ok"}`)
	if log := s.Log.String(); strings.Contains(log, secret) || !strings.Contains(log, "NATS is away") {
		t.Errorf("the log holds the password, or doesn't say that NATS is away:\n%s", log)
	}
}

func TestSettingsOfReplicas(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]app.Config{
		"NATS_URL: address 1 must begin with nats:// or tls://":                    {NATSURL: "http://u:secret@nats:4222"},
		"DATABASE_POOL must not be negative":                                       {DatabasePool: -1},
		"DATABASE_CONN_LIFETIME must be at least 1s, as 30m, or 0 for the default": {ConnLifetime: time.Millisecond},
		"SHUTDOWN_DELAY must be shorter than DRAIN_FOR":                            {ShutdownDelay: time.Second, DrainFor: time.Second},
	} {
		cfg.Env = "development"
		if err := cfg.Check(); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestDaysThatNoDurationHolds: 200,000 days, written to mean "for ever", would be a negative
// duration.
func TestDaysThatNoDurationHolds(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]app.Config{
		"":                                     {SessionDays: 36_500, RejoinAfter: 36_500},
		"SESSION_DAYS must be 0 to 36500 days": {SessionDays: 200_000},
		"REJOIN_AFTER must be 0 to 36500 days": {RejoinAfter: 200_000},
	} {
		cfg.Env = "development"
		got := ""
		if err := cfg.Check(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for _, cfg := range []app.Config{{SessionDays: -1}, {RejoinAfter: -1}} {
		cfg.Env = "development"
		if cfg.Check() == nil {
			t.Errorf("%d and %d days are accepted", cfg.SessionDays, cfg.RejoinAfter)
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

// TestShutdownFailsReadinessAndStillServes is about the time between SIGTERM and the end,
// in which balancers notice.
func TestShutdownFailsReadinessAndStillServes(t *testing.T) {
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
