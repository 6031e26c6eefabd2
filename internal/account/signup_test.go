package account_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent/vocab"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/accounttest"
)

func TestSignUpOpensAnAccount(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	got := k.SignUp(t, email, phone)
	if got.Tokens.ExpiresIn != 900 || got.Tokens.RefreshExpiresIn != 1209600 || got.Tokens.TokenType != "bearer" ||
		got.Tokens.RootUserID != got.User.ID {
		t.Errorf("tokens %+v", got.Tokens)
	}
	ctx, counter := store.CountStatements(t.Context())
	v, err := k.Auth.Sessions.Authenticate(ctx, got.Tokens.AccessToken)
	accounttest.OK(t, err)
	if counter.N() != 1 {
		t.Errorf("authentication took %d statements", counter.N())
	}
	stored := k.User(t, got.User.ID)
	stored.PasswordHash = nil
	if diff := cmp.Diff(stored.String(), v.User.String()); diff != "" {
		t.Errorf("the viewer is not the row: %s", diff)
	}
	if v.User.RegisterType != vocab.RegisteredByEmail || *v.User.Email != email || v.User.IsEmailVerified {
		t.Errorf("%+v", v.User)
	}
	if !v.ExpiresAt.Equal(k.Clock.Now().Add(15*time.Minute)) || v.SessionID == 0 {
		t.Errorf("session %d until %v", v.SessionID, v.ExpiresAt)
	}
	policy, err := k.Accounts.Consents.Get(t.Context(), v.User)
	accounttest.OK(t, err)
	if policy.IsPushAgree || policy.PushAgreeDate != nil || !policy.IsMarketingAgree || policy.MarketingAgreeDate == nil {
		t.Errorf("policy %+v", policy)
	}
}

func TestSignUpRefuses(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	k.SignUp(t, "taken@lux.example", "+821099999999")
	valid := k.ValidToken(t, phone)
	for name, tc := range map[string]struct {
		spoil func(*account.SignUpParams)
		want  apperr.Kind
	}{
		"no token":           {func(p *account.SignUpParams) { p.ValidToken = "" }, apperr.SignUpTokenInvalid},
		"forged token":       {func(p *account.SignUpParams) { p.ValidToken = "forged" }, apperr.SignUpTokenInvalid},
		"another phone":      {func(p *account.SignUpParams) { p.Phone = "+821011112222" }, apperr.SignUpTokenInvalid},
		"no e-mail":          {func(p *account.SignUpParams) { p.Email = "" }, apperr.EmailNotValid},
		"half an e-mail":     {func(p *account.SignUpParams) { p.Email = "parent@" }, apperr.EmailNotValid},
		"e-mail taken":       {func(p *account.SignUpParams) { p.Email = "TAKEN@lux.example" }, apperr.SameEmailIsRegistered},
		"weak password":      {func(p *account.SignUpParams) { p.Password = "password" }, apperr.BadRequest},
		"no first name":      {func(p *account.SignUpParams) { p.FirstName = "" }, apperr.BadRequest},
		"NUL in a name":      {func(p *account.SignUpParams) { p.LastName = "a\x00" }, apperr.BadRequest},
		"born in two days":   {func(p *account.SignUpParams) { p.Birthdate = "2026-03-06" }, apperr.BadRequest},
		"no birthdate":       {func(p *account.SignUpParams) { p.Birthdate = "" }, apperr.BadRequest},
		"unknown gender":     {func(p *account.SignUpParams) { p.Gender = "X" }, apperr.BadRequest},
		"phone without plus": {func(p *account.SignUpParams) { p.Phone = "01012345678" }, apperr.PhoneInvalid},
		"no country":         {func(p *account.SignUpParams) { p.NationalCode = "kr" }, apperr.BadRequest},
	} {
		p := accounttest.SignUpParams(valid, email, phone)
		tc.spoil(&p)
		_, err := k.Accounts.SignUps.ByEmail(t.Context(), p)
		if !apperr.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want.New())
		}
	}
	if _, err := k.Accounts.SignUps.ByEmail(t.Context(), accounttest.SignUpParams(valid, email, phone)); err != nil {
		t.Errorf("the valid_token did not outlive the refusals: %v", err)
	}
	_, err := k.Accounts.SignUps.ByEmail(t.Context(), accounttest.SignUpParams(valid, "second@lux.example", phone))
	accounttest.WantKind(t, err, apperr.SignUpTokenInvalid)
}

func TestRaceForAnEmail(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	valid := make([]string, 16)
	number := func(i int) string { return fmt.Sprintf("+8210123400%02d", i) }
	for i := range valid {
		valid[i] = k.ValidToken(t, number(i))
	}
	errs := testutil.Concurrently(16, func(i int) error {
		_, err := k.Accounts.SignUps.ByEmail(t.Context(), accounttest.SignUpParams(valid[i], email, number(i)))
		return err
	})
	if diff := cmp.Diff(map[string]int{"": 1, "Same email is already registered": 15}, accounttest.CountByDetail(errs)); diff != "" {
		t.Error(diff)
	}
	ctx := t.Context()
	if users, phones := k.Store.Read().User.Query().CountX(ctx), k.Store.Read().Identity.Query().CountX(ctx); users != 1 || phones != 2 {
		t.Errorf("%d accounts and %d identities are left", users, phones)
	}
	// The losers' valid_tokens are still good.
	for i, err := range errs {
		if err != nil {
			_, err = k.Accounts.SignUps.ByEmail(ctx, accounttest.SignUpParams(valid[i], "late@lux.example", number(i)))
			accounttest.OK(t, err)
			break
		}
	}
}

func TestRaceForAValidToken(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	valid := k.ValidToken(t, phone)
	errs := testutil.Concurrently(16, func(i int) error {
		_, err := k.Accounts.SignUps.ByEmail(t.Context(), accounttest.SignUpParams(valid, fmt.Sprintf("p%d@lux.example", i), phone))
		return err
	})
	if got := accounttest.CountByDetail(errs); got[""] != 1 || got["Token is invalid"]+got["Phone number is already registered"] != 15 {
		t.Errorf("%v", got)
	}
}

func TestRegisterLocalRefuses(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	k.RegisterLocal(t, "Taken1")
	for name, tc := range map[string]struct {
		p    account.RegisterLocalParams
		want apperr.Kind
	}{
		"taken":          {account.RegisterLocalParams{LocalID: "tAKEN1", Password: localPassword}, apperr.LocalIDTaken},
		"short id":       {account.RegisterLocalParams{LocalID: "abc", Password: localPassword}, apperr.LocalIDMalformed},
		"long id":        {account.RegisterLocalParams{LocalID: "abcdefghijklmnopqrstuvwxyz1234567", Password: localPassword}, apperr.LocalIDMalformed},
		"id with a dot":  {account.RegisterLocalParams{LocalID: "ab.cd", Password: localPassword}, apperr.LocalIDMalformed},
		"short password": {account.RegisterLocalParams{LocalID: "abcd", Password: "abc12"}, apperr.PasswordMalformed},
		"long password":  {account.RegisterLocalParams{LocalID: "abcd", Password: "abcdefghijklmnopqrst1"}, apperr.PasswordMalformed},
		"no digit":       {account.RegisterLocalParams{LocalID: "abcd", Password: "abcdefg"}, apperr.PasswordMalformed},
		"no letter":      {account.RegisterLocalParams{LocalID: "abcd", Password: "1234567"}, apperr.PasswordMalformed},
		"a blank":        {account.RegisterLocalParams{LocalID: "abcd", Password: "abcd 1234"}, apperr.PasswordMalformed},
		"e-mail":         {account.RegisterLocalParams{LocalID: "abcd", Password: localPassword, Email: ptr("a@b")}, apperr.EmailMalformed},
	} {
		if _, err := k.Accounts.SignUps.ByLocalID(t.Context(), tc.p); !apperr.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want.New())
		}
	}
	if n := k.Store.Read().User.Query().CountX(t.Context()); n != 1 {
		t.Errorf("%d accounts, want 1", n)
	}
}

func TestLocalAccounts(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	registered := k.RegisterLocal(t, "Abcd1234")
	if registered.User.RegisterType != vocab.RegisteredLocally || registered.Tokens.RefreshToken != "" {
		t.Errorf("%v %+v", registered.User, registered.Tokens)
	}
	v := k.Viewer(t, registered.Tokens)
	if v.SessionID != 0 || !v.ExpiresAt.IsZero() {
		t.Errorf("a long-lived token has the session %d until %v", v.SessionID, v.ExpiresAt)
	}
	again, err := k.Auth.SignInLocal(t.Context(), auth.SignInLocalParams{
		LocalID: "aBCD1234", Password: localPassword, Style: auth.LongLivedToken,
	})
	accounttest.OK(t, err)
	if diff := cmp.Diff(registered.Tokens, again.Tokens); diff != "" {
		t.Errorf("signing in again gave another token: %s", diff)
	}
	names, err := k.Accounts.Credentials.SignInNames(t.Context(), v.User)
	accounttest.OK(t, err)
	if diff := cmp.Diff(account.SignInNames{LocalID: ptr("Abcd1234")}, names); diff != "" {
		t.Error(diff)
	}
	session, err := k.Auth.SignInLocal(t.Context(), auth.SignInLocalParams{LocalID: "abcd1234", Password: localPassword})
	accounttest.OK(t, err)
	if k.Viewer(t, session.Tokens).SessionID == 0 {
		t.Error("GraphQL's sign-in opened no session")
	}
	_, err = k.Auth.SignInLocal(t.Context(), auth.SignInLocalParams{LocalID: "nobody", Password: localPassword})
	accounttest.WantKind(t, err, apperr.NoSuchLocalID)
	for range 10 {
		_, err = k.Auth.SignInLocal(t.Context(), auth.SignInLocalParams{LocalID: "abcd1234", Password: "wrong123"})
		accounttest.WantKind(t, err, apperr.WrongPassword)
	}
	_, err = k.Auth.SignInLocal(t.Context(), auth.SignInLocalParams{LocalID: "abcd1234", Password: localPassword})
	accounttest.WantKind(t, err, apperr.AccountBlocked)
}

func TestRaceForALocalID(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	errs := testutil.Concurrently(16, func(int) error {
		_, err := k.Accounts.SignUps.ByLocalID(t.Context(), account.RegisterLocalParams{LocalID: "abcd1234", Password: localPassword})
		return err
	})
	if diff := cmp.Diff(map[string]int{"": 1, "Id is already taken": 15}, accounttest.CountByDetail(errs)); diff != "" {
		t.Error(diff)
	}
}
