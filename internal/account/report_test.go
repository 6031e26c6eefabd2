package account_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"luxbff/ent"
	"luxbff/ent/message"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/accounttest"
	"luxbff/internal/text"
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

// brittle is randomness that may fail.
type brittle struct{ broken atomic.Bool }

func (b *brittle) Read(p []byte) (int, error) {
	if b.broken.Load() {
		return 0, errors.New("no randomness")
	}
	return io.ReadFull(rand.Reader, p)
}

// owned is one account, of which it is known how its owner is reached.
type owned struct {
	t *testing.T
	k *accounttest.Kit
	r *rapid.T
	// id is the account; holder the address that it signs in by, email that of its data.
	id                             int
	holder, email, phone, password string
	links                          []revertLink
	newest, steps                  int
}

// revertLink is one that was mailed, and whether it has to work.
type revertLink struct {
	token, address string
	works          bool
}

func (o *owned) viewer() viewer.Viewer { return viewer.Viewer{User: o.k.User(o.t, o.id)} }

func (o *owned) ok(err error) {
	o.t.Helper()
	if err != nil {
		o.r.Fatalf("%v", accounttest.Cause(err))
	}
}

// want holds what was reported since the last step to what stood before it.
func (o *owned) want(reports ...string) {
	o.t.Helper()
	slices.Sort(reports)
	var got []string
	if got, o.newest = reportsSince(o.t, o.k, o.newest); !slices.Equal(reports, got) {
		o.r.Fatalf("reported are %q, want %q", got, reports)
	}
}

// both are the two reports of a change.
func (o *owned) both(what, link string) []string {
	return []string{"email " + o.holder + ": " + what + link, "sms " + o.phone + ": " + what}
}

// undo is what becomes of links when the account has the address again.
func (o *owned) undo(address string) {
	isBack := false
	for i, l := range o.links {
		isBack = isBack || l.works && l.address == address
		if isBack {
			o.links[i].works = false
		}
	}
}

// wantEmail holds the reports of a change to another address to what stood before, and
// keeps the link.
func (o *owned) wantEmail(to string) {
	o.t.Helper()
	const changed = "The e-mail address of your account was changed"
	isBack := slices.ContainsFunc(o.links, func(l revertLink) bool { return l.works && l.address == to })
	if isBack || o.holder == to {
		o.want(o.both(changed, "")...)
		return
	}
	o.want(o.both(changed, ", with a link")...)
	o.links = append(o.links, revertLink{revertToken(o.t, o.k, o.holder), o.holder, true})
}

func (o *owned) changeEmail(to string) {
	_, err := o.k.Accounts.Profiles.Update(o.t.Context(), o.viewer(), account.UpdateUserParams{Email: &to})
	o.ok(err)
	if to == o.email {
		o.want()
		return
	}
	o.wantEmail(to)
	if o.email = to; o.viewer().User.IsEmailVerified {
		o.undo(to)
	}
}

func (o *owned) verify(to string) {
	if o.viewer().User.IsEmailVerified {
		return
	}
	o.ok(o.k.Accounts.Emails.SendVerification(o.t.Context(), o.viewer(), account.SendEmailVerificationParams{Email: &to}))
	if to != o.email {
		o.wantEmail(to)
		o.email = to
	}
	_, err := o.k.Accounts.Emails.Verify(o.t.Context(), o.viewer(), account.VerifyEmailParams{Code: o.k.LastCode(o.t, to)})
	o.ok(err)
	if to == o.holder {
		o.want()
	} else {
		o.wantEmail(to)
	}
	o.holder = to
	o.undo(to)
}

func (o *owned) changePassword() {
	if o.password == "" { // an address was taken back
		return
	}
	fresh := fmt.Sprintf("another horse %d", o.steps)
	_, err := o.k.Accounts.Credentials.ChangePassword(o.t.Context(), o.viewer(), account.ChangePasswordParams{OldPassword: o.password, NewPassword: fresh})
	o.ok(err)
	o.password = fresh
	o.want(o.both("The password of your account was changed", "")...)
}

// failToLink fails behind the report, when it makes a new session.
func (o *owned) failToLink(random *brittle) {
	random.broken.Store(true)
	_, err := o.k.Accounts.Credentials.ConnectFacebook(o.t.Context(), o.viewer(), account.FacebookParams{FacebookID: "fails", FacebookToken: "fails"})
	random.broken.Store(false)
	if err == nil || len(ways(o.t, o.k, o.id)) != 2 {
		o.r.Fatalf("it did not fail: %v", err)
	}
	o.want()
}

func (o *owned) changePhone() {
	to := fmt.Sprintf("+8210%04d%04d", 3000+o.id, o.steps)
	_, err := o.k.Accounts.Profiles.ChangePhone(o.t.Context(), o.viewer(), account.ChangePhoneParams{Phone: to, Code: o.k.SMSCode(o.t, to)})
	o.ok(err)
	o.want(o.both("The phone number of your account was changed", "")...)
	o.phone = to
}

func (o *owned) takeBack(l revertLink) {
	err := revert(o.t, o.k, l.token)
	if !l.works {
		if !apperr.Is(err, apperr.CodeInvalid) {
			o.r.Fatalf("a link that was used or undone: %v", err)
		}
		o.want()
		return
	}
	o.ok(err)
	o.want(o.both("The e-mail address of your account was taken back by whoever had it before", "")...)
	o.undo(l.address)
	o.holder, o.email, o.password = l.address, l.address, ""
	u := o.k.User(o.t, o.id)
	if held := ways(o.t, o.k, o.id); text.NormalizeEmail(*u.Email) != l.address || !slices.Contains(held, "email "+l.address) {
		o.r.Fatalf("the account has %s and is found by %v, want %s", *u.Email, held, l.address)
	}
}

// TestOneReportAChange draws changes and links that take them back: each change is reported
// once to the address and once to the phone that stood before, what fails is not, and a
// link works until it, or one from before it, is used. Whoever had the account at first
// always has it or a way back.
func TestOneReportAChange(t *testing.T) {
	t.Parallel()
	random := &brittle{}
	k := accounttest.New(t, accounttest.WithRandom(random))
	k.Facebook.Add("fails", auth.Profile{Subject: "fails"})
	accounts := 0
	rapid.Check(t, func(r *rapid.T) {
		accounts++
		address := func(i int) string { return fmt.Sprintf("mail%d.%d@lux.example", i, accounts) }
		o := &owned{t: t, k: k, r: r, holder: address(0), email: address(0), phone: fmt.Sprintf("+8210%08d", 20000000+accounts), password: password}
		o.id = k.SignUp(t, o.holder, o.phone).User.ID
		_, o.newest = reportsSince(t, k, 0)
		for o.steps = range rapid.IntRange(3, 12).Draw(r, "steps") {
			to := address(rapid.IntRange(0, 2).Draw(r, "address"))
			switch rapid.SampledFrom([]string{"email", "email", "verify", "password", "phone", "fail", "take back", "take back"}).Draw(r, "step") {
			case "email":
				o.changeEmail(to)
			case "verify":
				o.verify(to)
			case "password":
				o.changePassword()
			case "phone":
				o.changePhone()
			case "fail":
				o.failToLink(random)
			case "take back":
				if len(o.links) > 0 {
					o.takeBack(rapid.SampledFrom(o.links).Draw(r, "link"))
				}
			}
			canTakeBack := func(l revertLink) bool { return l.works && l.address == address(0) }
			if o.holder != address(0) && !slices.ContainsFunc(o.links, canTakeBack) {
				r.Fatalf("who had the account at first has no way back: it has %s", o.holder)
			}
		}
	})
}
