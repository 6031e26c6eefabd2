package accounttest

import (
	"testing"

	"luxbff/ent/vocab"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/message"
	"luxbff/internal/testutil"
	"luxbff/internal/viewer"
)

// How the accounts of tests sign in.
const (
	Phone         = "+821012345678"
	Email         = "Parent@Lux.example"
	Password      = "correct horse 1"
	LocalPassword = "abcd1234"
)

// LastMessage is the newest message to the address.
func (k *Kit) LastMessage(t testing.TB, to string) message.Sent {
	t.Helper()
	recent, err := k.Outbox.Recent(t.Context(), to, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(recent) == 0 {
		t.Fatalf("no message to %s", to)
	}
	return recent[0]
}

// LastCode reads the code that was sent to the address last.
func (k *Kit) LastCode(t testing.TB, to string) string {
	t.Helper()
	recent, err := k.Outbox.Recent(t.Context(), to, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, sent := range recent {
		if code, found := testutil.CodeIn(sent.Text); found {
			return code
		}
	}
	t.Fatalf("no code to %s", to)
	return ""
}

// OtherCode is a code that is not the given one.
func OtherCode(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

// SMSCode has a code sent to the phone and reads it.
func (k *Kit) SMSCode(t testing.TB, phone string) string {
	t.Helper()
	if err := k.Auth.Codes.SendSMS(t.Context(), auth.SendSMSParams{Phone: phone}); err != nil {
		t.Fatalf("send a code: %v", err)
	}
	return k.LastCode(t, phone)
}

// ValidToken earns a valid_token for the phone.
func (k *Kit) ValidToken(t testing.TB, phone string) string {
	t.Helper()
	got, err := k.Auth.Codes.VerifySMS(t.Context(), auth.VerifySMSParams{Phone: phone, Code: k.SMSCode(t, phone)})
	if err != nil {
		t.Fatalf("verify a code: %v", err)
	}
	return got
}

// Person is complete and consents to marketing alone. What is sent to it is English, because
// it lives abroad with its Korean phone.
func Person(phone string) account.Person {
	return account.Person{
		FirstName: "하나", LastName: "", Birthdate: "1990-05-06", Gender: vocab.Female,
		Phone: phone, IsMarketingAgree: true, NationalCode: "DE",
	}
}

// SignUpParams are a sign-up of LUX that succeeds.
func SignUpParams(validToken, email, phone string) account.SignUpParams {
	return account.SignUpParams{ValidToken: validToken, Email: email, Password: Password, Person: Person(phone)}
}

// SignUp makes an account of LUX.
func (k *Kit) SignUp(t testing.TB, email, phone string) auth.SignedIn {
	t.Helper()
	got, err := k.Accounts.SignUps.ByEmail(t.Context(), SignUpParams(k.ValidToken(t, phone), email, phone))
	if err != nil {
		t.Fatalf("sign up: %v", err)
	}
	return got
}

// Parent makes an account of LUX with Email and Phone.
func (k *Kit) Parent(t testing.TB) viewer.Viewer {
	t.Helper()
	return k.Viewer(t, k.SignUp(t, Email, Phone).Tokens)
}

// SocialSignUpParams are a sign-up of Addnox with Facebook's token.
func (k *Kit) SocialSignUpParams(t testing.TB, email, phone, token string) account.SocialSignUpParams {
	t.Helper()
	return account.SocialSignUpParams{
		ValidToken: k.ValidToken(t, phone), Email: email, Person: Person(phone),
		TokenRefused: apperr.NotAuthenticated,
		SocialParams: auth.SocialParams{Provider: "facebook", Credential: auth.Credential{Token: token}},
	}
}

// SocialSignUp makes an account of Addnox that signs in with Facebook, by the
// token "SUBJECT's".
func (k *Kit) SocialSignUp(t testing.TB, email, phone, subject string) auth.SignedIn {
	t.Helper()
	k.Facebook.Add(subject+"'s", auth.Profile{Subject: subject, Name: "John Smith"})
	got, err := k.Accounts.SignUps.BySocial(t.Context(), k.SocialSignUpParams(t, email, phone, subject+"'s"))
	OK(t, err)
	return got
}

// RegisterLocal makes an account of SNUTT with LocalPassword.
func (k *Kit) RegisterLocal(t testing.TB, localID string) auth.SignedIn {
	t.Helper()
	got, err := k.Accounts.SignUps.ByLocalID(t.Context(), account.RegisterLocalParams{
		LocalID: localID, Password: LocalPassword, Style: auth.LongLivedToken,
	})
	OK(t, err)
	return got
}

// FacebookParams are a Facebook account and its token, as SNUTT sends them.
func FacebookParams(id, token string) account.FacebookParams {
	return account.FacebookParams{FacebookID: id, FacebookToken: token, Style: auth.LongLivedToken}
}

// John signs in with the Facebook account 1017, whose token is "john's".
func (k *Kit) John(t testing.TB) viewer.Viewer {
	t.Helper()
	k.Facebook.Add("john's", auth.Profile{Subject: "1017", Name: "John Smith"})
	got, err := k.Accounts.SignUps.SignInWithFacebook(t.Context(), FacebookParams("1017", "john's"))
	OK(t, err)
	return k.Viewer(t, got.Tokens)
}
