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

func TestSMSCodes(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	verify := func(code string) error {
		_, err := k.Auth.Codes.VerifySMS(t.Context(), auth.VerifySMSParams{Phone: phone, Code: code})
		return err
	}
	accounttest.WantKind(t, verify("123456"), apperr.CodeInvalid)
	replaced := k.SMSCode(t, phone)
	expired := k.SMSCode(t, phone)
	for replaced == expired {
		expired = k.SMSCode(t, phone)
	}
	accounttest.WantKind(t, verify(replaced), apperr.CodeInvalid)
	accounttest.WantKind(t, verify(""), apperr.CodeInvalid)
	k.Clock.Add(3 * time.Minute)
	accounttest.WantKind(t, verify(expired), apperr.CodeExpired)
	good := k.SMSCode(t, phone)
	k.Clock.Add(3*time.Minute - time.Millisecond)
	accounttest.OK(t, verify(good))
	accounttest.WantKind(t, verify(good), apperr.CodeInvalid)

	guessed := k.SMSCode(t, phone)
	for range 5 {
		accounttest.WantKind(t, verify(accounttest.OtherCode(guessed)), apperr.CodeInvalid)
	}
	accounttest.WantKind(t, verify(guessed), apperr.CodeInvalid)
}

func TestSendSMSRefuses(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	for _, number := range []string{"", "01012345678", "+82 10 1234 5678", "+821", "+999123456789", "+8210123", "+82101234567890", "＋821012345678"} {
		accounttest.WantKind(t, k.Auth.Codes.SendSMS(t.Context(), number), apperr.PhoneInvalid)
	}
	mute := accounttest.New(t, accounttest.WithoutSenders)
	accounttest.WantKind(t, mute.Auth.Codes.SendSMS(t.Context(), phone), apperr.SendSmsFailed)
	if n := mute.Store.Read().VerificationCode.Query().CountX(t.Context()); n != 0 {
		t.Errorf("%d codes stored though none went out", n)
	}
}

func TestNobodyLearnsWhichPhonesAreRegistered(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	k.SignUp(t, email, phone)
	code := k.SMSCode(t, phone)
	verify := auth.VerifySMSParams{Phone: phone, Code: accounttest.OtherCode(code)}
	_, err := k.Auth.Codes.VerifySMS(t.Context(), verify)
	accounttest.WantKind(t, err, apperr.CodeInvalid)
	verify.Code = code
	_, err = k.Auth.Codes.VerifySMS(t.Context(), verify)
	accounttest.WantKind(t, err, apperr.PhoneTaken)
}

func TestValidTokenLastsTenMinutes(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	valid := k.ValidToken(t, phone)
	k.Clock.Add(10 * time.Minute)
	_, err := k.Accounts.SignUps.ByEmail(t.Context(), accounttest.SignUpParams(valid, email, phone))
	accounttest.WantKind(t, err, apperr.SignUpTokenInvalid)
}

func TestRaceToGuessACode(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	code := k.SMSCode(t, phone)
	errs := testutil.Concurrently(16, func(int) error {
		_, err := k.Auth.Codes.VerifySMS(t.Context(), auth.VerifySMSParams{Phone: phone, Code: accounttest.OtherCode(code)})
		return err
	})
	if diff := cmp.Diff(map[string]int{"Validation code is invalid": 16}, accounttest.CountByDetail(errs)); diff != "" {
		t.Error(diff)
	}
	if row := k.Store.Read().VerificationCode.Query().OnlyX(t.Context()); row.Tries != 5 {
		t.Errorf("%d tries were counted, want 5", row.Tries)
	}
	_, err := k.Auth.Codes.VerifySMS(t.Context(), auth.VerifySMSParams{Phone: phone, Code: code})
	accounttest.WantKind(t, err, apperr.CodeInvalid)
}

func TestRaceToUseACode(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	code := k.SMSCode(t, phone)
	errs := testutil.Concurrently(16, func(int) error {
		_, err := k.Auth.Codes.VerifySMS(t.Context(), auth.VerifySMSParams{Phone: phone, Code: code})
		return err
	})
	if diff := cmp.Diff(map[string]int{"": 1, "Validation code is invalid": 15}, accounttest.CountByDetail(errs)); diff != "" {
		t.Error(diff)
	}
}
