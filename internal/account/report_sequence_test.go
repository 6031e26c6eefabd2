package account_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/testutil/accounttest"
	"luxbff/internal/text"
	"luxbff/internal/viewer"
)

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
