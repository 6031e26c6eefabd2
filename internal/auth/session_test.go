package auth_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/accounttest"
)

func TestRefreshTokens(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	first := k.SignUp(t, email, phone).Tokens
	refresh := func(text string) (auth.Tokens, error) {
		return k.Auth.Sessions.Refresh(t.Context(), text)
	}
	second, err := refresh(first.RefreshToken)
	accounttest.OK(t, err)
	k.Viewer(t, first)
	session := k.Viewer(t, second).SessionID

	_, err = refresh(second.AccessToken)
	accounttest.WantKind(t, err, apperr.Unauthenticated)
	_, err = refresh("your_token_here")
	accounttest.WantKind(t, err, apperr.Unauthenticated)

	_, err = refresh(first.RefreshToken) // used before
	accounttest.WantKind(t, err, apperr.RefreshTokenNotValid)
	if diff := cmp.Diff([]accounttest.Ended{{RootUserID: first.RootUserID, SessionIDs: []int{session}}}, k.TakeEnded()); diff != "" {
		t.Errorf("ended sessions (-want +got):\n%s", diff)
	}
	_, err = k.Auth.Sessions.Authenticate(t.Context(), second.AccessToken)
	accounttest.WantKind(t, err, apperr.Unauthenticated)
	_, err = refresh(second.RefreshToken)
	accounttest.WantKind(t, err, apperr.RefreshTokenNotValid)

	fresh, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	accounttest.OK(t, err)
	k.Clock.Add(14*24*time.Hour - time.Second)
	fresh.Tokens, err = refresh(fresh.Tokens.RefreshToken)
	accounttest.OK(t, err)
	k.Clock.Add(14 * 24 * time.Hour)
	_, err = refresh(fresh.Tokens.RefreshToken)
	accounttest.WantKind(t, err, apperr.TokenIsExpired)
}

func TestSignOutTakesEffectAtOnce(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	stays := k.SignUp(t, email, phone).Tokens
	goes, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	accounttest.OK(t, err)
	v := k.Viewer(t, goes.Tokens)
	accounttest.OK(t, k.Auth.Sessions.SignOut(t.Context(), v))
	accounttest.OK(t, k.Auth.Sessions.SignOut(t.Context(), v))
	_, err = k.Auth.Sessions.Authenticate(t.Context(), goes.Tokens.AccessToken)
	accounttest.WantKind(t, err, apperr.Unauthenticated)
	_, err = k.Auth.Sessions.Refresh(t.Context(), goes.Tokens.RefreshToken)
	accounttest.WantKind(t, err, apperr.RefreshTokenNotValid)
	k.Viewer(t, stays)
	if diff := cmp.Diff([]accounttest.Ended{{RootUserID: v.RootUserID(), SessionIDs: []int{v.SessionID}}}, k.TakeEnded()); diff != "" {
		t.Errorf("ended sessions (-want +got):\n%s", diff)
	}
}

func TestStartSession(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	id := k.SignUp(t, email, phone).User.ID
	tokens, err := k.Auth.Sessions.Start(t.Context(), id, time.Hour)
	accounttest.OK(t, err)
	k.Clock.Add(59 * time.Minute)
	k.Viewer(t, tokens)
	_, err = k.Auth.Sessions.Start(t.Context(), 999, 0)
	accounttest.WantKind(t, err, apperr.UserIsNone)
}

func TestRaceToRefresh(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	tokens := k.SignUp(t, email, phone).Tokens
	errs := testutil.Concurrently(16, func(int) error {
		_, err := k.Auth.Sessions.Refresh(t.Context(), tokens.RefreshToken)
		return err
	})
	if diff := cmp.Diff(map[string]int{"": 1, "Refresh token is not valid": 15}, accounttest.CountByDetail(errs)); diff != "" {
		t.Error(diff)
	}
	_, err := k.Auth.Sessions.Authenticate(t.Context(), tokens.AccessToken)
	accounttest.WantKind(t, err, apperr.Unauthenticated)
}
