package auth_test

import (
	"testing"
	"time"

	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/auth/token"
	"luxbff/internal/testutil/accounttest"
)

func TestPrune(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	_, err := k.Accounts.AddnoxSignUps.Begin(t.Context(), account.BeginSignUpParams{Email: "begun@lux.example", Password: password})
	accounttest.OK(t, err)
	old := k.SignUp(t, email, phone)
	count := func() [4]int {
		read, ctx := k.Store.Read(), t.Context()
		return [4]int{
			read.VerificationCode.Query().CountX(ctx), read.Session.Query().CountX(ctx),
			read.Identity.Query().CountX(ctx), read.User.Query().CountX(ctx),
		}
	}
	accounttest.OK(t, k.Auth.Prune(t.Context()))
	if got := count(); got != [4]int{1, 1, 3, 1} {
		t.Errorf("too early: %v", got)
	}
	k.Clock.Add(14*24*time.Hour + token.Skew + time.Millisecond)
	fresh, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	accounttest.OK(t, err)
	k.SMSCode(t, phone)
	accounttest.OK(t, k.Auth.Prune(t.Context()))
	if got := count(); got != [4]int{1, 1, 3, 1} {
		t.Errorf("after two weeks: %v", got)
	}
	k.Viewer(t, fresh.Tokens)
	_, err = k.Auth.Sessions.Refresh(t.Context(), old.Tokens.RefreshToken)
	accounttest.WantKind(t, err, apperr.TokenIsExpired)
	k.Clock.Add(90 * 24 * time.Hour)
	accounttest.OK(t, k.Auth.Prune(t.Context()))
	if got := count(); got != [4]int{0, 0, 2, 1} {
		t.Errorf("after three months: %v", got)
	}
}

func TestStartAndClose(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	k.Auth.Close()
	k.Auth.Start(t.Context())
	k.Auth.Close()
}
