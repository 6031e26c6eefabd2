package account_test

import (
	"context"
	"testing"
	"time"

	"luxbff/ent/message"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	outbox "luxbff/internal/message"
	"luxbff/internal/ratelimit"
	"luxbff/internal/store"
	"luxbff/internal/testutil/accounttest"
)

// TestAlertsAndTheLimits: calls while an alert stands use no message of the account up, and
// one that makes an alert is counted as any other message.
func TestAlertsAndTheLimits(t *testing.T) {
	t.Parallel()
	var limits *ratelimit.Limiter
	k := accounttest.New(t, func(a *auth.Config, _ *outbox.Config) {
		limits = ratelimit.New(a.Clock)
		a.Limits = limits
	})
	v := k.Parent(t)
	k.Clock.Add(time.Hour)
	for range 100 {
		accounttest.OK(t, k.Accounts.SendImpedanceAlert(t.Context(), v))
	}
	k.Clock.Add(time.Minute)
	left := 0
	for limits.Message(t.Context(), phone, "") == nil {
		left++
	}
	if left == 0 {
		t.Error("calls while an alert stands have used the messages up")
	}
	accounttest.WantKind(t, k.Accounts.SendImpedanceAlert(t.Context(), v), apperr.TooManyRequests)
	if got := alerts(t, k); len(got) != 1 {
		t.Errorf("alerts: %q", got)
	}
}

// TestAnAlertAfterAnotherMessage: only an alert stands in the way of an alert.
func TestAnAlertAfterAnotherMessage(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	root := v.RootUserID()
	k.Write(t, func(ctx context.Context, tx *store.Tx) error {
		return k.Outbox.Enqueue(ctx, tx, outbox.Message{Channel: message.ChannelSms, Purpose: message.PurposeTest, To: phone, Text: "x", RootUserID: &root})
	})
	accounttest.OK(t, k.Accounts.SendImpedanceAlert(t.Context(), v))
	if got := alerts(t, k); len(got) != 1 {
		t.Errorf("alerts: %q", got)
	}
}

// TestAnAlertOfAPhoneThatIsGone since the viewer was read.
func TestAnAlertOfAPhoneThatIsGone(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	k.Write(t, func(ctx context.Context, tx *store.Tx) error {
		return tx.User.UpdateOneID(v.RootUserID()).ClearPhone().Exec(ctx)
	})
	accounttest.WantKind(t, k.Accounts.SendImpedanceAlert(t.Context(), v), apperr.PhoneNotFound)
}
