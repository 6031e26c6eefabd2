package account_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"luxbff/ent/identity"
	"luxbff/ent/verificationcode"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/store"
	"luxbff/internal/testutil/accounttest"
	"luxbff/internal/text"
	"luxbff/internal/viewer"
)

// ways are the ways by which the account is found, as stored.
func ways(t *testing.T, k *accounttest.Kit, id int) []string {
	t.Helper()
	held, err := k.Auth.Identities.OfUser(t.Context(), k.Store.Read(), id)
	accounttest.OK(t, err)
	var found []string
	for _, one := range held {
		found = append(found, one.Provider.String()+" "+one.Subject)
	}
	slices.Sort(found)
	return found
}

// TestResetTakesAnAccountBack follows a stranger who signs up with somebody else's address
// and adds ways in, until the owner of the mailbox resets the password.
func TestResetTakesAnAccountBack(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	stranger := k.Parent(t)
	long := addStrangersWays(t, k, stranger)
	accounttest.OK(t, k.Accounts.Recovery.ResetPassword(t.Context(), account.ResetPasswordParams{Token: resetToken(t, k), NewPassword: "the owner's 1"}))

	u := k.User(t, stranger.RootUserID())
	if !u.IsEmailVerified || *u.Email != email || u.Phone == nil {
		t.Errorf("the account is %v", u)
	}
	if diff := cmp.Diff([]string{"email " + strings.ToLower(email), "phone " + phone}, ways(t, k, u.ID)); diff != "" {
		t.Errorf("ways in (-want +got):\n%s", diff)
	}
	_, err := k.Auth.Sessions.Authenticate(t.Context(), long.AccessToken)
	accounttest.WantKind(t, err, apperr.Unauthenticated)
	_, err = k.Auth.SignInLocal(t.Context(), auth.SignInLocalParams{LocalID: "stranger1", Password: password})
	accounttest.WantKind(t, err, apperr.NoSuchLocalID)
	_, err = k.Auth.SignInSocial(t.Context(), auth.SocialParams{Provider: "facebook", Credential: auth.Credential{Token: "stranger's"}})
	accounttest.WantKind(t, err, apperr.SignUpFirst)
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	accounttest.WantKind(t, err, apperr.PasswordInvalid)
	owner, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: "the owner's 1"})
	accounttest.OK(t, err)

	// The address is verified by now: what the owner adds stays at the next reset.
	_, err = k.Accounts.Credentials.CreateLocal(t.Context(), k.Viewer(t, owner.Tokens), account.CreateLocalCredentialParams{LocalID: "owner1", Password: "the owner's 1"})
	accounttest.OK(t, err)
	accounttest.OK(t, k.Accounts.Recovery.ResetPassword(t.Context(), account.ResetPasswordParams{Token: resetToken(t, k), NewPassword: "the owner's 2"}))
	if diff := cmp.Diff([]string{"email " + strings.ToLower(email), "local owner1", "phone " + phone}, ways(t, k, u.ID)); diff != "" {
		t.Errorf("ways in after the second reset (-want +got):\n%s", diff)
	}
}

// addStrangersWays links Facebook, a local id and a long-lived token to the account.
func addStrangersWays(t *testing.T, k *accounttest.Kit, v viewer.Viewer) auth.Tokens {
	t.Helper()
	k.Facebook.Add("stranger's", auth.Profile{Subject: "666"})
	_, err := k.Accounts.Credentials.ConnectFacebook(t.Context(), v, account.FacebookParams{FacebookID: "666", FacebookToken: "stranger's"})
	accounttest.OK(t, err)
	done, err := k.Accounts.Credentials.CreateLocal(t.Context(), v, account.CreateLocalCredentialParams{
		LocalID: "stranger1", Password: password, Style: auth.LongLivedToken,
	})
	accounttest.OK(t, err)
	return *done.Tokens
}

// TestNobodyAddsAWayInAfterAReset has calls whose token was checked before the reset, and
// which the lock let through only after it.
func TestNobodyAddsAWayInAfterAReset(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	stranger := k.Parent(t)
	withLongLived := viewer.Viewer{User: k.User(t, stranger.RootUserID())}
	k.Facebook.Add("stranger's", auth.Profile{Subject: "666"})
	accounttest.OK(t, k.Accounts.Recovery.ResetPassword(t.Context(), account.ResetPasswordParams{Token: resetToken(t, k), NewPassword: "secret123"}))
	owner, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: "secret123"})
	accounttest.OK(t, err)
	before := ways(t, k, stranger.RootUserID())
	for _, v := range []viewer.Viewer{stranger, withLongLived} {
		_, err := k.Accounts.Credentials.ConnectFacebook(t.Context(), v, account.FacebookParams{FacebookID: "666", FacebookToken: "stranger's"})
		accounttest.WantKind(t, err, apperr.Unauthenticated)
		_, err = k.Accounts.Credentials.CreateLocal(t.Context(), v, account.CreateLocalCredentialParams{LocalID: "stranger1", Password: "secret123"})
		accounttest.WantKind(t, err, apperr.Unauthenticated)
		_, err = k.Accounts.Emails.Verify(t.Context(), v, account.VerifyEmailParams{Code: "123456"})
		accounttest.WantKind(t, err, apperr.Unauthenticated)
	}
	if diff := cmp.Diff(before, ways(t, k, stranger.RootUserID())); diff != "" {
		t.Errorf("ways in (-before +after):\n%s", diff)
	}
	_, err = k.Accounts.Credentials.ConnectFacebook(t.Context(), k.Viewer(t, owner.Tokens), account.FacebookParams{FacebookID: "666", FacebookToken: "stranger's"})
	accounttest.OK(t, err)
}

// TestResetReplacesAnAddressThatIsNotVerified: a stranger's own address, which waits to be
// verified, must not stay beside the one that the owner has proved.
func TestResetReplacesAnAddressThatIsNotVerified(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	accounttest.OK(t, sendEmail(t, k, v, ptr("stranger@lux.example")))
	code := k.LastCode(t, "stranger@lux.example")
	accounttest.OK(t, k.Accounts.Recovery.ResetPassword(t.Context(), account.ResetPasswordParams{Token: resetToken(t, k), NewPassword: "the owner's 1"}))
	if u := k.User(t, v.RootUserID()); !u.IsEmailVerified || *u.Email != strings.ToLower(email) {
		t.Errorf("the account is %v", u)
	}
	owner, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: "the owner's 1"})
	accounttest.OK(t, err)
	_, err = k.Accounts.Emails.Verify(t.Context(), k.Viewer(t, owner.Tokens), account.VerifyEmailParams{Code: code})
	accounttest.WantKind(t, err, apperr.EmailCodeWrong)
}

// TestResetKeepsWhatAVerifiedAddressHas, also while a newer address waits.
func TestResetKeepsWhatAVerifiedAddressHas(t *testing.T) {
	t.Parallel()
	for _, pending := range []bool{false, true} {
		k := accounttest.New(t)
		v := k.Parent(t)
		accounttest.OK(t, verifyEmail(t, k, v, email))
		addStrangersWays(t, k, v)
		if pending {
			_, err := k.Accounts.Profiles.Update(t.Context(), v, account.UpdateUserParams{Email: ptr("later@lux.example")})
			accounttest.OK(t, err)
		}
		before, held := k.User(t, v.RootUserID()), ways(t, k, v.RootUserID())
		accounttest.OK(t, k.Accounts.Recovery.ResetPassword(t.Context(), account.ResetPasswordParams{Token: resetToken(t, k), NewPassword: "the owner's 1"}))
		after := k.User(t, v.RootUserID())
		if *after.Email != *before.Email || after.IsEmailVerified != before.IsEmailVerified {
			t.Errorf("pending %v: %v became %v", pending, before, after)
		}
		if diff := cmp.Diff(held, ways(t, k, v.RootUserID())); diff != "" {
			t.Errorf("pending %v: ways in (-before +after):\n%s", pending, diff)
		}
	}
}

// TestTheLastWayInIsKept: an account that began through a provider and lost that way at a
// reset signs in by its e-mail, and does so until a newer address is verified.
func TestTheLastWayInIsKept(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	social := k.Viewer(t, k.SocialSignUp(t, email, phone, "1017").Tokens)
	_, err := k.Accounts.Credentials.CreateLocal(t.Context(), social, account.CreateLocalCredentialParams{LocalID: "john1", Password: localPassword})
	accounttest.OK(t, err)
	accounttest.OK(t, k.Accounts.Recovery.ResetPassword(t.Context(), account.ResetPasswordParams{Token: resetToken(t, k), NewPassword: "the owner's 1"}))
	signIn := func() {
		t.Helper()
		_, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: "the owner's 1"})
		accounttest.OK(t, err)
	}
	signIn()
	_, err = k.Accounts.Profiles.Update(t.Context(), social, account.UpdateUserParams{Email: ptr("later@lux.example")})
	accounttest.OK(t, err)
	signIn()
}

// TestALinkFromBeforeAnAddressWasGivenUp is refused even if nothing has closed it, as a
// replica of the release before this one closes none.
func TestALinkFromBeforeAnAddressWasGivenUp(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	token := resetToken(t, k)
	accounttest.OK(t, verifyEmail(t, k, v, "new@lux.example"))
	k.Write(t, func(ctx context.Context, tx *store.Tx) error {
		return tx.VerificationCode.Update().Where(verificationcode.PurposeEQ(verificationcode.PurposePasswordReset)).ClearClosedAt().Exec(ctx)
	})
	before := k.User(t, v.RootUserID())
	err := k.Accounts.Recovery.ResetPassword(t.Context(), account.ResetPasswordParams{Token: token, NewPassword: "a thief's 1"})
	accounttest.WantKind(t, err, apperr.CodeInvalid)
	if after := k.User(t, v.RootUserID()); *after.PasswordHash != *before.PasswordHash {
		t.Error("the password was changed")
	}
}

// history is one account, of which it is known who has proved what.
type history struct {
	t *testing.T
	k *accounttest.Kit
	r *rapid.T
	// id is the account, name what its addresses and ids begin with.
	id         int
	name       string
	password   string
	holder     string          // the address that it signs in by
	email      string          // the address of its data
	proved     map[string]bool // addresses whose mailbox was read
	localID    string          // "" without one
	isLinked   bool
	links      []link
	passwordNo int
}

// link is a reset link and whether it has to work.
type link struct {
	token, address string
	works          bool
}

func (h *history) viewer() viewer.Viewer {
	return viewer.Viewer{User: h.k.User(h.t, h.id)}
}

func (h *history) ok(err error) {
	h.t.Helper()
	if err != nil {
		h.r.Fatalf("%v", accounttest.Cause(err))
	}
}

// endLinks is what each change has to do.
func (h *history) endLinks() {
	for i := range h.links {
		h.links[i].works = false
	}
}

func (h *history) nextPassword() string {
	h.passwordNo++
	return fmt.Sprintf("secret%d", h.passwordNo) + "xy"
}

func (h *history) verify(address string) {
	if h.k.User(h.t, h.id).IsEmailVerified {
		return
	}
	h.ok(h.k.Accounts.Emails.SendVerification(h.t.Context(), h.viewer(), account.SendEmailVerificationParams{Email: &address}))
	if address != h.email {
		h.endLinks()
	}
	h.email = address
	_, err := h.k.Accounts.Emails.Verify(h.t.Context(), h.viewer(), account.VerifyEmailParams{Code: h.k.LastCode(h.t, address)})
	h.ok(err)
	h.endLinks()
	h.holder, h.proved[address] = address, true
}

func (h *history) changeEmail(address string) {
	_, err := h.k.Accounts.Profiles.Update(h.t.Context(), h.viewer(), account.UpdateUserParams{Email: &address})
	h.ok(err)
	if address != h.email {
		h.endLinks()
	}
	h.email = address
}

func (h *history) changePassword() {
	fresh := h.nextPassword()
	_, err := h.k.Accounts.Credentials.ChangePassword(h.t.Context(), h.viewer(), account.ChangePasswordParams{OldPassword: h.password, NewPassword: fresh})
	h.ok(err)
	h.password = fresh
	h.endLinks()
}

func (h *history) addLocalID() {
	if h.localID != "" {
		return
	}
	h.localID = h.name + fmt.Sprint(h.passwordNo)
	_, err := h.k.Accounts.Credentials.CreateLocal(h.t.Context(), h.viewer(), account.CreateLocalCredentialParams{LocalID: h.localID, Password: h.password})
	h.ok(err)
	h.endLinks()
}

func (h *history) toggleLink() {
	var err error
	if h.isLinked {
		_, err = h.k.Accounts.Credentials.DisconnectFacebook(h.t.Context(), h.viewer(), auth.SessionTokens)
	} else {
		_, err = h.k.Accounts.Credentials.ConnectFacebook(h.t.Context(), h.viewer(), account.FacebookParams{FacebookID: h.name, FacebookToken: h.name})
	}
	h.ok(err)
	h.isLinked = !h.isLinked
	h.endLinks()
}

func (h *history) request() {
	h.ok(h.k.Accounts.Recovery.RequestPasswordReset(h.t.Context(), account.RequestPasswordResetParams{Email: h.holder}))
	_, escaped, _ := strings.Cut(h.k.LastMessage(h.t, h.holder).Text, "token=")
	token, err := url.QueryUnescape(escaped)
	h.ok(err)
	h.endLinks()
	h.links = append(h.links, link{token, h.holder, true})
}

// use follows a link that was mailed at any time, and holds the account to who has proved
// what.
func (h *history) use(l link) {
	fresh := h.nextPassword()
	before := h.k.User(h.t, h.id)
	err := h.k.Accounts.Recovery.ResetPassword(h.t.Context(), account.ResetPasswordParams{Token: l.token, NewPassword: fresh})
	if !l.works {
		if !apperr.Is(err, apperr.CodeInvalid) || *h.k.User(h.t, h.id).PasswordHash != *before.PasswordHash {
			h.r.Fatalf("a link from before a change: %v", err)
		}
		return
	}
	h.ok(err)
	h.password = fresh
	h.endLinks()
	if !h.proved[l.address] {
		h.proved[l.address] = true
		h.email, h.localID, h.isLinked = l.address, "", false
	}
	want := []string{"email " + l.address, "phone " + *before.Phone}
	if h.localID != "" {
		want = append(want, "local "+h.localID)
	}
	if h.isLinked {
		want = append(want, "facebook "+h.name)
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, ways(h.t, h.k, h.id)); diff != "" {
		h.r.Fatalf("ways in (-want +got):\n%s", diff)
	}
}

// TestNoLinkOutlivesAChange draws what happens to an account, and who may open it at the
// end: after a reset by the owner of the mailbox only what that owner has proved.
func TestNoLinkOutlivesAChange(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	accounts := 0
	rapid.Check(t, func(r *rapid.T) {
		accounts++
		h := &history{t: t, k: k, r: r, name: fmt.Sprintf("name%d", accounts), proved: map[string]bool{}}
		address := func(i int) string { return fmt.Sprintf("mail%d.%s@lux.example", i, h.name) }
		h.holder, h.email, h.password = address(0), address(0), password
		k.Facebook.Add(h.name, auth.Profile{Subject: h.name})
		signedIn := k.SignUp(t, h.holder, fmt.Sprintf("+8210%08d", 20000000+accounts))
		h.id = signedIn.User.ID
		for range rapid.IntRange(3, 12).Draw(r, "steps") {
			to := address(rapid.IntRange(0, 2).Draw(r, "address"))
			switch rapid.SampledFrom([]string{"verify", "email", "password", "local id", "link", "request", "request", "use", "use"}).Draw(r, "step") {
			case "verify":
				h.verify(to)
			case "email":
				h.changeEmail(to)
				if u := k.User(t, h.id); u.IsEmailVerified && text.NormalizeEmail(*u.Email) != h.holder {
					r.Fatalf("%s is verified, but the account signs in by %s", *u.Email, h.holder)
				}
			case "password":
				h.changePassword()
			case "local id":
				h.addLocalID()
			case "link":
				h.toggleLink()
			case "request":
				h.request()
			case "use":
				if len(h.links) > 0 {
					h.use(rapid.SampledFrom(h.links).Draw(r, "link"))
				}
			}
		}
		h.request()
		h.use(h.links[len(h.links)-1])
		_, err := k.Auth.Sessions.Authenticate(t.Context(), signedIn.Tokens.AccessToken)
		accounttest.WantKind(t, err, apperr.Unauthenticated)
		got, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: h.holder, Password: h.password})
		h.ok(err)
		if got.User.ID != h.id {
			r.Fatalf("the mailbox's owner signs in to account %d, want %d", got.User.ID, h.id)
		}
		linked, err := k.Auth.Identities.Find(t.Context(), k.Store.Read(), identity.ProviderFacebook, h.name)
		h.ok(err)
		if (linked != nil) != h.isLinked {
			r.Fatalf("linked is %v, want %v", linked != nil, h.isLinked)
		}
	})
}
