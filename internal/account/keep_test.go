package account_test

import (
	"testing"
	"time"

	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
)

func TestPrune(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.AddnoxSignUps.Begin(t.Context(), account.BeginSignUpParams{Email: "begun@lux.example", Password: password})
	ok(t, err)
	old := w.signUp(t, email, phone)
	count := func() [4]int {
		read, ctx := w.store.Read(), t.Context()
		return [4]int{
			read.VerificationCode.Query().CountX(ctx), read.Session.Query().CountX(ctx),
			read.Identity.Query().CountX(ctx), read.User.Query().CountX(ctx),
		}
	}
	ok(t, w.auth.Prune(t.Context()))
	if got := count(); got != [4]int{1, 1, 3, 1} {
		t.Errorf("too early: %v", got)
	}
	w.clock.advance(14*24*time.Hour + time.Millisecond)
	fresh, err := w.auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	ok(t, err)
	w.smsCode(t, phone)
	ok(t, w.auth.Prune(t.Context()))
	if got := count(); got != [4]int{1, 1, 3, 1} {
		t.Errorf("after two weeks: %v", got)
	}
	w.viewer(t, fresh.Tokens)
	_, err = w.auth.Sessions.Refresh(t.Context(), old.Tokens.RefreshToken)
	want(t, err, apperr.TokenIsExpired)
	w.clock.advance(90 * 24 * time.Hour)
	ok(t, w.auth.Prune(t.Context()))
	if got := count(); got != [4]int{0, 0, 2, 1} {
		t.Errorf("after three months: %v", got)
	}
}

func TestStartAndClose(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.auth.Close()
	w.auth.Start(t.Context())
	w.auth.Close()
}
