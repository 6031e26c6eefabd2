package account_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent"
	"luxbff/ent/message"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/accounttest"
	"luxbff/internal/viewer"
)

// reportsSince are the reports that were stored after the message with the id, as "channel
// address: what has happened", and the id of the newest message.
func reportsSince(t *testing.T, k *accounttest.Kit, id int) (reports []string, newest int) {
	t.Helper()
	rows, err := k.Store.Read().Message.Query().Where(message.IDGT(id)).Order(ent.Asc(message.FieldID)).All(t.Context())
	accounttest.OK(t, err)
	for _, row := range rows {
		id = row.ID
		what, advice, isReport := strings.Cut(row.Text, " (2026-03-")
		if !isReport {
			continue
		}
		report := fmt.Sprintf("%s %s: %s", row.Channel, row.To, what)
		if strings.Contains(advice, "token=") {
			report += ", with a link"
		}
		reports = append(reports, report)
		if row.Channel == message.ChannelSms && utf8.RuneCountInString(row.Text) > 200 {
			t.Errorf("more than 200 characters in an SMS: %s", row.Text)
		}
	}
	slices.Sort(reports)
	return reports, id
}

func changeEmail(t *testing.T, k *accounttest.Kit, v viewer.Viewer, to string) {
	t.Helper()
	_, err := k.Accounts.Profiles.Update(t.Context(), v, account.UpdateUserParams{Email: &to})
	accounttest.OK(t, err)
}

// revertToken is the token of the newest link to take the address back that was mailed to it.
func revertToken(t *testing.T, k *accounttest.Kit, address string) string {
	t.Helper()
	recent, err := k.Outbox.Recent(t.Context(), address, 100)
	accounttest.OK(t, err)
	for _, sent := range recent {
		if _, escaped, found := strings.Cut(sent.Text, "https://lux.example/revert-email?token="); found {
			token, err := url.QueryUnescape(escaped)
			accounttest.OK(t, err)
			return token
		}
	}
	t.Fatalf("no link to %s", address)
	return ""
}

func revert(t *testing.T, k *accounttest.Kit, token string) error {
	t.Helper()
	return k.Accounts.Emails.Revert(t.Context(), account.RevertEmailParams{Token: token})
}

// changes are the things that are reported. Each is done to an account of LUX with the
// e-mail and the phone of the tests.
func changes(t *testing.T, k *accounttest.Kit, v viewer.Viewer) map[string]func() error {
	t.Helper()
	k.Facebook.Add("john's", auth.Profile{Subject: "1017"})
	credentials, ctx := k.Accounts.Credentials, t.Context()
	return map[string]func() error{
		"The e-mail address of your account was changed": func() error {
			_, err := k.Accounts.Profiles.Update(ctx, v, account.UpdateUserParams{Email: ptr("new@lux.example")})
			return err
		},
		"The phone number of your account was changed": func() error {
			_, err := k.Accounts.Profiles.ChangePhone(ctx, v, account.ChangePhoneParams{Phone: "+821011112222", Code: k.SMSCode(t, "+821011112222")})
			return err
		},
		"The password of your account was changed": func() error {
			_, err := credentials.ChangePassword(ctx, v, account.ChangePasswordParams{OldPassword: password, NewPassword: "another horse 2"})
			return err
		},
		"The password of your account was reset by e-mail": func() error {
			return k.Accounts.Recovery.ResetPassword(ctx, account.ResetPasswordParams{Token: resetToken(t, k), NewPassword: "another horse 2"})
		},
		"An ID to sign in by was added to your account": func() error {
			_, err := credentials.CreateLocal(ctx, v, account.CreateLocalCredentialParams{LocalID: "abcd1234", Password: password})
			return err
		},
		"A Facebook account was linked to your account": func() error {
			_, err := credentials.ConnectFacebook(ctx, v, accounttest.FacebookParams("1017", "john's"))
			return err
		},
		"Your account was deleted": func() error {
			return k.Accounts.Delete(ctx, v, account.DeleteAccountParams{})
		},
	}
}

func TestEveryChangeIsReported(t *testing.T) {
	t.Parallel()
	names := changes(t, accounttest.New(t), viewer.Viewer{})
	for name := range names {
		k := accounttest.New(t)
		v := k.Parent(t)
		_, before := reportsSince(t, k, 0)
		accounttest.OK(t, changes(t, k, v)[name]())
		got, _ := reportsSince(t, k, before)
		link := ""
		if strings.Contains(name, "e-mail address") {
			link = ", with a link"
		}
		if diff := cmp.Diff([]string{"email " + email + ": " + name + link, "sms " + phone + ": " + name}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// TestReportsGoToWhatTheAccountHas, be it an e-mail nobody has verified, a phone, or
// nothing.
func TestReportsGoToWhatTheAccountHas(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	k.Facebook.Add("john's", auth.Profile{Subject: "1017"})
	tokens, err := k.Auth.Sessions.Start(t.Context(), k.RegisterLocal(t, "abcd1234").User.ID, 0) // which goes on
	accounttest.OK(t, err)
	v := k.Viewer(t, tokens)
	newest := 0
	want := func(reports ...string) {
		t.Helper()
		var got []string
		got, newest = reportsSince(t, k, newest)
		if diff := cmp.Diff(reports, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	const link, unlink, emailed = ": A Facebook account was linked to your account",
		": The link of your account to Facebook was removed", ": The e-mail address of your account was changed"
	toggle := func() {
		t.Helper()
		_, err := k.Accounts.Credentials.ConnectFacebook(t.Context(), v, accounttest.FacebookParams("1017", "john's"))
		if apperr.Is(err, apperr.FacebookExists) {
			_, err = k.Accounts.Credentials.DisconnectFacebook(t.Context(), v, auth.LongLivedToken)
		}
		accounttest.OK(t, err)
	}
	toggle()
	want()
	changeEmail(t, k, v, "first@snu.example")
	want()
	toggle()
	want("email first@snu.example" + unlink)
	changeEmail(t, k, v, "FIRST@snu.example") // the same address
	want()
	changeEmail(t, k, v, "second@snu.example")
	want("email FIRST@snu.example" + emailed) // whose it is nobody knows, so it gets no link
	accounttest.OK(t, verifyEmail(t, k, v, "second@snu.example"))
	want()
	changeEmail(t, k, v, "third@snu.example")
	want("email second@snu.example" + emailed + ", with a link")
	toggle()
	want("email second@snu.example" + link) // the third may be a thief's
	accounttest.OK(t, verifyEmail(t, k, v, "third@snu.example"))
	want() // the second was given up before

	_, err = k.Accounts.SignUps.Temporary(t.Context(), auth.LongLivedToken)
	accounttest.OK(t, err)
	phoneOnly := k.Viewer(t, k.RegisterLocal(t, "phone1").Tokens)
	change := func(to string) {
		t.Helper()
		_, err := k.Accounts.Profiles.ChangePhone(t.Context(), phoneOnly, account.ChangePhoneParams{Phone: to, Code: k.SMSCode(t, to)})
		accounttest.OK(t, err)
	}
	change(phone)
	want()
	change(phone) // the same
	want()
	change("+821011112222")
	want("sms " + phone + ": 계정의 전화번호가 변경되었습니다") // it has no country but the phone's
}

func TestChangesNeedNoSender(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	mute := account.New(account.Config{Auth: k.Auth, Store: k.Store, Outbox: accounttest.New(t, accounttest.WithoutSenders).Outbox, Texts: k.Texts, Clock: k.Clock.Now})
	_, err := mute.Profiles.Update(t.Context(), v, account.UpdateUserParams{Email: ptr("new@lux.example")})
	accounttest.OK(t, err)
	_, err = mute.Credentials.ChangePassword(t.Context(), v, account.ChangePasswordParams{OldPassword: password, NewPassword: "another horse 2"})
	accounttest.OK(t, err)
	accounttest.OK(t, mute.Delete(t.Context(), v, account.DeleteAccountParams{}))
}

// TestRevertEmail follows a thief who has a token and the password, until the owner opens
// the link.
func TestRevertEmail(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	accounttest.OK(t, verifyEmail(t, k, v, email))
	thief, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	accounttest.OK(t, err)
	const stolen = "thief@lux.example"
	changeEmail(t, k, v, stolen)
	accounttest.OK(t, verifyEmail(t, k, v, stolen))
	token := revertToken(t, k, email)
	k.TakeEnded()

	k.Clock.Add(72*time.Hour - time.Millisecond)
	reset := resetTokenOf(t, k, stolen)
	accounttest.OK(t, revert(t, k, token))
	u := k.User(t, v.RootUserID())
	if *u.Email != email || !u.IsEmailVerified {
		t.Errorf("the account is %v", u)
	}
	if diff := cmp.Diff([]string{"email " + strings.ToLower(email), "phone " + phone}, ways(t, k, u.ID)); diff != "" {
		t.Errorf("ways in (-want +got):\n%s", diff)
	}
	if got := k.TakeEnded(); len(got) != 1 || got[0].RootUserID != u.ID || got[0].SessionIDs != nil {
		t.Errorf("ended sessions %v", got)
	}
	_, err = k.Auth.Sessions.Refresh(t.Context(), thief.Tokens.RefreshToken)
	if err == nil {
		t.Error("the thief's session goes on")
	}
	accounttest.WantKind(t, k.Accounts.Recovery.ResetPassword(t.Context(), account.ResetPasswordParams{Token: reset, NewPassword: "a thief's 1"}), apperr.CodeInvalid)
	accounttest.WantKind(t, revert(t, k, token), apperr.CodeInvalid)
	accounttest.WantKind(t, revert(t, k, "forged"), apperr.CodeInvalid)

	// The thief knows the password: the owner has a link to choose another.
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	accounttest.WantKind(t, err, apperr.PasswordInvalid)
	mailed := mailedReset(t, k)
	accounttest.OK(t, k.Accounts.Recovery.ResetPassword(t.Context(), account.ResetPasswordParams{Token: mailed, NewPassword: "the owner's 1"}))
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: "the owner's 1"})
	accounttest.OK(t, err)
}

// mailedReset is the token of the reset link that was mailed last to the e-mail of the tests.
func mailedReset(t *testing.T, k *accounttest.Kit) string {
	t.Helper()
	_, escaped, _ := strings.Cut(k.LastMessage(t, strings.ToLower(email)).Text, "/reset-password?token=")
	token, err := url.QueryUnescape(escaped)
	accounttest.OK(t, err)
	return token
}

// resetTokenOf is resetToken of another address.
func resetTokenOf(t *testing.T, k *accounttest.Kit, address string) string {
	t.Helper()
	accounttest.OK(t, k.Accounts.Recovery.RequestPasswordReset(t.Context(), account.RequestPasswordResetParams{Email: address}))
	_, escaped, _ := strings.Cut(k.LastMessage(t, address).Text, "token=")
	token, err := url.QueryUnescape(escaped)
	accounttest.OK(t, err)
	return token
}

func TestRevertLinksEnd(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	changeEmail(t, k, v, "new@lux.example")
	token := revertToken(t, k, email)
	k.Clock.Add(72 * time.Hour)
	accounttest.OK(t, k.Auth.Prune(t.Context()))
	accounttest.WantKind(t, revert(t, k, token), apperr.CodeExpired)
	if u := k.User(t, v.RootUserID()); *u.Email != "new@lux.example" {
		t.Errorf("the account is %v", u)
	}
	accounttest.OK(t, k.Accounts.Delete(t.Context(), v, account.DeleteAccountParams{}))
	accounttest.WantKind(t, revert(t, k, token), apperr.CodeInvalid)
}

// TestTheEarliestOwnerWins changes an address twice. The link of the first change undoes
// the second one too; that of the second leaves the first to its owner.
func TestTheEarliestOwnerWins(t *testing.T) {
	t.Parallel()
	start := func() (k *accounttest.Kit, id int, first, second string) {
		k = accounttest.New(t)
		v := k.Parent(t)
		accounttest.OK(t, verifyEmail(t, k, v, "b@lux.example"))
		changeEmail(t, k, v, "c@lux.example")
		accounttest.OK(t, verifyEmail(t, k, v, "c@lux.example"))
		return k, v.RootUserID(), revertToken(t, k, email), revertToken(t, k, "b@lux.example")
	}
	k, id, first, second := start()
	accounttest.OK(t, revert(t, k, first))
	accounttest.WantKind(t, revert(t, k, second), apperr.CodeInvalid)
	if u := k.User(t, id); *u.Email != email {
		t.Errorf("the account is %v", u)
	}
	k, id, first, second = start()
	accounttest.OK(t, revert(t, k, second))
	if u := k.User(t, id); *u.Email != "b@lux.example" || !u.IsEmailVerified {
		t.Errorf("the account is %v", u)
	}
	accounttest.OK(t, revert(t, k, first))
	if u := k.User(t, id); *u.Email != email || u.IsEmailVerified {
		t.Errorf("the account is %v", u)
	}
}

// TestAThiefGetsNoLink: the owner takes the address back in the app, and the mail about
// that goes to the thief.
func TestAThiefGetsNoLink(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	accounttest.OK(t, verifyEmail(t, k, v, "thief@lux.example"))
	changeEmail(t, k, v, email)
	accounttest.OK(t, verifyEmail(t, k, v, email))
	if recent, err := k.Outbox.Recent(t.Context(), "thief@lux.example", 100); err != nil || strings.Contains(fmt.Sprint(recent), "revert-email") {
		t.Errorf("%v, %v", recent, err)
	}
}

func TestAnAddressThatIsTakenIsNotGivenBack(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	accounttest.OK(t, verifyEmail(t, k, v, "new@lux.example"))
	token := revertToken(t, k, email)
	other := k.Viewer(t, k.RegisterLocal(t, "other1").Tokens)
	accounttest.OK(t, verifyEmail(t, k, other, email))
	_, before := reportsSince(t, k, 0)
	accounttest.WantKind(t, revert(t, k, token), apperr.EmailVerifiedElsewhere)
	if reports, _ := reportsSince(t, k, before); len(reports) > 0 {
		t.Errorf("reported although nothing changed: %v", reports)
	}
	accounttest.OK(t, k.Accounts.Delete(t.Context(), other, account.DeleteAccountParams{}))
	accounttest.OK(t, revert(t, k, token))
}

func TestRaceToRevertAnEmail(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	changeEmail(t, k, k.Parent(t), "new@lux.example")
	token := revertToken(t, k, email)
	errs := testutil.Concurrently(16, func(int) error { return revert(t, k, token) })
	if diff := cmp.Diff(map[string]int{"": 1, "Validation code is invalid": 15}, accounttest.CountByDetail(errs)); diff != "" {
		t.Error(diff)
	}
}

// TestChangesAreLimitedButNoWayBack: a thief who changes the account until the limit is
// reached suppresses no report, and the owner gets it back all the same.
func TestChangesAreLimitedButNoWayBack(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t, accounttest.WithLimits)
	v := k.Parent(t)
	allowed := 0
	for range 30 {
		_, before := reportsSince(t, k, 0)
		_, err := k.Accounts.Profiles.Update(t.Context(), v, account.UpdateUserParams{Email: ptr(fmt.Sprintf("thief%d@lux.example", allowed))})
		reports, _ := reportsSince(t, k, before)
		if err != nil {
			accounttest.WantKind(t, err, apperr.TooManyRequests)
			if len(reports) > 0 {
				t.Errorf("a change that was refused is reported: %v", reports)
			}
			break
		}
		if len(reports) != 2 {
			t.Errorf("change %d is reported by %v", allowed, reports)
		}
		allowed++
	}
	if allowed != 20 {
		t.Errorf("%d changes were allowed, want 20", allowed)
	}
	if u := k.User(t, v.RootUserID()); *u.Email != "thief19@lux.example" {
		t.Errorf("the refused change was made: %v", u)
	}
	accounttest.OK(t, revert(t, k, revertToken(t, k, email)))
	accounttest.OK(t, k.Accounts.Recovery.ResetPassword(t.Context(), account.ResetPasswordParams{Token: resetToken(t, k), NewPassword: "the owner's 1"}))
	accounttest.OK(t, k.Accounts.Delete(t.Context(), v, account.DeleteAccountParams{}))
}
