package app_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent"
	entmessage "luxbff/ent/message"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/apptest"
)

// shownInDevelopment are what the page of development shows of the messages to an address,
// the oldest first, as "channel status reason".
func shownInDevelopment(t *testing.T, s *apptest.Server, to string) (shown []string) {
	t.Helper()
	var messages []struct{ Channel, To, Status, Reason string }
	if err := json.Unmarshal(s.Call(t, http.MethodGet, "/dev/messages", "", "").Body, &messages); err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if m.To == to {
			shown = append([]string{strings.TrimSpace(m.Channel + " " + m.Status + " " + m.Reason)}, shown...)
		}
	}
	return shown
}

// TestTheSandboxPlaysEachAnswer: an address with a script leads to the state that the answer
// of a provider leads to.
func TestTheSandboxPlaysEachAnswer(t *testing.T) {
	t.Parallel()
	pushToken := func(word string) string { return "sandbox-" + word + "-" + strings.Repeat("x", 32) }
	for _, c := range []struct {
		channel     entmessage.Channel
		to          string
		first, last []string
	}{
		{entmessage.ChannelSms, "+821012345678", []string{"sms SENT"}, []string{"sms SENT"}},
		{entmessage.ChannelSms, "+821000000001", []string{"sms FAILED REFUSED"}, []string{"sms FAILED REFUSED"}},
		{entmessage.ChannelSms, "+821000000002", []string{"sms QUEUED PROVIDER_UNAVAILABLE"}, []string{"sms SENT"}},
		{entmessage.ChannelSms, "+821000000003", []string{"sms QUEUED PROVIDER_UNAVAILABLE"}, []string{"sms FAILED PROVIDER_UNAVAILABLE"}},
		{entmessage.ChannelSms, "+821000000005", []string{"sms SENT"}, []string{"sms DELIVERED"}},
		{entmessage.ChannelAlimtalk, "+821000000004", []string{"alimtalk SENT"}, []string{"alimtalk FAILED NOT_DELIVERED", "sms SENT"}},
		{entmessage.ChannelEmail, "refused@sandbox.invalid", []string{"email FAILED REFUSED"}, []string{"email FAILED REFUSED"}},
		{entmessage.ChannelEmail, "ratelimited@sandbox.invalid", []string{"email QUEUED PROVIDER_UNAVAILABLE"}, []string{"email SENT"}},
		{entmessage.ChannelEmail, "unreachable@sandbox.invalid", []string{"email SENT"}, []string{"email FAILED NOT_DELIVERED"}},
		{entmessage.ChannelPush, pushToken("unregistered"), []string{"push FAILED REFUSED"}, []string{"push FAILED REFUSED"}},
		{entmessage.ChannelPush, pushToken("ratelimited"), []string{"push QUEUED PROVIDER_UNAVAILABLE"}, []string{"push SENT"}},
		{entmessage.ChannelPush, pushToken("delivered"), []string{"push SENT"}, []string{"push DELIVERED"}},
	} {
		t.Run(string(c.channel)+" "+c.to, func(t *testing.T) {
			t.Parallel()
			s := apptest.Start(t)
			_, id := s.Parent(t)
			storeMessage(t, s, id, func(m *ent.MessageCreate) { m.SetChannel(c.channel).SetTo(c.to).SetDueAt(s.Clock.Now()) })
			deliver := func() {
				t.Helper()
				if _, err := s.App.Outbox.Deliver(t.Context()); err != nil {
					t.Fatal(err)
				}
				if _, err := s.App.Outbox.Check(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			deliver()
			testutil.WaitFor(t, strings.Join(c.first, ", "), func() bool { return cmp.Equal(shownInDevelopment(t, s, c.to), c.first) })
			testutil.WaitFor(t, strings.Join(c.last, ", "), func() bool {
				s.Clock.Add(10 * time.Minute)
				deliver()
				return cmp.Equal(shownInDevelopment(t, s, c.to), c.last)
			})
		})
	}
}
