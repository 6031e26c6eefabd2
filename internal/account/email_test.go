package account_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/viewer"
)

// sendEmail asks for a code; to nil is the account's own address.
func (w *world) sendEmail(t *testing.T, v viewer.Viewer, to *string) error {
	t.Helper()
	return w.Emails.SendVerification(t.Context(), v, account.SendEmailVerificationParams{Email: to})
}

func (w *world) verifyEmail(t *testing.T, v viewer.Viewer, address string) error {
	t.Helper()
	ok(t, w.sendEmail(t, v, &address))
	_, err := w.Emails.Verify(t.Context(), v, account.VerifyEmailParams{Code: w.lastCode(t, address)})
	return err
}

func TestVerifyEmail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.viewer(t, w.registerLocal(t, "abcd1234").Tokens)
	verify := func(code string) error {
		_, err := w.Emails.Verify(t.Context(), v, account.VerifyEmailParams{Code: code})
		return err
	}
	want(t, verify("123456"), apperr.EmailCodeWrong)
	want(t, w.sendEmail(t, v, nil), apperr.EmailMalformed)
	want(t, w.sendEmail(t, v, ptr("a@b")), apperr.EmailMalformed)
	ok(t, w.sendEmail(t, v, ptr("John@snu.example")))
	if u := w.user(t, v.RootUserID()); *u.Email != "John@snu.example" || u.IsEmailVerified {
		t.Errorf("%v", u)
	}
	late := w.lastCode(t, "John@snu.example")
	want(t, verify(other(late)), apperr.EmailCodeWrong)
	w.clock.advance(3 * time.Minute)
	want(t, verify(late), apperr.EmailCodeWrong)

	ok(t, w.sendEmail(t, v, nil))
	_, err := w.Profiles.Update(t.Context(), v, account.UpdateUserParams{Email: ptr("later@snu.example")})
	ok(t, err)
	ok(t, verify(w.lastCode(t, "John@snu.example")))
	u := w.user(t, v.RootUserID())
	if *u.Email != "John@snu.example" || !u.IsEmailVerified {
		t.Errorf("a code verifies the address it was sent to: %v", u)
	}
	want(t, w.sendEmail(t, v, ptr("third@snu.example")), apperr.EmailVerifiedAlready)

	// The verified address signs in: but LUX asks for a phone first.
	_, err = w.auth.SignIn(t.Context(), auth.SignInParams{Email: "john@SNU.example", Password: localPassword})
	want(t, err, apperr.SmsVerificationRequired)
	_, err = w.Profiles.ChangePhone(t.Context(), v, account.ChangePhoneParams{Phone: phone, Code: w.smsCode(t, phone)})
	ok(t, err)
	_, err = w.auth.SignIn(t.Context(), auth.SignInParams{Email: "john@SNU.example", Password: localPassword})
	ok(t, err)

	mute := newWorld(t, withoutSenders)
	want(t, mute.sendEmail(t, mute.viewer(t, mute.registerLocal(t, "abcd1234").Tokens), ptr("a@b.example")), apperr.EmailSendFailed)
	if n := mute.store.Read().VerificationCode.Query().CountX(t.Context()); n != 0 {
		t.Errorf("%d codes stored though none went out", n)
	}
}

func TestAnEmailIsTakenOnceVerified(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.viewer(t, w.registerLocal(t, "first1").Tokens)
	second := w.viewer(t, w.registerLocal(t, "second1").Tokens)
	ok(t, w.sendEmail(t, first, ptr("shared@snu.example")))
	firstCode := w.lastCode(t, "shared@snu.example")
	ok(t, w.verifyEmail(t, second, "shared@snu.example"))
	_, err := w.Emails.Verify(t.Context(), first, account.VerifyEmailParams{Code: firstCode})
	want(t, err, apperr.EmailVerifiedElsewhere)
	want(t, w.sendEmail(t, first, ptr("SHARED@snu.example")), apperr.EmailVerifiedElsewhere)
	_, err = w.SignUps.ByEmail(t.Context(), signUpParams(w.validToken(t, phone), "shared@snu.example", phone))
	want(t, err, apperr.SameEmailIsRegistered)

	_, err = w.Profiles.Update(t.Context(), second, account.UpdateUserParams{Email: ptr("other@snu.example")})
	ok(t, err)
	ok(t, w.verifyEmail(t, first, "shared@snu.example")) // the second let go of it
}

func TestASixthCodeWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.viewer(t, w.registerLocal(t, "abcd1234").Tokens)
	for range 5 {
		ok(t, w.sendEmail(t, v, ptr("john@snu.example")))
		w.clock.advance(time.Minute)
	}
	w.clock.advance(2*time.Minute - time.Millisecond)
	want(t, w.sendEmail(t, v, nil), apperr.TooManyEmailCodes)
	w.clock.advance(time.Millisecond)
	for range 5 {
		ok(t, w.sendEmail(t, v, nil))
	}
	want(t, w.sendEmail(t, v, nil), apperr.TooManyEmailCodes)
}

// resetToken asks for a reset mail and takes the token out of its link.
func (w *world) resetToken(t *testing.T) string {
	t.Helper()
	ok(t, w.Recovery.RequestPasswordReset(t.Context(), account.RequestPasswordResetParams{Email: email}))
	text := w.lastMessage(t, strings.ToLower(email)).Text
	_, address, _ := strings.Cut(text, "https://")
	link, err := url.Parse("https://" + address)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(link.String(), "https://lux.example/reset-password?") {
		t.Errorf("the link is %s", link)
	}
	return link.Query().Get("token")
}

func TestResetPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.parent(t)
	session, err := w.auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	ok(t, err)
	reset := func(token, password string) error {
		return w.Recovery.ResetPassword(t.Context(), account.ResetPasswordParams{Token: token, NewPassword: password})
	}
	replaced, late := w.resetToken(t), w.resetToken(t)
	want(t, reset("forged", "another horse 2"), apperr.CodeInvalid)
	want(t, reset(replaced, "another horse 2"), apperr.CodeInvalid)
	want(t, reset(late, "weak"), apperr.BadRequest)
	w.clock.advance(30 * time.Minute)
	want(t, reset(late, "another horse 2"), apperr.CodeExpired)
	for range 10 {
		_, err := w.auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: "wrong 1"})
		want(t, err, apperr.PasswordInvalid)
	}
	good := w.resetToken(t)
	ok(t, reset(good, "another horse 2"))
	want(t, reset(good, "another horse 3"), apperr.CodeInvalid)
	_, err = w.auth.Sessions.Refresh(t.Context(), session.Tokens.RefreshToken)
	want(t, err, apperr.RefreshTokenNotValid)
	if got := w.endings(); len(got) != 1 || got[0].rootUserID != v.RootUserID() || got[0].sessionIDs != nil {
		t.Errorf("endings %v", got)
	}
	_, err = w.auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: "another horse 2"})
	ok(t, err)
}

func TestRequestPasswordResetRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	request := func(email string) error {
		return w.Recovery.RequestPasswordReset(t.Context(), account.RequestPasswordResetParams{Email: email})
	}
	want(t, request("nobody@lux.example"), apperr.UserIDNotFound)
	_, err := w.AddnoxSignUps.Begin(t.Context(), account.BeginSignUpParams{Email: "begun@lux.example", Password: password})
	ok(t, err)
	want(t, request("begun@lux.example"), apperr.UserIDNotFound)
	w.socialSignUp(t, "social@lux.example", phone, "1017")
	want(t, request("social@lux.example"), apperr.SocialAccountHasNoPassword)
}

func TestFindAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	find := func(phone, code string) (account.FoundAccount, error) {
		return w.Recovery.FindAccount(t.Context(), account.FindAccountParams{Phone: phone, Code: code})
	}
	_, err := find("nonsense", "123456")
	want(t, err, apperr.BadRequest)
	_, err = find(phone, "123456")
	want(t, err, apperr.CodeInvalid)
	_, err = find(phone, w.smsCode(t, phone))
	want(t, err, apperr.UserIDNotFound)
	w.signUp(t, email, phone)
	code := w.smsCode(t, phone)
	_, err = w.auth.Codes.VerifySMS(t.Context(), auth.VerifySMSParams{Phone: phone, Code: code})
	want(t, err, apperr.PhoneTaken) // and the code stays good for recovery
	found, err := find(phone, code)
	ok(t, err)
	if *found.Email != email || found.Provider != "email" {
		t.Errorf("%+v", found)
	}
	_, err = find(phone, code)
	want(t, err, apperr.CodeInvalid)
	w.socialSignUp(t, "social@lux.example", "+821011112222", "1017")
	found, err = find("+821011112222", w.smsCode(t, "+821011112222"))
	ok(t, err)
	if *found.Email != "social@lux.example" || found.Provider != "facebook" {
		t.Errorf("%+v", found)
	}
}
