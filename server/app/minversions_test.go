package app_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
)

const (
	homeQuery  = `{"query":"query Home { me { firstName } }"}`
	noticeOf21 = `"notice":{"code":"UPGRADE_REQUIRED","from":"2027-01-31T00:00:00.000Z","message":"This version of the app will not be served any more. Update it.","minimumVersion":"2.1.0"}`
	headerOf21 = `minimum-version="2.1.0", from="2027-01-31T00:00:00.000Z"`
	refusal21  = `{"errors":[{"message":"Upgrade required","extensions":{"code":"UPGRADE_REQUIRED","reason":"lux-ios has to be 2.1.0 or newer.","status":426}}]`
)

// startWithMinimum starts a program at the end of a day in UTC that wants version 2.1.0 of lux-ios from the
// last day of January on.
func startWithMinimum(t *testing.T, day string) *apptest.Server {
	t.Helper()
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	return apptest.StartAt(t, at.Add(24*time.Hour-time.Second), func(c *app.Config) { c.MinVersions = "lux-ios:2.1.0@2027-01-31" })
}

func luxIOS(version string) []string {
	return []string{"Apollographql-Client-Name", "lux-ios", "Apollographql-Client-Version", version}
}

// TestAnOldAppIsWarnedAndThenRefused moves the clock past the day of a minimum, while apps ask
// on GraphQL and on each REST surface.
func TestAnOldAppIsWarnedAndThenRefused(t *testing.T) {
	t.Parallel()
	s := startWithMinimum(t, "2026-12-31")
	token, _ := s.Parent(t)
	long := registerLocal(t, s)
	routes := map[string]string{
		"/api/v1/lux/user/me": `{"detail":"Upgrade required"}`, "/api/v1/addnox/user/me": `{"detail":"Upgrade required"}`,
		"/api/v1/withnox/user/me": `{"detail":"Upgrade required"}`, "/user/info": `{"errcode":0,"message":"Upgrade required"}`, "/v1/user/info": `{"errcode":0,"message":"Upgrade required"}`,
		"/api/v1/lux/nothing": `{"detail":"Upgrade required"}`,
	}
	check := func(when, version string, warned, refused bool) {
		t.Helper()
		header := ""
		if warned {
			header = headerOf21
		}
		got := askAs(t, s, http.MethodPost, "/graphql", token, homeQuery, luxIOS(version)...)
		body := string(got.Body)
		isRefused := strings.HasPrefix(body, refusal21)
		if got.Status != http.StatusOK || strings.Contains(body, noticeOf21) != warned || got.Header.Get("Upgrade-Notice") != header ||
			isRefused != refused || !refused && !strings.Contains(body, `"firstName":"james"`) {
			t.Errorf("%s GraphQL answers %s by %d %s, %v", when, version, got.Status, body, got.Header)
		}
		for path, want := range routes {
			of := token
			if strings.HasSuffix(path, "/info") {
				of = long
			}
			got := askAs(t, s, http.MethodGet, path, of, "", luxIOS(version)...)
			if (got.Status == http.StatusUpgradeRequired) != refused || refused && strings.TrimSpace(string(got.Body)) != want || got.Header.Get("Upgrade-Notice") != header ||
				refused != (got.Header.Get("Upgrade") == "lux-ios/2.1.0") {
				t.Errorf("%s %s answers %s by %d %s, %v", when, path, version, got.Status, got.Body, got.Header)
			}
		}
	}
	check("before", "2.0.9", false, false)
	s.Clock.Add(24 * time.Hour)
	token, _ = s.Parent(t)
	check("30 days before", "2.0.9", true, false)
	check("30 days before", "unknown", true, false)
	check("30 days before", "2.1", false, false)
	s.Clock.Add(30 * 24 * time.Hour)
	token, _ = s.Parent(t)
	check("from then on", "2.0.9", false, true)
	check("from then on", "2.1b", false, true)
	check("from then on", "2.1.0-77", false, false)
	check("from then on", "10", false, false)
}

// TestARefusedAppIsAnsweredOnEachTransport holds the status and the form of the error, and that
// it goes before everything else that may be wrong.
func TestARefusedAppIsAnsweredOnEachTransport(t *testing.T) {
	t.Parallel()
	s := startWithMinimum(t, "2027-02-01")
	for _, body := range []string{
		homeQuery, `{"query":"{ nothing }"}`, `{"query":"{"}`, `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"00"}}}`,
		`{"query":"subscription { devlogStatus { cursor } }"}`, `{"query":"{ __schema { queryType { name } } }"}`,
	} {
		for accept, status := range map[string]int{
			"application/json": http.StatusOK, "application/graphql-response+json": http.StatusUpgradeRequired,
			"text/event-stream": http.StatusOK, "multipart/mixed;subscriptionSpec=1.0": http.StatusOK,
		} {
			got := askAs(t, s, http.MethodPost, "/graphql", "", body, append(luxIOS("2.0"), "Accept", accept)...)
			if got.Status != status || !strings.Contains(string(got.Body), refusal21) || got.Header.Get("Upgrade") != "lux-ios/2.1.0" || got.Header.Get("Connection") != "Upgrade" {
				t.Errorf("%s as %s: %d %s %v", body, accept, got.Status, got.Body, got.Header)
			}
		}
	}
	// A page that may not ask learns from the answer itself, so its preflight is let through.
	if got := askAs(t, s, http.MethodOptions, "/api/v1/lux/user/me", "", "", luxIOS("2.0")...); got.Status != http.StatusNoContent {
		t.Errorf("a preflight is answered by %d", got.Status)
	}
	for _, path := range []string{"/healthz", "/readyz", "/openapi.json", "/.well-known/jwks.json"} {
		if got := askAs(t, s, http.MethodGet, path, "", "", luxIOS("2.0")...); got.Status != http.StatusOK {
			t.Errorf("%s is answered by %d", path, got.Status)
		}
	}
	for _, app := range []string{"lux-android", "Lux-iOS", ""} {
		if got := askAs(t, s, http.MethodPost, "/graphql", "", `{"query":"{ __typename }"}`, "Apollographql-Client-Name", app); !strings.Contains(string(got.Body), `"Query"`) {
			t.Errorf("%q is answered by %s", app, got.Body)
		}
	}
	found := uses(t, s, "lux-ios")
	if found["GraphQL|none|lux-ios|2.0"] != 24 {
		t.Errorf("the operator sees %v", found)
	}
	metrics := readMetrics(t, s)
	if metrics[`luxbff_errors_total{code="UPGRADE_REQUIRED",surface="GraphQL"}`] != 24 {
		t.Errorf("%v errors are counted", metrics[`luxbff_errors_total{code="UPGRADE_REQUIRED",surface="GraphQL"}`])
	}
}

// TestSocketsOfOldApps holds what a socket says before and after the day, and that one which was
// open before starts nothing after it.
func TestSocketsOfOldApps(t *testing.T) {
	t.Parallel()
	s := startWithMinimum(t, "2027-01-30")
	for i, protocol := range []string{"graphql-transport-ws", "graphql-ws"} {
		token, _ := s.Parent(t)
		said := func(version string) map[string]any {
			return map[string]any{"Authorization": "Bearer " + token, "apollographql-client-name": "lux-ios", "apollographql-client-version": version}
		}
		ask := func(c *client, id string) {
			c.send(frame{ID: id, Type: []string{"subscribe", "start"}[i], Payload: json.RawMessage(homeQuery)})
		}
		if got := dialOver(t, s, protocol, said("2.1")).want("connection_ack"); got.Payload != nil {
			t.Errorf("%s tells a new version %s", protocol, got.Payload)
		}
		open := dialOver(t, s, protocol, said("2.0"))
		if got := open.want("connection_ack"); string(got.Payload) != "{"+noticeOf21+"}" {
			t.Errorf("%s acknowledges by %s", protocol, got.Payload)
		}
		ask(open, "1")
		if got := open.want([]string{"next", "data"}[i]); !strings.Contains(string(got.Payload), noticeOf21) {
			t.Errorf("%s answers %s", protocol, got.Payload)
		}
		open.want("complete")
		s.Clock.Add(time.Second)
		ask(open, "2")
		if got := open.want("error"); !strings.Contains(string(got.Payload), `"UPGRADE_REQUIRED"`) {
			t.Errorf("%s answers %s", protocol, got.Payload)
		}
		closed := dialOver(t, s, protocol, said("2.0"))
		if i == 1 {
			closed.want("connection_error")
		}
		if _, err := closed.next(); !websocket.IsCloseError(err, 4426) || !strings.Contains(err.Error(), "Upgrade required") {
			t.Errorf("%s ends by %v", protocol, err)
		}
		s.Clock.Add(-time.Second)
	}
}

// TestNoticesStandInAnswersAlone: a subscription is warned by its header, and not in each event.
func TestNoticesStandInAnswersAlone(t *testing.T) {
	t.Parallel()
	s := startWithMinimum(t, "2027-01-15")
	token, _ := s.Parent(t)
	for _, accept := range []string{"application/json", "application/graphql-response+json", "text/event-stream", "multipart/mixed;subscriptionSpec=1.0"} {
		got := askAs(t, s, http.MethodPost, "/graphql", token, homeQuery, append(luxIOS("2.0"), "Accept", accept)...)
		if got.Header.Get("Upgrade-Notice") != headerOf21 || !strings.Contains(string(got.Body), noticeOf21) || !strings.Contains(string(got.Body), "james") {
			t.Errorf("as %s: %s, %v", accept, got.Body, got.Header)
		}
		got = askAs(t, s, http.MethodPost, "/graphql", token, `{"query":"{ nothing }"}`, append(luxIOS("2.0"), "Accept", accept)...)
		if got.Header.Get("Upgrade-Notice") != headerOf21 || !strings.Contains(string(got.Body), "GRAPHQL_VALIDATION_FAILED") {
			t.Errorf("as %s: %s, %v", accept, got.Body, got.Header)
		}
	}
	grow(t, s, token, 0, 1)
	c := dialAs(t, s, map[string]any{
		"Authorization": "Bearer " + token, "apollographql-client-name": "lux-ios", "apollographql-client-version": "2.0",
	})
	c.want("connection_ack")
	c.subscribe(apptest.Sample(t, "subscription").Document, nil)
	s.WaitForSubscribers(t, 1)
	upload(t, s, token, 1, 1)
	if got := string(c.want("next").Payload); strings.Contains(got, "notice") || !strings.Contains(got, "devlogStatus") {
		t.Errorf("an event has %s", got)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/graphql", strings.NewReader(`{"query":"subscription { devlogStatus { cursor } }"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{
		"Accept": {"text/event-stream"}, "Content-Type": {"application/json"}, "Authorization": {"Bearer " + token},
		"Apollographql-Client-Name": {"lux-ios"}, "Apollographql-Client-Version": {"2.0"},
	}
	stream, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = stream.Body.Close()
	if got := stream.Header.Get("Upgrade-Notice"); stream.StatusCode != http.StatusOK || got != headerOf21 {
		t.Errorf("a stream is answered by %d with the notice %q", stream.StatusCode, got)
	}
	cors := askAs(t, s, http.MethodGet, "/api/v1/lux/user/me", token, "", append(luxIOS("2.0"), "Origin", s.URL)...)
	if exposed := strings.Split(cors.Header.Get("Access-Control-Expose-Headers"), ", "); !slices.Contains(exposed, "Upgrade-Notice") {
		t.Errorf("a page may read %q", exposed)
	}
}

// TestARefusalIsNotKeptForItsKey has an app that is updated send again, by the same idempotency
// key, what its old version was refused.
func TestARefusalIsNotKeptForItsKey(t *testing.T) {
	t.Parallel()
	s := startWithMinimum(t, "2027-02-01")
	token, _ := s.Parent(t)
	for i, c := range []struct{ method, path, body, refused, done string }{
		{http.MethodPost, "/graphql", `{"query":"mutation { updateUser(input: {firstName: \"Ann\"}) { user { firstName } } }"}`, refusal21, `"firstName":"Ann"`},
		{http.MethodPatch, "/api/v1/lux/user/notification", `{"is_device_muted": 1, "is_device_alim_talk_enabled": 1, "is_basestation_alert_enabled": 1}`, `{"detail":"Upgrade required"}`, ""},
	} {
		key := []string{"Idempotency-Key", strings.Repeat("k", 16+i)}
		old := askAs(t, s, c.method, c.path, token, c.body, append(luxIOS("2.0"), key...)...)
		updated := askAs(t, s, c.method, c.path, token, c.body, append(luxIOS("2.1"), key...)...)
		again := askAs(t, s, c.method, c.path, token, c.body, append(luxIOS("2.1"), key...)...)
		if !strings.Contains(string(old.Body), c.refused) || updated.Status != http.StatusOK || !strings.Contains(string(updated.Body), c.done) ||
			updated.Header.Get("Idempotency-Replayed") != "" || again.Header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("%s: the old version gets %d %s, the new one %d %s, and then %d %s", c.path, old.Status, old.Body, updated.Status, updated.Body, again.Status, again.Body)
		}
	}
}

func TestMinimumsOfSettings(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"": "", "lux-ios:2.1.0,lux android:1@2027-01-31": "", "lux-ios": "MIN_APP_VERSIONS: entry 1: not APP:VERSION",
		"lux-ios:2@soon": "MIN_APP_VERSIONS: entry 1: the date", "_lux:1": "MIN_APP_VERSIONS: a name is not one of",
		strings.Repeat("a", 41) + ":1": "MIN_APP_VERSIONS: a name is not one of", "unknown:1": "MIN_APP_VERSIONS: a name is not one of", "other:1": "",
	} {
		err := app.Config{Env: "development", MinVersions: text}.Check()
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
