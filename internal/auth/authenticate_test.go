package auth_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"luxbff/ent/migrate"
	"luxbff/ent/user"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/auth/token"
	"luxbff/internal/store"
	"luxbff/internal/testutil/accounttest"
	"luxbff/internal/testutil/domaintest"
)

func TestAuthenticateRefuses(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	tokens := k.SignUp(t, email, phone).Tokens
	nobody, err := k.Keys.Sign(token.Claims{
		Use: token.Access, RootUserID: 999, SessionID: 1, ExpiresAt: k.Clock.Now().Add(time.Minute),
	})
	accounttest.OK(t, err)
	outdated, err := k.Keys.Sign(token.Claims{Use: token.Long, RootUserID: tokens.RootUserID, CredentialVersion: 9})
	accounttest.OK(t, err)
	for text, kind := range map[string]apperr.Kind{
		"":                  apperr.Unauthenticated,
		"your_token_here":   apperr.Unauthenticated,
		tokens.RefreshToken: apperr.Unauthenticated,
		nobody:              apperr.UserIsNone,
		outdated:            apperr.Unauthenticated,
	} {
		_, err := k.Auth.Sessions.Authenticate(t.Context(), text)
		accounttest.WantKind(t, err, kind)
	}
	k.Clock.Add(15*time.Minute + token.Skew)
	_, err = k.Auth.Sessions.Authenticate(t.Context(), tokens.AccessToken)
	accounttest.WantKind(t, err, apperr.TokenIsExpired)
}

// TestAuthenticateReadsEveryColumn holds that the statement written by hand
// reads what ent reads, also of a column that the schema gets one day.
func TestAuthenticateReadsEveryColumn(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	tokens := k.SignUp(t, email, phone).Tokens
	domaintest.FillColumns(t, k.Store, migrate.UsersTable, tokens.RootUserID, user.FieldDeletedAt)
	want, got := k.User(t, tokens.RootUserID), k.Viewer(t, tokens).User
	// A deleted account has no viewer, so other tests see that deleted_at is read.
	want.DeletedAt, got.DeletedAt = &want.CreatedAt, &want.CreatedAt
	domaintest.WantEveryColumn(t, want, got,
		"PasswordHash", "PreviousVerifiedEmail", "PushToken", "WrongPasswords", "BlockedUntil", "EventSeq", "EventFloor")
}

// TestFindEndedFindsWhatAuthenticateRefuses ends sessions and long-lived tokens in
// each way there is; what stays open must not be found.
func TestFindEndedFindsWhatAuthenticateRefuses(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	parent := k.Parent(t)
	second, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	accounttest.OK(t, err)
	phoneLost := k.Viewer(t, second.Tokens)
	local := k.Viewer(t, k.RegisterLocal(t, "abcd1234").Tokens)
	facebookUser := k.John(t)
	stays := k.Viewer(t, k.RegisterLocal(t, "efgh5678").Tokens)
	opened := []auth.SessionKey{
		auth.SessionKeyOf(parent), auth.SessionKeyOf(phoneLost), auth.SessionKeyOf(local),
		auth.SessionKeyOf(facebookUser), auth.SessionKeyOf(stays), auth.SessionKeyOf(stays),
	}
	mustEnd := func(what string, gone ...auth.SessionKey) {
		t.Helper()
		ctx, counter := store.CountStatements(t.Context())
		got, err := k.Auth.Sessions.FindEnded(ctx, opened)
		accounttest.OK(t, err)
		if diff := cmp.Diff(gone, got, cmpopts.EquateEmpty()); diff != "" || counter.N() != 1 {
			t.Errorf("%s, in %d statements: %s", what, counter.N(), diff)
		}
	}
	mustEnd("nothing ended")
	accounttest.OK(t, k.Auth.Sessions.SignOut(t.Context(), phoneLost))
	mustEnd("signed out", opened[1])
	_, err = k.Accounts.Credentials.ChangePassword(t.Context(), local, account.ChangePasswordParams{
		OldPassword: localPassword, NewPassword: "other1234", Style: auth.LongLivedToken,
	})
	accounttest.OK(t, err)
	mustEnd("password changed", opened[1], opened[2])
	accounttest.OK(t, k.Accounts.Delete(t.Context(), facebookUser, account.DeleteAccountParams{}))
	accounttest.OK(t, k.Accounts.Delete(t.Context(), parent, account.DeleteAccountParams{NeedsSignInType: true}))
	mustEnd("accounts deleted", opened[:4]...)
	none, err := k.Auth.Sessions.FindEnded(t.Context(), nil)
	if err != nil || len(none) != 0 {
		t.Errorf("of nothing ended %v, %v", none, err)
	}
}

// BenchmarkAuthenticate is what every request with a token waits for: the claims
// of the token come from a cache, so it is the read of the account.
func BenchmarkAuthenticate(b *testing.B) {
	k := accounttest.New(b)
	tokens := k.SignUp(b, email, phone).Tokens
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Auth.Sessions.Authenticate(b.Context(), tokens.AccessToken); err != nil {
			b.Fatal(err)
		}
	}
}
