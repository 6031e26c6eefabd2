package auth_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent/vocab"
	"luxbff/internal/account"
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
		accounttest.WantKind(t, k.Auth.Codes.SendSMS(t.Context(), auth.SendSMSParams{Phone: number}), apperr.PhoneInvalid)
	}
	mute := accounttest.New(t, accounttest.WithoutSenders)
	accounttest.WantKind(t, mute.Auth.Codes.SendSMS(t.Context(), auth.SendSMSParams{Phone: phone}), apperr.SendSmsFailed)
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

// TestGuessesAtTwoReplicas: fifty guesses at once have five looks together, whichever replica
// each reaches, and then the right code opens nothing.
func TestGuessesAtTwoReplicas(t *testing.T) {
	t.Parallel()
	first, second := accounttest.NewReplicas(t)
	code := first.SMSCode(t, phone)
	replicas := []*accounttest.Kit{first, second}
	errs := testutil.Concurrently(50, func(i int) error {
		_, err := replicas[i%2].Auth.Codes.VerifySMS(t.Context(), auth.VerifySMSParams{Phone: phone, Code: accounttest.OtherCode(code)})
		return err
	})
	if diff := cmp.Diff(map[string]int{"Validation code is invalid": 50}, accounttest.CountByDetail(errs)); diff != "" {
		t.Error(diff)
	}
	if row := first.Store.Read().VerificationCode.Query().OnlyX(t.Context()); row.Tries != 5 || row.ClosedAt != nil {
		t.Errorf("%d tries were counted, want 5; closed at %v", row.Tries, row.ClosedAt)
	}
	for _, replica := range replicas {
		_, err := replica.Auth.Codes.VerifySMS(t.Context(), auth.VerifySMSParams{Phone: phone, Code: code})
		accounttest.WantKind(t, err, apperr.CodeInvalid)
	}
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

// TestSMSCodesServeForTheirPurpose tries a code for each thing that takes one: for what it
// was not sent it is a wrong code, which counts.
func TestSMSCodesServeForTheirPurpose(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	parent := k.Parent(t)
	tries := map[vocab.SmsCodePurpose]func(phone, code string) error{
		vocab.ForSignUp: func(phone, code string) error {
			_, err := k.Auth.Codes.VerifySMS(t.Context(), auth.VerifySMSParams{Phone: phone, Code: code})
			return err
		},
		vocab.ForRecovery: func(phone, code string) error {
			_, err := k.Accounts.Recovery.FindAccount(t.Context(), account.FindAccountParams{Phone: phone, Code: code})
			return err
		},
		vocab.ForChangePhone: func(phone, code string) error {
			_, err := k.Accounts.Profiles.ChangePhone(t.Context(), parent, account.ChangePhoneParams{Phone: phone, Code: code})
			return err
		},
	}
	send := func(phone string, purpose *vocab.SmsCodePurpose) (code string) {
		t.Helper()
		accounttest.OK(t, k.Auth.Codes.SendSMS(t.Context(), auth.SendSMSParams{Phone: phone, Purpose: purpose}))
		return k.LastCode(t, phone)
	}
	const free = "+821033334444"
	phones := map[vocab.SmsCodePurpose]string{vocab.ForSignUp: "+821099998888", vocab.ForRecovery: phone, vocab.ForChangePhone: free}
	for purpose, number := range phones {
		for other, try := range tries {
			code := send(number, &purpose)
			if other == purpose {
				continue
			}
			for range 5 {
				accounttest.WantKind(t, try(number, code), apperr.CodeInvalid)
			}
			accounttest.WantKind(t, tries[purpose](number, code), apperr.CodeInvalid) // five tries were counted
		}
	}
	for _, purpose := range []vocab.SmsCodePurpose{vocab.ForSignUp, vocab.ForRecovery, vocab.ForChangePhone} {
		accounttest.OK(t, tries[purpose](phones[purpose], send(phones[purpose], &purpose)))
	}
	accounttest.OK(t, tries[vocab.ForRecovery](free, send(free, nil)))
}

// TestSMSCodesSayWhatTheyAreFor, in the language of the account that has the phone, or else of
// the phone's country.
func TestSMSCodesSayWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	const abroad, unknown = "+4915112345678", "+821099998888"
	k.Parent(t) // who lives abroad, with a Korean phone
	purpose := func(p vocab.SmsCodePurpose) *vocab.SmsCodePurpose { return &p }
	for _, c := range []struct {
		to      string
		purpose *vocab.SmsCodePurpose
		named   string
	}{
		{abroad, nil, "Your verification code is "},
		{abroad, purpose(vocab.ForSignUp), "Your verification code to sign up is "},
		{phone, purpose(vocab.ForRecovery), "Your verification code to find your account is "},
		{phone, purpose(vocab.ForChangePhone), "Your verification code to change your phone number is "},
		{unknown, nil, "인증번호 "},
		{unknown, purpose(vocab.ForSignUp), "회원가입 인증번호 "},
		{unknown, purpose(vocab.ForRecovery), "계정 찾기 인증번호 "},
		{unknown, purpose(vocab.ForChangePhone), "전화번호 변경 인증번호 "},
	} {
		accounttest.OK(t, k.Auth.Codes.SendSMS(t.Context(), auth.SendSMSParams{Phone: c.to, Purpose: c.purpose}))
		if text := k.LastMessage(t, c.to).Text; !strings.HasPrefix(text, c.named+k.LastCode(t, c.to)) {
			t.Errorf("%s: %s", c.to, text)
		}
	}
}
