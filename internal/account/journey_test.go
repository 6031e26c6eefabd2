package account_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"luxbff/ent/vocab"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/auth/token"
	"luxbff/internal/store"
)

func TestSignUpOpensAnAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.signUp(t, email, phone)
	if got.Tokens.ExpiresIn != 900 || got.Tokens.RefreshExpiresIn != 1209600 || got.Tokens.TokenType != "bearer" ||
		got.Tokens.RootUserID != got.User.ID {
		t.Errorf("tokens %+v", got.Tokens)
	}
	ctx, counter := store.CountStatements(t.Context())
	v, err := w.auth.Sessions.Authenticate(ctx, got.Tokens.AccessToken)
	ok(t, err)
	if counter.N() != 1 {
		t.Errorf("authentication took %d statements", counter.N())
	}
	stored := w.user(t, got.User.ID)
	stored.PasswordHash = nil
	if diff := cmp.Diff(stored.String(), v.User.String()); diff != "" {
		t.Errorf("the viewer is not the row: %s", diff)
	}
	if v.User.RegisterType != vocab.RegisteredByEmail || *v.User.Email != email || v.User.IsEmailVerified {
		t.Errorf("%+v", v.User)
	}
	if !v.ExpiresAt.Equal(w.clock.now().Add(15*time.Minute)) || v.SessionID == 0 {
		t.Errorf("session %d until %v", v.SessionID, v.ExpiresAt)
	}
	policy, err := w.Consents.Get(t.Context(), v.User)
	ok(t, err)
	if policy.IsPushAgree || policy.PushAgreeDate != nil || !policy.IsMarketingAgree || policy.MarketingAgreeDate == nil {
		t.Errorf("policy %+v", policy)
	}
}

func TestSignUpRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signUp(t, "taken@lux.example", "+821099999999")
	valid := w.validToken(t, phone)
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
		"born tomorrow":      {func(p *account.SignUpParams) { p.Birthdate = "2026-03-05" }, apperr.BadRequest},
		"no birthdate":       {func(p *account.SignUpParams) { p.Birthdate = "" }, apperr.BadRequest},
		"unknown gender":     {func(p *account.SignUpParams) { p.Gender = "X" }, apperr.BadRequest},
		"phone without plus": {func(p *account.SignUpParams) { p.Phone = "01012345678" }, apperr.PhoneInvalid},
		"no country":         {func(p *account.SignUpParams) { p.NationalCode = "kr" }, apperr.BadRequest},
	} {
		p := signUpParams(valid, email, phone)
		tc.spoil(&p)
		_, err := w.SignUps.ByEmail(t.Context(), p)
		if !apperr.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want.New())
		}
	}
	if _, err := w.SignUps.ByEmail(t.Context(), signUpParams(valid, email, phone)); err != nil {
		t.Errorf("the valid_token did not outlive the refusals: %v", err)
	}
	_, err := w.SignUps.ByEmail(t.Context(), signUpParams(valid, "second@lux.example", phone))
	want(t, err, apperr.SignUpTokenInvalid)
}

func TestValidTokenLastsTenMinutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	valid := w.validToken(t, phone)
	w.clock.advance(10 * time.Minute)
	_, err := w.SignUps.ByEmail(t.Context(), signUpParams(valid, email, phone))
	want(t, err, apperr.SignUpTokenInvalid)
}

func TestSmsCodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	verify := func(code string) error {
		_, err := w.auth.Codes.VerifySMS(t.Context(), auth.VerifySMSParams{Phone: phone, Code: code})
		return err
	}
	want(t, verify("123456"), apperr.CodeInvalid)
	replaced := w.smsCode(t, phone)
	expired := w.smsCode(t, phone)
	for replaced == expired {
		expired = w.smsCode(t, phone)
	}
	want(t, verify(replaced), apperr.CodeInvalid)
	want(t, verify(""), apperr.CodeInvalid)
	w.clock.advance(3 * time.Minute)
	want(t, verify(expired), apperr.CodeExpired)
	good := w.smsCode(t, phone)
	w.clock.advance(3*time.Minute - time.Millisecond)
	ok(t, verify(good))
	want(t, verify(good), apperr.CodeInvalid)

	guessed := w.smsCode(t, phone)
	for range 5 {
		want(t, verify(other(guessed)), apperr.CodeInvalid)
	}
	want(t, verify(guessed), apperr.CodeInvalid)
}

// other is a code that is not the given one.
func other(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

func TestSendSmsCodeRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, number := range []string{"", "01012345678", "+82 10 1234 5678", "+821", "+999123456789", "+8210123", "+82101234567890", "＋821012345678"} {
		want(t, w.auth.Codes.SendSMS(t.Context(), number), apperr.PhoneInvalid)
	}
	mute := newWorld(t, withoutSenders)
	want(t, mute.auth.Codes.SendSMS(t.Context(), phone), apperr.SendSmsFailed)
	if n := mute.store.Read().VerificationCode.Query().CountX(t.Context()); n != 0 {
		t.Errorf("%d codes stored though none went out", n)
	}
}

func TestNobodyIsToldWhichPhonesAreRegistered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signUp(t, email, phone)
	code := w.smsCode(t, phone)
	verify := auth.VerifySMSParams{Phone: phone, Code: other(code)}
	_, err := w.auth.Codes.VerifySMS(t.Context(), verify)
	want(t, err, apperr.CodeInvalid)
	verify.Code = code
	_, err = w.auth.Codes.VerifySMS(t.Context(), verify)
	want(t, err, apperr.PhoneTaken)
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.signUp(t, email, phone).User.ID
	got, err := w.auth.SignIn(t.Context(), auth.SignInParams{Email: "PARENT@lux.EXAMPLE", Password: password})
	ok(t, err)
	if v := w.viewer(t, got.Tokens); v.RootUserID() != id {
		t.Errorf("signed in as %d, want %d", v.RootUserID(), id)
	}
	_, err = w.auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: "correct horse 2"})
	want(t, err, apperr.PasswordInvalid)
	_, err = w.auth.SignIn(t.Context(), auth.SignInParams{Email: "nobody@lux.example", Password: password})
	want(t, err, apperr.UserNotFound)
}

func TestTenWrongPasswordsBlock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signUp(t, email, phone)
	try := func(password string) error {
		_, err := w.auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
		return err
	}
	for range 9 {
		want(t, try("wrong 1"), apperr.PasswordInvalid)
	}
	ok(t, try(password)) // the count begins anew
	for range 10 {
		want(t, try("wrong 1"), apperr.PasswordInvalid)
	}
	want(t, try(password), apperr.AccountBlocked)
	w.clock.advance(15*time.Minute - time.Millisecond)
	want(t, try(password), apperr.AccountBlocked)
	w.clock.advance(time.Millisecond)
	want(t, try("wrong 1"), apperr.PasswordInvalid)
	ok(t, try(password))
}

func TestRefreshTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.signUp(t, email, phone).Tokens
	refresh := func(text string) (auth.Tokens, error) {
		return w.auth.Sessions.Refresh(t.Context(), text)
	}
	second, err := refresh(first.RefreshToken)
	ok(t, err)
	w.viewer(t, first)
	session := w.viewer(t, second).SessionID

	_, err = refresh(second.AccessToken)
	want(t, err, apperr.Unauthenticated)
	_, err = refresh("your_token_here")
	want(t, err, apperr.Unauthenticated)

	_, err = refresh(first.RefreshToken) // used before
	want(t, err, apperr.RefreshTokenNotValid)
	if diff := cmp.Diff([]ended{{first.RootUserID, []int{session}}}, w.endings(), cmp.AllowUnexported(ended{})); diff != "" {
		t.Errorf("endings: %s", diff)
	}
	_, err = w.auth.Sessions.Authenticate(t.Context(), second.AccessToken)
	want(t, err, apperr.Unauthenticated)
	_, err = refresh(second.RefreshToken)
	want(t, err, apperr.RefreshTokenNotValid)

	fresh, err := w.auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	ok(t, err)
	w.clock.advance(14*24*time.Hour - time.Second)
	fresh.Tokens, err = refresh(fresh.Tokens.RefreshToken)
	ok(t, err)
	w.clock.advance(14 * 24 * time.Hour)
	_, err = refresh(fresh.Tokens.RefreshToken)
	want(t, err, apperr.TokenIsExpired)
}

func TestSignOutActsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stays := w.signUp(t, email, phone).Tokens
	goes, err := w.auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	ok(t, err)
	v := w.viewer(t, goes.Tokens)
	ok(t, w.auth.Sessions.SignOut(t.Context(), v))
	ok(t, w.auth.Sessions.SignOut(t.Context(), v))
	_, err = w.auth.Sessions.Authenticate(t.Context(), goes.Tokens.AccessToken)
	want(t, err, apperr.Unauthenticated)
	_, err = w.auth.Sessions.Refresh(t.Context(), goes.Tokens.RefreshToken)
	want(t, err, apperr.RefreshTokenNotValid)
	w.viewer(t, stays)
	if diff := cmp.Diff([]ended{{v.RootUserID(), []int{v.SessionID}}}, w.endings(), cmp.AllowUnexported(ended{})); diff != "" {
		t.Errorf("endings: %s", diff)
	}
}

func TestAuthenticateRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := w.signUp(t, email, phone).Tokens
	nobody, err := w.keys.Sign(token.Claims{
		Use: token.Access, RootUserID: 999, SessionID: 1, ExpiresAt: w.clock.now().Add(time.Minute),
	})
	ok(t, err)
	outdated, err := w.keys.Sign(token.Claims{Use: token.Long, RootUserID: tokens.RootUserID, CredentialVersion: 9})
	ok(t, err)
	for text, kind := range map[string]apperr.Kind{
		"":                  apperr.Unauthenticated,
		"your_token_here":   apperr.Unauthenticated,
		tokens.RefreshToken: apperr.Unauthenticated,
		nobody:              apperr.UserIsNone,
		outdated:            apperr.Unauthenticated,
	} {
		_, err := w.auth.Sessions.Authenticate(t.Context(), text)
		want(t, err, kind)
	}
	w.clock.advance(15 * time.Minute)
	_, err = w.auth.Sessions.Authenticate(t.Context(), tokens.AccessToken)
	want(t, err, apperr.TokenIsExpired)
}

func TestStartSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.signUp(t, email, phone).User.ID
	tokens, err := w.auth.Sessions.Start(t.Context(), id, time.Hour)
	ok(t, err)
	w.clock.advance(59 * time.Minute)
	w.viewer(t, tokens)
	_, err = w.auth.Sessions.Start(t.Context(), 999, 0)
	want(t, err, apperr.UserIsNone)
}

// TestEndedFindsWhatAuthenticateRefuses ends sessions and long-lived tokens in
// each way there is; what stays open must not be found.
func TestEndedFindsWhatAuthenticateRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	parent := w.parent(t)
	second, err := w.auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	ok(t, err)
	phoneLost := w.viewer(t, second.Tokens)
	local := w.viewer(t, w.registerLocal(t, "abcd1234").Tokens)
	facebookUser := w.john(t)
	stays := w.viewer(t, w.registerLocal(t, "efgh5678").Tokens)
	opened := []auth.SessionKey{
		auth.SessionKeyOf(parent), auth.SessionKeyOf(phoneLost), auth.SessionKeyOf(local),
		auth.SessionKeyOf(facebookUser), auth.SessionKeyOf(stays), auth.SessionKeyOf(stays),
	}
	mustEnd := func(what string, gone ...auth.SessionKey) {
		t.Helper()
		ctx, counter := store.CountStatements(t.Context())
		got, err := w.auth.Sessions.FindEnded(ctx, opened)
		ok(t, err)
		if diff := cmp.Diff(gone, got, cmpopts.EquateEmpty()); diff != "" || counter.N() != 1 {
			t.Errorf("%s, in %d statements: %s", what, counter.N(), diff)
		}
	}
	mustEnd("nothing ended")
	ok(t, w.auth.Sessions.SignOut(t.Context(), phoneLost))
	mustEnd("signed out", opened[1])
	_, err = w.Credentials.ChangePassword(t.Context(), local, account.ChangePasswordParams{
		OldPassword: localPassword, NewPassword: "other1234", Style: auth.LongLivedToken,
	})
	ok(t, err)
	mustEnd("password changed", opened[1], opened[2])
	ok(t, w.Delete(t.Context(), facebookUser, account.DeleteAccountParams{}))
	ok(t, w.Delete(t.Context(), parent, account.DeleteAccountParams{NeedsSignInType: true}))
	mustEnd("accounts deleted", opened[:4]...)
	none, err := w.auth.Sessions.FindEnded(t.Context(), nil)
	if err != nil || len(none) != 0 {
		t.Errorf("of nothing ended %v, %v", none, err)
	}
}
