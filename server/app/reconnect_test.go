package app_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"luxbff/internal/store"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/subscriptiontest"
)

// resuming are the ways to say where a subscription goes on.
var resuming = map[string]func(call *subscriptiontest.Request, cursor string){
	"after a cursor":     func(call *subscriptiontest.Request, cursor string) { call.After = cursor },
	"as an installation": func(call *subscriptiontest.Request, _ string) { call.InstallationID = "phone" },
	"as an installation after a cursor": func(call *subscriptiontest.Request, cursor string) {
		call.InstallationID, call.After = "phone", cursor
	},
	"as an EventSource": func(call *subscriptiontest.Request, cursor string) {
		if call.LastEventID = cursor; call.IsWebSocket() {
			call.After = cursor // a socket has no such header
		}
	},
	"of one child": func(call *subscriptiontest.Request, cursor string) { call.ChildUserID, call.After = "1", cursor },
}

// TestReconnectingTakesTwoReads counts what a phone costs that comes back, from the opening
// of its connection to the last event that it missed: whether its token opens the account,
// and, in one statement with the right to subscribe, where it goes on and what it missed.
// Nothing is written.
//
// What is asked once more behind the last event would not be seen there. So an upload
// follows, whose event comes over the same subscription: it adds the read of the uploading
// request, and two for the event, of one child three.
func TestReconnectingTakesTwoReads(t *testing.T) {
	t.Parallel()
	for name, resume := range resuming {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ofEvent := 2
			if name == "of one child" {
				ofEvent = 3
			}
			for _, transport := range subscriptiontest.Transports() {
				for missed := range 2 {
					expectStatements(t, fmt.Sprintf("%s %d", transport, missed), 2+1+ofEvent, 0, func(t *testing.T) []store.Statement {
						return countReconnection(t, transport, resume, missed)
					})
				}
			}
		})
	}
}

// TestConnectingFirst counts the same of an installation that is new: its resume point is
// stored, after a look in the transaction at what may have changed.
func TestConnectingFirst(t *testing.T) {
	t.Parallel()
	for _, transport := range subscriptiontest.Transports() {
		t.Run(string(transport), func(t *testing.T) {
			t.Parallel()
			expectStatements(t, "new", 2, 4, func(t *testing.T) []store.Statement {
				s := apptest.Start(t)
				token, _ := s.Parent(t)
				stop := s.RecordStatements()
				open(t, s, subscriptiontest.Request{URL: s.URL, Token: token, Transport: transport, InstallationID: "phone"})
				return stop()
			})
		})
	}
}

// expectStatements runs a scenario, on a server of its own, until it takes so many
// statements, without those of the messages that signing up has sent. Other work in the
// background may add some, but hardly each time.
func expectStatements(t *testing.T, name string, reads, writes int, run func(t *testing.T) []store.Statement) {
	t.Helper()
	var ran []store.Statement
	for range 3 {
		t.Run(name, func(t *testing.T) { ran = run(t) })
		var gotReads, gotWrites int
		for _, s := range ran {
			switch {
			case strings.Contains(s.Query, "messages"):
			case s.InWrite:
				gotWrites++
			default:
				gotReads++
			}
		}
		if gotReads == reads && gotWrites <= writes {
			return
		}
	}
	var texts strings.Builder
	for _, s := range ran {
		fmt.Fprintf(&texts, "\n  in a write: %-5v %.200s", s.InWrite, s.Query)
	}
	t.Errorf("%s: want %d reads and %d statements of writes, ran%s", name, reads, writes, texts.String())
}

// countReconnection gives the statements of a reconnection that has missed so many events,
// and of one event more, without those of the write that made this one.
func countReconnection(
	t *testing.T, transport subscriptiontest.Transport, resume func(*subscriptiontest.Request, string), missed int,
) (ran []store.Statement) {
	t.Helper()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 1)
	call := subscriptiontest.Request{URL: s.URL, Token: token, Transport: transport}
	feed := open(t, s, call)
	upload(t, s, token, 1, 1)
	last := expectEvents(t, feed, false, 1)
	cut(t, s, feed)
	known := call
	known.InstallationID = "phone"
	cut(t, s, open(t, s, known))
	resume(&call, last.Cursor)
	if missed > 0 {
		upload(t, s, token, 2, 1+missed)
	}
	stop := s.RecordStatements()
	feed = open(t, s, call)
	for file := range missed {
		expectEvents(t, feed, file == 0, 2+file)
	}
	beforeUpload := stop()
	stop = s.RecordStatements()
	upload(t, s, token, 10, 10)
	expectEvents(t, feed, missed == 0, 10)
	ran = beforeUpload
	for _, statement := range stop() {
		if !statement.InWrite {
			ran = append(ran, statement)
		}
	}
	cut(t, s, feed)
	return ran
}

// TestSubscribingChecksTheToken takes the right away in the database alone, as if every
// notification of it were lost: who is connected may not subscribe any more.
func TestSubscribingChecksTheToken(t *testing.T) {
	t.Parallel()
	for lost, want := range map[string]string{
		`UPDATE sessions SET ended_at = created_at`:                    "UNAUTHENTICATED",
		`UPDATE sessions SET created_at = '2001-01-01 00:00:00+00:00'`: "UNAUTHENTICATED",
		`UPDATE sessions SET root_user_id = 2`:                         "UNAUTHENTICATED",
		`UPDATE users SET deleted_at = created_at WHERE id = 1`:        "USER_IS_DELETED",
	} {
		t.Run(lost, func(t *testing.T) {
			t.Parallel()
			s := apptest.Start(t)
			token, _ := s.Parent(t)
			s.Parent(t)
			connected := map[string]*client{}
			for protocol, start := range map[string]string{"graphql-transport-ws": "subscribe", "graphql-ws": "start"} {
				connected[start] = dialOver(t, s, protocol, map[string]any{"Authorization": "Bearer " + token, "installationId": protocol})
				connected[start].want("connection_ack")
			}
			err := s.App.Store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Exec(ctx, lost)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			for start, c := range connected {
				c.send(frame{ID: "1", Type: start, Payload: raw(t, map[string]any{"query": apptest.Sample(t, "subscription").Document})})
				if got := string(c.want("error").Payload); !strings.Contains(got, want) {
					t.Errorf("%s is answered by %s", start, got)
				}
			}
			if n := s.App.Feed.Subscribers(); n != 0 {
				t.Errorf("%d subscribe all the same", n)
			}
		})
	}
}

// TestLongLivedTokenResumes holds that a token without a session subscribes, and no longer
// once the account's credentials have changed.
func TestLongLivedTokenResumes(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token := registerLocal(t, s)
	feed := open(t, s, subscriptiontest.Request{URL: s.URL, Token: token, Transport: subscriptiontest.WebSocket})
	cut(t, s, feed)
	c := dial(t, s, token)
	c.want("connection_ack")
	err := s.App.Store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE users SET credential_version = credential_version + 1`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	c.subscribe(apptest.Sample(t, "subscription").Document, nil)
	if got := string(c.want("error").Payload); !strings.Contains(got, "UNAUTHENTICATED") {
		t.Errorf("answered by %s", got)
	}
}
