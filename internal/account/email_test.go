package account_test

import (
	"testing"
	"time"

	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/testutil/accounttest"
	"luxbff/internal/viewer"
)

// sendEmail asks for a code; to nil is the account's own address.
func sendEmail(t *testing.T, k *accounttest.Kit, v viewer.Viewer, to *string) error {
	t.Helper()
	return k.Accounts.Emails.SendVerification(t.Context(), v, account.SendEmailVerificationParams{Email: to})
}

func verifyEmail(t *testing.T, k *accounttest.Kit, v viewer.Viewer, address string) error {
	t.Helper()
	accounttest.OK(t, sendEmail(t, k, v, &address))
	_, err := k.Accounts.Emails.Verify(t.Context(), v, account.VerifyEmailParams{Code: k.LastCode(t, address)})
	return err
}

func TestVerifyEmail(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Viewer(t, k.RegisterLocal(t, "abcd1234").Tokens)
	verify := func(code string) error {
		_, err := k.Accounts.Emails.Verify(t.Context(), v, account.VerifyEmailParams{Code: code})
		return err
	}
	accounttest.WantKind(t, verify("123456"), apperr.EmailCodeWrong)
	accounttest.WantKind(t, sendEmail(t, k, v, nil), apperr.EmailMalformed)
	accounttest.WantKind(t, sendEmail(t, k, v, ptr("a@b")), apperr.EmailMalformed)
	accounttest.OK(t, sendEmail(t, k, v, ptr("John@snu.example")))
	if u := k.User(t, v.RootUserID()); *u.Email != "John@snu.example" || u.IsEmailVerified {
		t.Errorf("%v", u)
	}
	late := k.LastCode(t, "John@snu.example")
	accounttest.WantKind(t, verify(accounttest.OtherCode(late)), apperr.EmailCodeWrong)
	k.Clock.Add(3 * time.Minute)
	accounttest.WantKind(t, verify(late), apperr.EmailCodeWrong)

	accounttest.OK(t, sendEmail(t, k, v, nil))
	_, err := k.Accounts.Profiles.Update(t.Context(), v, account.UpdateUserParams{Email: ptr("later@snu.example")})
	accounttest.OK(t, err)
	accounttest.OK(t, verify(k.LastCode(t, "John@snu.example")))
	u := k.User(t, v.RootUserID())
	if *u.Email != "John@snu.example" || !u.IsEmailVerified {
		t.Errorf("a code verifies the address it was sent to: %v", u)
	}
	accounttest.WantKind(t, sendEmail(t, k, v, ptr("third@snu.example")), apperr.EmailVerifiedAlready)

	// The verified address signs in, but LUX asks for a phone first (auth.md).
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: "john@SNU.example", Password: localPassword})
	accounttest.WantKind(t, err, apperr.SmsVerificationRequired)
	_, err = k.Accounts.Profiles.ChangePhone(t.Context(), v, account.ChangePhoneParams{Phone: phone, Code: k.SMSCode(t, phone)})
	accounttest.OK(t, err)
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: "john@SNU.example", Password: localPassword})
	accounttest.OK(t, err)

	mute := accounttest.New(t, accounttest.WithoutSenders)
	accounttest.WantKind(t, sendEmail(t, mute, mute.Viewer(t, mute.RegisterLocal(t, "abcd1234").Tokens), ptr("a@b.example")), apperr.EmailSendFailed)
	if n := mute.Store.Read().VerificationCode.Query().CountX(t.Context()); n != 0 {
		t.Errorf("%d codes stored though none went out", n)
	}
}

func TestVerifiedEmailsAreTaken(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	first := k.Viewer(t, k.RegisterLocal(t, "first1").Tokens)
	second := k.Viewer(t, k.RegisterLocal(t, "second1").Tokens)
	accounttest.OK(t, sendEmail(t, k, first, ptr("shared@snu.example")))
	firstCode := k.LastCode(t, "shared@snu.example")
	accounttest.OK(t, verifyEmail(t, k, second, "shared@snu.example"))
	_, err := k.Accounts.Emails.Verify(t.Context(), first, account.VerifyEmailParams{Code: firstCode})
	accounttest.WantKind(t, err, apperr.EmailVerifiedElsewhere)
	accounttest.WantKind(t, sendEmail(t, k, first, ptr("SHARED@snu.example")), apperr.EmailVerifiedElsewhere)
	_, err = k.Accounts.SignUps.ByEmail(t.Context(), accounttest.SignUpParams(k.ValidToken(t, phone), "shared@snu.example", phone))
	accounttest.WantKind(t, err, apperr.SameEmailIsRegistered)

	_, err = k.Accounts.Profiles.Update(t.Context(), second, account.UpdateUserParams{Email: ptr("other@snu.example")})
	accounttest.OK(t, err)
	accounttest.OK(t, verifyEmail(t, k, first, "shared@snu.example")) // the second gave it up
}

func TestSixthEmailCodeWaits(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Viewer(t, k.RegisterLocal(t, "abcd1234").Tokens)
	for range 5 {
		accounttest.OK(t, sendEmail(t, k, v, ptr("john@snu.example")))
		k.Clock.Add(time.Minute)
	}
	k.Clock.Add(2*time.Minute - time.Millisecond)
	accounttest.WantKind(t, sendEmail(t, k, v, nil), apperr.TooManyEmailCodes)
	k.Clock.Add(time.Millisecond)
	for range 5 {
		accounttest.OK(t, sendEmail(t, k, v, nil))
	}
	accounttest.WantKind(t, sendEmail(t, k, v, nil), apperr.TooManyEmailCodes)
}
