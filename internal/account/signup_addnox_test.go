package account_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"luxbff/ent/vocab"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/testutil/accounttest"
)

func TestAddnoxSignUp(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	accounttest.WantKind(t, k.Accounts.AddnoxSignUps.Check(t.Context(), email), apperr.UserNotFound)
	_, err := k.Accounts.AddnoxSignUps.EmailUserID(t.Context(), email)
	accounttest.WantKind(t, err, apperr.UserIDNotResolved)
	begin := func(email, password string) (int, error) {
		return k.Accounts.AddnoxSignUps.Begin(t.Context(), account.BeginSignUpParams{Email: email, Password: password})
	}
	_, err = begin("a@b", password)
	accounttest.WantKind(t, err, apperr.EmailNotValid)
	_, err = begin(email, "weak")
	accounttest.WantKind(t, err, apperr.BadRequest)
	id, err := begin(email, password)
	accounttest.OK(t, err)
	again, err := begin("PARENT@lux.example ", password)
	accounttest.OK(t, err)
	found, err := k.Accounts.AddnoxSignUps.EmailUserID(t.Context(), email)
	accounttest.OK(t, err)
	if again != id || found != id {
		t.Errorf("email_user_id %d, then %d, found %d", id, again, found)
	}
	accounttest.WantKind(t, k.Accounts.AddnoxSignUps.Check(t.Context(), email), apperr.UserNotFound)
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: "another password 1"})
	accounttest.WantKind(t, err, apperr.PasswordInvalid)
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	accounttest.WantKind(t, err, apperr.SignUpNotCompleted)

	complete := account.CompleteSignUpParams{ValidToken: k.ValidToken(t, phone), EmailUserID: id, Email: email, Person: accounttest.Person(phone)}
	for name, tc := range map[string]struct {
		spoil func(*account.CompleteSignUpParams)
		want  apperr.Kind
	}{
		"no token":     {func(p *account.CompleteSignUpParams) { p.ValidToken = "" }, apperr.NotAuthenticated},
		"forged token": {func(p *account.CompleteSignUpParams) { p.ValidToken = "forged" }, apperr.NotAuthenticated},
		"unknown id":   {func(p *account.CompleteSignUpParams) { p.EmailUserID = 999 }, apperr.UserNotFound},
		"other e-mail": {func(p *account.CompleteSignUpParams) { p.Email = "other@lux.example" }, apperr.UserNotFound},
		"born never":   {func(p *account.CompleteSignUpParams) { p.Birthdate = "" }, apperr.BadRequest},
	} {
		p := complete
		tc.spoil(&p)
		if _, err := k.Accounts.AddnoxSignUps.Complete(t.Context(), p); !apperr.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want.New())
		}
	}
	done, err := k.Accounts.AddnoxSignUps.Complete(t.Context(), complete)
	accounttest.OK(t, err)
	if done.User.RegisterType != vocab.RegisteredByEmail {
		t.Errorf("%v", done.User)
	}
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	accounttest.OK(t, err)
	accounttest.OK(t, k.Accounts.AddnoxSignUps.Check(t.Context(), email))
	_, err = begin(email, password)
	accounttest.WantKind(t, err, apperr.SameEmailRegistered)
	complete.Phone = "+821011112222"
	complete.ValidToken = k.ValidToken(t, complete.Phone)
	_, err = k.Accounts.AddnoxSignUps.Complete(t.Context(), complete)
	accounttest.WantKind(t, err, apperr.UserNotFound)
}

// Nobody can change the password of a sign-up that another began (edge answers of the
// contract).
func TestAddnoxSignUpsOfOneEmail(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	signUps := k.Accounts.AddnoxSignUps
	const theirs = "somebody else 1"
	begin := func(password string) int {
		t.Helper()
		id, err := signUps.Begin(t.Context(), account.BeginSignUpParams{Email: email, Password: password})
		accounttest.OK(t, err)
		return id
	}
	wantNewest := func(want int) {
		t.Helper()
		if id, err := signUps.EmailUserID(t.Context(), email); err != nil || id != want {
			t.Errorf("the newest is %d, want %d (%v)", id, want, err)
		}
	}
	ours := begin(password)
	other := begin(theirs)
	wantNewest(other)
	if third := begin("a third password 1"); third == ours || third == other || begin(password) != ours || begin(theirs) != other {
		t.Errorf("sign-ups %d, %d and %d", ours, other, third)
	} else {
		wantNewest(third)
	}
	for _, each := range []string{password, theirs} {
		_, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: each})
		accounttest.WantKind(t, err, apperr.SignUpNotCompleted)
	}
	_, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: "nobody's 1"})
	accounttest.WantKind(t, err, apperr.PasswordInvalid)

	complete := func(id int, phone string) error {
		_, err := signUps.Complete(t.Context(), account.CompleteSignUpParams{
			ValidToken: k.ValidToken(t, phone), EmailUserID: id, Email: email, Person: accounttest.Person(phone),
		})
		return err
	}
	accounttest.OK(t, complete(ours, phone))
	wantNewest(ours)
	accounttest.WantKind(t, complete(other, "+821011112222"), apperr.UserNotFound)
	if n := k.Store.Read().Identity.Query().CountX(t.Context()); n != 2 {
		t.Errorf("%d identities, want the e-mail and the phone of the account", n)
	}
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	accounttest.OK(t, err)
	for _, each := range []string{password, theirs} {
		_, err := signUps.Begin(t.Context(), account.BeginSignUpParams{Email: email, Password: each})
		accounttest.WantKind(t, err, apperr.SameEmailRegistered)
	}
}

// Sign-ups that begin at once are as many as their passwords, and of those that complete
// at once one makes the account.
func TestAddnoxSignUpsAtOnce(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	passwords := []string{password, "somebody else 1", "a third password 1"}
	ids := make([]int, 3*len(passwords))
	var running sync.WaitGroup
	for i := range ids {
		running.Go(func() {
			id, err := k.Accounts.AddnoxSignUps.Begin(t.Context(), account.BeginSignUpParams{
				Email: email, Password: passwords[i%len(passwords)],
			})
			accounttest.OK(t, err)
			ids[i] = id
		})
	}
	running.Wait()
	for i, id := range ids {
		if first := i % len(passwords); id != ids[first] {
			t.Errorf("one password has the sign-ups %d and %d", ids[first], id)
		}
	}
	complete := make([]account.CompleteSignUpParams, len(passwords))
	for i := range complete {
		phone := fmt.Sprintf("+82101234567%d", i)
		complete[i] = account.CompleteSignUpParams{
			ValidToken: k.ValidToken(t, phone), EmailUserID: ids[i], Email: email, Person: accounttest.Person(phone),
		}
	}
	var made atomic.Int32
	for _, p := range complete {
		running.Go(func() {
			switch _, err := k.Accounts.AddnoxSignUps.Complete(t.Context(), p); {
			case err == nil:
				made.Add(1)
			case !apperr.Is(err, apperr.UserNotFound):
				t.Errorf("%v", err)
			}
		})
	}
	running.Wait()
	if n := k.Store.Read().Identity.Query().CountX(t.Context()); made.Load() != 1 || n != 2 {
		t.Errorf("%d accounts with %d identities, want 1 with 2", made.Load(), n)
	}
}

func TestLuxSignUpTakesOverAnIncompleteOne(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	_, err := k.Accounts.AddnoxSignUps.Begin(t.Context(), account.BeginSignUpParams{Email: email, Password: "somebody else 1"})
	accounttest.OK(t, err)
	k.SignUp(t, email, phone)
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: "somebody else 1"})
	accounttest.WantKind(t, err, apperr.PasswordInvalid)
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	accounttest.OK(t, err)
}
