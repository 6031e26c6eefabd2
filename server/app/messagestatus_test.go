package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"luxbff/ent"
	entmessage "luxbff/ent/message"
	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/subscriptiontest"
)

// follower follows messages as an app does.
type follower struct {
	*subscriptiontest.Subscription
	t *testing.T
}

// follow subscribes to what becomes of messages and returns once the server has it.
func follow(t *testing.T, s *apptest.Server, token, arguments string, transport subscriptiontest.Transport) follower {
	t.Helper()
	before := s.App.Messages.Subscribers()
	subscription, err := subscriptiontest.Open(t.Context(), subscriptiontest.Request{
		URL: s.URL, Token: token, Transport: transport, Document: `subscription { messageStatus` + arguments + ` { id purpose status reason } }`,
	})
	if err != nil {
		t.Fatalf("%s: %v", transport, err)
	}
	t.Cleanup(subscription.Close)
	if arguments == "" {
		testutil.WaitFor(t, "the server follows the messages", func() bool { return s.App.Messages.Subscribers() == before+1 })
	}
	return follower{subscription, t}
}

// want waits for the next event, as "purpose status" with the reason where there is one, and
// gives the id of its message.
func (f follower) want(want string) (id string) {
	f.t.Helper()
	event, err := f.Next()
	if err != nil {
		f.t.Fatalf("want %s: %v", want, err)
	}
	var m struct {
		ID, Purpose, Status string
		Reason              *string
	}
	if err := json.Unmarshal([]byte(event.Status), &m); err != nil {
		f.t.Fatal(err)
	}
	got := m.Purpose + " " + m.Status
	if m.Reason != nil {
		got += " " + *m.Reason
	}
	if got != want {
		f.t.Fatalf("%s, want %s", got, want)
	}
	return m.ID
}

func (f follower) wantComplete() {
	f.t.Helper()
	var ended *subscriptiontest.EndError
	if event, err := f.Next(); !errors.As(err, &ended) || !ended.Complete {
		f.t.Fatalf("want the end, got %+v, %v", event, err)
	}
}

// change changes a message as another process does, without a notification.
func change(t *testing.T, s *apptest.Server, id int, set func(*ent.MessageUpdateOne)) {
	t.Helper()
	err := s.App.Store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		update := tx.Message.UpdateOneID(id)
		set(update)
		return update.Exec(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestMessageStatusIsFollowed: over every transport an account sees each of its messages as
// it changes, and no other account's.
func TestMessageStatusIsFollowed(t *testing.T) {
	t.Parallel()
	for _, transport := range subscriptiontest.Transports() {
		t.Run(string(transport), func(t *testing.T) {
			t.Parallel()
			s := apptest.Start(t)
			token, id := s.Parent(t)
			stranger, strangerID := s.Parent(t)
			hers := follow(t, s, stranger, "", transport)
			mine := follow(t, s, token, "", transport)
			notify := func() { s.App.Messages.Poll(t.Context(), 0) }

			alert := storeMessage(t, s, id, func(m *ent.MessageCreate) { m.SetPurpose(entmessage.PurposeImpedanceAlert) })
			notify()
			if got := mine.want("IMPEDANCE_ALERT QUEUED"); got != fmt.Sprint(alert) {
				t.Errorf("it is the message %s, want %d", got, alert)
			}
			change(t, s, alert, func(m *ent.MessageUpdateOne) {
				m.SetState(entmessage.StateSent).SetSentAt(s.Clock.Now()).SetCheckAt(s.Clock.Now().Add(time.Hour))
			})
			notify()
			mine.want("IMPEDANCE_ALERT SENT")
			one := follow(t, s, token, fmt.Sprintf("(id: %d)", alert), transport)
			one.want("IMPEDANCE_ALERT SENT")
			change(t, s, alert, func(m *ent.MessageUpdateOne) {
				m.SetState(entmessage.StateDelivered).SetDeliveredAt(s.Clock.Now()).ClearCheckAt()
			})
			notify()
			mine.want("IMPEDANCE_ALERT DELIVERED")
			one.want("IMPEDANCE_ALERT DELIVERED")
			one.wantComplete()

			last := storeMessage(t, s, id, func(m *ent.MessageCreate) { m.SetState(entmessage.StateExpired) })
			notify()
			mine.want("PHONE_CODE EXPIRED TOO_LATE")
			again := follow(t, s, token, fmt.Sprintf("(id: %d)", last), transport)
			again.want("PHONE_CODE EXPIRED TOO_LATE")
			again.wantComplete()

			storeMessage(t, s, strangerID, nil)
			notify()
			hers.want("PHONE_CODE QUEUED") // and nothing before it
		})
	}
}

// TestMessageStatusFollowsTheOutbox: a change is notified of by the commit that makes it,
// whatever makes it.
func TestMessageStatusFollowsTheOutbox(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	mine := follow(t, s, token, "", subscriptiontest.WebSocket)
	var sent struct {
		SendImpedanceAlert struct {
			OK      bool
			Message struct{ ID, Purpose string }
		}
	}
	s.Data(t, token, `mutation { sendImpedanceAlert { ok message { id purpose } } }`, nil, &sent)
	alert := sent.SendImpedanceAlert
	if !alert.OK || alert.Message.Purpose != "IMPEDANCE_ALERT" {
		t.Errorf("the alert is %+v", alert)
	}
	event, err := mine.Next()
	// It may have been sent by the time that it was read.
	if err == nil && strings.Contains(event.Status, `"QUEUED"`) {
		event, err = mine.Next()
	}
	if err != nil || !strings.Contains(event.Status, `"SENT"`) {
		t.Errorf("%s, %v", event.Status, err)
	}
	one := follow(t, s, token, "(id: "+alert.Message.ID+")", subscriptiontest.WebSocket)
	if got := one.want("IMPEDANCE_ALERT SENT"); got != alert.Message.ID {
		t.Errorf("it is the message %s, want %s", got, alert.Message.ID)
	}
	one.wantComplete()
}

// TestMessageStatusOfTheOtherReplica: what one replica sends, those who are connected to
// another see.
func TestMessageStatusOfTheOtherReplica(t *testing.T) {
	t.Parallel()
	one, other, _ := startReplicas(t)
	token, _ := one.Parent(t)
	there := follow(t, other, token, "", subscriptiontest.EventStream)
	one.Data(t, token, `mutation { sendImpedanceAlert { ok } }`, nil, &struct{}{})
	event, err := there.Next()
	if err != nil || !strings.Contains(event.Status, "IMPEDANCE_ALERT") {
		t.Errorf("%s, %v", event.Status, err)
	}
}

// TestMessageStatusEndsWithItsSession as the feed does.
func TestMessageStatusEndsWithItsSession(t *testing.T) {
	t.Parallel()
	for _, transport := range subscriptiontest.Transports() {
		t.Run(string(transport), func(t *testing.T) {
			t.Parallel()
			s := apptest.Start(t)
			token, _ := s.Parent(t)
			mine := follow(t, s, token, "", transport)
			s.Data(t, token, `mutation { signOut { ok } }`, nil, &struct{}{})
			var ended *subscriptiontest.EndError
			if event, err := mine.Next(); !errors.As(err, &ended) || ended.Complete {
				t.Errorf("%+v, %v", event, err)
			}
			testutil.WaitFor(t, "nobody follows", func() bool { return s.App.Messages.Subscribers() == 0 })
		})
	}
}

// TestMessageStatusCostsNothingWhileIdle: a poll reads the messages of those alone who wait
// for the end of one, or have missed one.
func TestMessageStatusCostsNothingWhileIdle(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	poll := func() int {
		ctx, counter := store.CountStatements(t.Context())
		s.App.Messages.Poll(ctx, 0)
		return counter.N()
	}
	if n := poll(); n != 0 {
		t.Errorf("without subscribers a poll takes %d statements", n)
	}
	for range 3 {
		token, id := s.Parent(t)
		storeMessage(t, s, id, func(m *ent.MessageCreate) { m.SetState(entmessage.StateDelivered) })
		follow(t, s, token, "", subscriptiontest.WebSocket)
	}
	if n := poll(); n != 1 {
		t.Errorf("with three idle subscribers a poll takes %d statements", n)
	}
}

// TestMessageStatusIsRefused for a message that is not there or another account's.
func TestMessageStatusIsRefused(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	_, strangerID := s.Parent(t)
	hers := storeMessage(t, s, strangerID, nil)
	for arguments, want := range map[string]string{
		"(id: 999)":                   "MESSAGE_NOT_FOUND",
		fmt.Sprintf("(id: %d)", hers): "NOT_AUTHORIZED_USER",
		"(id: 1)":                     "NOT_AUTHORIZED_USER", // the code before the sign-up
	} {
		_, err := follow(t, s, token, arguments, subscriptiontest.WebSocket).Next()
		var ended *subscriptiontest.EndError
		if !errors.As(err, &ended) || ended.ErrorCode != want {
			t.Errorf("%s: %v, want %s", arguments, err, want)
		}
	}
}
