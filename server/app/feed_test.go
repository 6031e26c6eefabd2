package app_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent/feedposition"
	"luxbff/internal/auth"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/subscriptiontest"
)

// onEachTransport runs a scenario for a new family of one child over each transport,
// on a server of its own.
func onEachTransport(t *testing.T, run func(t *testing.T, s *apptest.Server, call subscriptiontest.Request)) {
	t.Helper()
	for _, transport := range subscriptiontest.Transports() {
		t.Run(string(transport), func(t *testing.T) {
			t.Parallel()
			s := apptest.Start(t)
			token, _ := s.Parent(t)
			grow(t, s, token, 0, 1)
			run(t, s, subscriptiontest.Request{URL: s.URL, Token: token, Transport: transport})
		})
	}
}

// open connects and waits until the server has the subscription.
func open(t *testing.T, s *apptest.Server, call subscriptiontest.Request) *subscriptiontest.Subscription {
	t.Helper()
	feed, err := subscriptiontest.Open(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(feed.Close)
	s.WaitForSubscribers(t, 1)
	return feed
}

// cut closes the connection and waits until the server has noticed.
func cut(t *testing.T, s *apptest.Server, feed *subscriptiontest.Subscription) {
	t.Helper()
	feed.Close()
	s.WaitForSubscribers(t, 0)
}

// expectEvents reads the events of these files, the first of them recovered or not, and
// gives the last.
func expectEvents(t *testing.T, feed *subscriptiontest.Subscription, recovered bool, files ...int) (last subscriptiontest.Event) {
	t.Helper()
	for i, file := range files {
		e, err := feed.Next()
		if err != nil {
			t.Fatalf("waiting for %d of %v: %v", file, files, err)
		}
		if e.LogFileID != file || e.Recovered != (recovered && i == 0) {
			t.Fatalf("event %d of %v is %+v", i, files, e)
		}
		last = e
	}
	return last
}

// readEnd reads on until the server ends the subscription, and gives how it ended.
func readEnd(t *testing.T, feed *subscriptiontest.Subscription) subscriptiontest.EndError {
	t.Helper()
	for {
		_, err := feed.Next()
		var ended *subscriptiontest.EndError
		if errors.As(err, &ended) {
			return *ended
		}
		if err != nil {
			t.Fatalf("the feed was cut: %v", err)
		}
	}
}

// subscribeRefused subscribes and gives how the server refused it.
func subscribeRefused(t *testing.T, call subscriptiontest.Request) subscriptiontest.EndError {
	t.Helper()
	feed, err := subscriptiontest.Open(t.Context(), call)
	var ended *subscriptiontest.EndError
	if errors.As(err, &ended) {
		return *ended
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(feed.Close)
	return readEnd(t, feed)
}

// acknowledge acknowledges the event in the way of the transport, and waits until the
// resume point is saved. On a socket the phone answers a ping for that while it waits
// for the next event, which this uploads.
func acknowledge(t *testing.T, s *apptest.Server, call subscriptiontest.Request, feed *subscriptiontest.Subscription, last subscriptiontest.Event, seq int64) {
	t.Helper()
	next := make(chan error, 1)
	go func() {
		e, err := feed.Next()
		if err == nil && int64(e.LogFileID) != seq+1 {
			err = fmt.Errorf("received %+v after %d", e, seq)
		}
		next <- err
	}()
	if !call.IsWebSocket() {
		acknowledgeByHeader(t, s, call, last.Cursor)
	}
	waitForResumePoint(t, s, seq)
	upload(t, s, call.Token, int(seq)+1, int(seq)+1)
	if err := <-next; err != nil {
		t.Fatal(err)
	}
}

// acknowledgeByHeader makes a request whose headers acknowledge the events up to cursor.
func acknowledgeByHeader(t *testing.T, s *apptest.Server, call subscriptiontest.Request, cursor string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/graphql", strings.NewReader(`{"query":"{ me { id } }"}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Authorization": "Bearer " + call.Token,
		"X-Installation-Id": call.InstallationID, "Last-Event-Id": cursor,
	} {
		r.Header.Set(name, value)
	}
	response, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v", response.Status, err)
	}
}

// waitForResumePoint waits until the one resume point that there is has come to seq.
func waitForResumePoint(t *testing.T, s *apptest.Server, seq int64) {
	t.Helper()
	waitForResumePoints(t, s, seq, 1)
}

// waitForResumePoints waits until there are n resume points and all have come to seq.
func waitForResumePoints(t *testing.T, s *apptest.Server, seq int64, n int) {
	t.Helper()
	testutil.WaitFor(t, fmt.Sprintf("%d resume points are at %d", n, seq), func() bool {
		points, err := s.App.Store.Read().FeedPosition.Query().Select(feedposition.FieldSeq).Ints(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(points) == n && !slices.ContainsFunc(points, func(at int) bool { return int64(at) != seq })
	})
}

// TestInstallationResumes cuts the connection and connects again with the same request:
// what was not acknowledged comes again, in order, and then what is new.
func TestInstallationResumes(t *testing.T) {
	t.Parallel()
	onEachTransport(t, func(t *testing.T, s *apptest.Server, call subscriptiontest.Request) {
		call.InstallationID = "7b0d2c56-0e0f"
		feed := open(t, s, call)
		upload(t, s, call.Token, 1, 2)
		last := expectEvents(t, feed, false, 1, 2)
		if call.Transport == subscriptiontest.EventStream && last.ID != last.Cursor {
			t.Errorf("the event's id is %q, its cursor %q", last.ID, last.Cursor)
		}
		acknowledge(t, s, call, feed, last, 2)
		cut(t, s, feed)

		upload(t, s, call.Token, 4, 6)
		feed = open(t, s, call)
		upload(t, s, call.Token, 7, 7)
		expectEvents(t, feed, true, 3, 4, 5, 6, 7)
		cut(t, s, feed)

		// A cursor that the client gives itself goes before the resume point.
		call.After = last.Cursor
		feed = open(t, s, call)
		expectEvents(t, feed, true, 3, 4, 5, 6, 7)
	})
}

// TestStreamResumesAfterItsLastEventID resumes as an EventSource does, with or without
// an installation id. The header goes before the query's own "after".
func TestStreamResumesAfterItsLastEventID(t *testing.T) {
	t.Parallel()
	onEachTransport(t, func(t *testing.T, s *apptest.Server, call subscriptiontest.Request) {
		feed := open(t, s, call)
		upload(t, s, call.Token, 1, 3)
		first := expectEvents(t, feed, false, 1)
		second := expectEvents(t, feed, false, 2)
		cut(t, s, feed)
		if call.IsWebSocket() {
			return // a socket has no such header
		}
		for _, installation := range []string{"", "phone"} {
			call.After, call.LastEventID, call.InstallationID = first.Cursor, second.Cursor, installation
			feed = open(t, s, call)
			expectEvents(t, feed, true, 3)
			cut(t, s, feed)
		}
		waitForResumePoint(t, s, 2)
		// An EventSource that was given no id has none; some clients send the header all
		// the same, and net/http sends a space as nothing.
		call.LastEventID, call.InstallationID = " ", ""
		feed = open(t, s, call)
		expectEvents(t, feed, true, 2)
		cut(t, s, feed)
		call.LastEventID = "nonsense"
		if how := subscribeRefused(t, call); how.ErrorCode != "CURSOR_NOT_VALID" {
			t.Errorf("a last event that does not exist: %v", &how)
		}
	})
}

func TestRefusedSubscriptions(t *testing.T) {
	t.Parallel()
	onEachTransport(t, func(t *testing.T, s *apptest.Server, call subscriptiontest.Request) {
		feed := open(t, s, call)
		upload(t, s, call.Token, 1, 1)
		old := expectEvents(t, feed, false, 1)
		cut(t, s, feed)
		with := func(change func(*subscriptiontest.Request)) subscriptiontest.Request {
			other := call
			change(&other)
			return other
		}
		known := with(func(c *subscriptiontest.Request) { c.InstallationID = "known" })
		cut(t, s, open(t, s, known))
		upload(t, s, call.Token, 2, 2)
		s.Clock.Add(7*24*time.Hour + time.Second)
		call.Token = newToken(t, s)
		known.Token = call.Token
		for want, refusedCall := range map[string]subscriptiontest.Request{
			"CURSOR_EXPIRED":   with(func(c *subscriptiontest.Request) { c.After = old.Cursor }),
			"CURSOR_NOT_VALID": with(func(c *subscriptiontest.Request) { c.After = "ZmVlZDo5OTk6MTox" }),
			"INVALID_REQUEST_OR_MISSING_PARAMETERS": with(func(c *subscriptiontest.Request) {
				c.InstallationID = strings.Repeat("x", 65)
			}),
			"REAL_USER_IS_NOT_FOUND": with(func(c *subscriptiontest.Request) { c.ChildUserID = "999" }),
		} {
			if how := subscribeRefused(t, refusedCall); how.ErrorCode != want {
				t.Errorf("want %s: %v", want, &how)
			}
		}
		if how := subscribeRefused(t, known); how.ErrorCode != "CURSOR_EXPIRED" {
			t.Errorf("an installation that missed what is gone: %v", &how)
		}
		feed = open(t, s, known) // the same request again: it is not locked out
		upload(t, s, call.Token, 3, 3)
		expectEvents(t, feed, false, 3)
	})
}

// newToken gives a token of a new session of the account: the clock is past the end of
// the first token.
func newToken(t *testing.T, s *apptest.Server) string {
	t.Helper()
	tokens, err := s.App.Auth.Sessions.Start(t.Context(), 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	return tokens.AccessToken
}

// TestLostRightsEndTheSubscription ends it on each transport, whatever takes the right
// away.
func TestLostRightsEndTheSubscription(t *testing.T) {
	t.Parallel()
	mutation := func(text string) func(*testing.T, *apptest.Server, string) {
		return func(t *testing.T, s *apptest.Server, token string) {
			t.Helper()
			s.Data(t, token, `mutation { `+text+` }`, nil, &struct{}{})
		}
	}
	const signedOut, expired = "UNAUTHENTICATED", "TOKEN_IS_EXPIRED"
	for name, cause := range map[string]struct {
		happens func(*testing.T, *apptest.Server, string)
		child   bool
		reason  string // of the close frame
		code    string // of the error over HTTP; empty for a feed that completes
	}{
		"signed out":            {mutation(`signOut { ok }`), false, "Could not validate credentials", signedOut},
		"account deleted":       {mutation(`deleteAccount { ok }`), false, "Could not validate credentials", signedOut},
		"signed out everywhere": {mutation(`signOutEverywhere { ok }`), false, "Could not validate credentials", signedOut},
		"session ended":         {mutation(`endSession(input: {sessionId: 1}) { ok }`), false, "Could not validate credentials", signedOut},
		"ended from another phone": {func(t *testing.T, s *apptest.Server, _ string) {
			t.Helper()
			other := accessToken(t, s, "", "signIn", `email: "parent1@example.com", password: "secret123"`)
			s.Data(t, other, `mutation { endSession(input: {sessionId: 1}) { ok } }`, nil, &struct{}{})
		}, false, "Could not validate credentials", signedOut},
		"64 others signed in": {func(t *testing.T, s *apptest.Server, _ string) {
			t.Helper()
			for range auth.MaxSessions {
				if _, err := s.App.Auth.Sessions.Start(t.Context(), 1, 0); err != nil {
					t.Fatal(err)
				}
			}
		}, false, "Could not validate credentials", signedOut},
		"password changed": {mutation(`changePassword(input: {oldPassword: "secret123", newPassword: "secret456"}) { tokens { tokenType } }`), false, "Could not validate credentials", signedOut},
		"token expired": {func(_ *testing.T, s *apptest.Server, _ string) {
			s.Clock.Add(3 * time.Second)
		}, false, "Token is expired", expired},
		"child deleted": {mutation(`deleteChildUser(input: {childUserId: 1, uniqueId: "unique0"}) { childUserId }`), true, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEachTransport(t, func(t *testing.T, s *apptest.Server, call subscriptiontest.Request) {
				if cause.child {
					call.ChildUserID = "1"
				}
				if cause.code == expired {
					s.Clock.Add(15*time.Minute - 2*time.Second) // of the token's 15 minutes
				}
				feed := open(t, s, call)
				cause.happens(t, s, call.Token)
				want := subscriptiontest.EndError{Complete: true}
				switch {
				case cause.code == "":
				case call.IsWebSocket():
					want = subscriptiontest.EndError{Code: 4403, Reason: cause.reason}
				default:
					want = subscriptiontest.EndError{Reason: cause.reason, ErrorCode: cause.code}
				}
				if diff := cmp.Diff(want, readEnd(t, feed)); diff != "" {
					t.Errorf("the end (-want +got):\n%s", diff)
				}
				s.WaitForSubscribers(t, 0)
			})
		})
	}
}

// TestMovedDeviceNotifiesItsNewFamilyAlone holds that the old family's subscriptions go
// on, and get nothing of what the device does at its new child.
func TestMovedDeviceNotifiesItsNewFamilyAlone(t *testing.T) {
	t.Parallel()
	onEachTransport(t, func(t *testing.T, s *apptest.Server, call subscriptiontest.Request) {
		grow(t, s, call.Token, 1, 2)
		other, _ := s.Parent(t)
		feed := open(t, s, call)
		upload(t, s, call.Token, 1, 1)
		expectEvents(t, feed, false, 1)
		s.Data(t, call.Token, `mutation { unregisterDevice(input: {childUserId: 1, uniqueId: "unique0"}) { device { id } } }`, nil, &struct{}{})
		s.Data(t, other, `mutation { createChildUser(input: {firstName: "new", lastName: "", birthdate: "1997-01-01",
			gender: MALE, serialCode: "SL00000000", macId: "00:80:E1:27:00:00", uniqueId: "unique0"}) { childUser { id } } }`, nil, &struct{}{})
		theirs := logs(1, 2, 2)
		theirs[0]["childUserId"] = 3
		const send = `mutation($logs: [DevlogInput!]!) { uploadDevlogs(input: {logs: $logs}) { devlogs { id } } }`
		s.Data(t, other, send, map[string]any{"logs": theirs}, &struct{}{})
		s.Data(t, call.Token, send, map[string]any{"logs": logs(2, 9, 9)}, &struct{}{})
		expectEvents(t, feed, false, 9)
	})
}

// TestRenewedSocketKeepsItsInstallation holds that a fresh token in band changes nothing
// for the subscriptions that start after it.
func TestRenewedSocketKeepsItsInstallation(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	c := dialAs(t, s, map[string]any{"Authorization": "Bearer " + token, "installationId": "phone"})
	c.want("connection_ack")
	s.Clock.Add(14 * time.Minute)
	c.send(frame{Type: "ping", Payload: raw(t, map[string]string{"accessToken": newToken(t, s)})})
	c.want("pong")
	s.Clock.Add(14 * time.Minute)
	c.subscribe(apptest.Sample(t, "subscription").Document, nil)
	s.WaitForSubscribers(t, 1)
	waitForResumePoint(t, s, 0)
}

// TestInstallationIDMustBeText holds that another id is refused at the subscription, by
// the name of the field.
func TestInstallationIDMustBeText(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	for _, id := range []any{7, true, []string{"x"}, "", "é"} {
		c := dialAs(t, s, map[string]any{"Authorization": "Bearer " + token, "installationId": id})
		c.want("connection_ack")
		c.subscribe(apptest.Sample(t, "subscription").Document, nil)
		if got := string(c.want("next").Payload); !strings.Contains(got, `"field":"installationId"`) {
			t.Errorf("%v is answered by %s", id, got)
		}
	}
	c := dialAs(t, s, map[string]any{"Authorization": "Bearer " + token, "installationId": nil})
	c.want("connection_ack")
	c.subscribe(apptest.Sample(t, "subscription").Document, nil)
	s.WaitForSubscribers(t, 1)
}

// TestResumePointsEndWithTheSessionAndTheAccount holds that a sign-out deletes those of
// its own session and of no other, and a deleted account all.
func TestResumePointsEndWithTheSessionAndTheAccount(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	other := newToken(t, s)
	for id, token := range map[string]string{"phone": token, "tablet": other} {
		c := dialAs(t, s, map[string]any{"Authorization": "Bearer " + token, "installationId": id})
		c.want("connection_ack")
		c.subscribe(apptest.Sample(t, "subscription").Document, nil)
	}
	s.WaitForSubscribers(t, 2)
	expectPoints := func(want ...string) {
		t.Helper()
		got, err := s.App.Store.Read().FeedPosition.Query().Order(feedposition.ByInstallationID()).
			Select(feedposition.FieldInstallationID).Strings(t.Context())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("resume points (-want +got), %v:\n%s", err, diff)
		}
	}
	expectPoints("phone", "tablet")
	s.Data(t, token, `mutation { signOut { ok } }`, nil, &struct{}{})
	expectPoints("tablet")
	s.Data(t, other, `mutation { deleteAccount { ok } }`, nil, &struct{}{})
	expectPoints()
}
