package auth_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/message"
	"luxbff/internal/ratelimit"
	"luxbff/internal/testutil/accounttest"
)

// TestAFloodAtOneAccountLeavesStrangersAlone has as many calls of one account wait as may:
// the next is refused, with nothing counted as a guess, while a stranger is served.
func TestAFloodAtOneAccountLeavesStrangersAlone(t *testing.T) {
	t.Parallel()
	var bounds []auth.HashBound
	k := accounttest.New(t, func(cfg *auth.Config, _ *message.Config) {
		cfg.OnHashRefused = func(bound auth.HashBound) { bounds = append(bounds, bound) }
	})
	auth.TwoHashSlots(k.Auth.Passwords)
	v := k.Parent(t)
	k.SignUp(t, "stranger@lux.example", "+821011112222")
	release := auth.FillHashes(k.Auth.Passwords, auth.AccountKey(v.RootUserID()))
	if waiting := k.Auth.Passwords.Waiting(); waiting != 16 {
		t.Errorf("%d calls wait", waiting)
	}
	before := k.User(t, v.RootUserID())
	for name, call := range hashingCalls(t, k, v.RootUserID()) {
		err := apperr.From(call())
		if err == nil || err.Kind != apperr.TooManyRequests || err.RetryAfter() != time.Second {
			t.Errorf("%s: %v", name, err)
		}
	}
	if diff := cmp.Diff(before.String(), k.User(t, v.RootUserID()).String()); diff != "" {
		t.Errorf("refused calls changed the account (-before +after):\n%s", diff)
	}
	for _, bound := range bounds {
		if bound != auth.HashesOfAccount {
			t.Errorf("refused for %s", bound)
		}
	}
	_, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: "stranger@lux.example", Password: password})
	accounttest.OK(t, err)
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: "nobody@lux.example", Password: password})
	accounttest.WantKind(t, err, apperr.UserNotFound)
	release()
	_, err = k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	accounttest.OK(t, err)
}

// hashingCalls are the calls that hash a password for an account that exists.
func hashingCalls(t *testing.T, k *accounttest.Kit, id int) map[string]func() error {
	t.Helper()
	tokens, err := k.Auth.Sessions.Start(t.Context(), id, 0)
	accounttest.OK(t, err)
	v := k.Viewer(t, tokens)
	accounttest.OK(t, k.Accounts.Recovery.RequestPasswordReset(t.Context(), account.RequestPasswordResetParams{Email: email}))
	_, reset, _ := strings.Cut(k.LastMessage(t, strings.ToLower(email)).Text, "token=")
	return map[string]func() error{
		"sign-in": func() error {
			_, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
			return err
		},
		"wrong sign-in": func() error {
			_, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: "wrong 123"})
			return err
		},
		"change": func() error {
			_, err := k.Accounts.Credentials.ChangePassword(t.Context(), v, account.ChangePasswordParams{OldPassword: password, NewPassword: "another 1"})
			return err
		},
		"local id": func() error {
			_, err := k.Accounts.Credentials.CreateLocal(t.Context(), v, account.CreateLocalCredentialParams{LocalID: "parent1", Password: password})
			return err
		},
		"reset": func() error {
			return k.Accounts.Recovery.ResetPassword(t.Context(), account.ResetPasswordParams{Token: reset, NewPassword: "another 1"})
		},
	}
}

// TestNothingIsHashedInVain fills the queue, so that whoever has a password hashed is
// refused: what can be refused for its own sake is refused before.
func TestNothingIsHashedInVain(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	k.RegisterLocal(t, "taken1")
	blocked := k.SignUp(t, "blocked@lux.example", "+821011110001")
	for range 10 {
		_, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: "blocked@lux.example", Password: "wrong 123"})
		accounttest.WantKind(t, err, apperr.PasswordInvalid)
	}
	john := k.John(t)
	expired, used := k.ValidToken(t, "+821011110002"), k.ValidToken(t, "+821011110003")
	k.Clock.Add(10 * time.Minute)
	valid := k.ValidToken(t, "+821011110004")
	_, err := k.Accounts.AddnoxSignUps.Begin(t.Context(), account.BeginSignUpParams{Email: "begun@lux.example", Password: password})
	accounttest.OK(t, err)
	calls := hashingCalls(t, k, v.RootUserID())
	release := auth.FillAllHashes(k.Auth.Passwords)
	defer release()

	signIn := func(email, password string) error {
		_, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
		return err
	}
	signUp := func(validToken, email, phone, password string) error {
		p := accounttest.SignUpParams(validToken, email, phone)
		p.Password = password
		_, err := k.Accounts.SignUps.ByEmail(t.Context(), p)
		return err
	}
	begin := func(email, password string) error {
		_, err := k.Accounts.AddnoxSignUps.Begin(t.Context(), account.BeginSignUpParams{Email: email, Password: password})
		return err
	}
	register := func(localID, password string) error {
		_, err := k.Accounts.SignUps.ByLocalID(t.Context(), account.RegisterLocalParams{LocalID: localID, Password: password})
		return err
	}
	createLocal := func(localID, password string) error {
		_, err := k.Accounts.Credentials.CreateLocal(t.Context(), john, account.CreateLocalCredentialParams{LocalID: localID, Password: password})
		return err
	}
	change := func(v auth.Tokens, fresh string) error {
		_, err := k.Accounts.Credentials.ChangePassword(t.Context(), k.Viewer(t, v), account.ChangePasswordParams{OldPassword: password, NewPassword: fresh})
		return err
	}
	for name, tc := range map[string]struct {
		err  error
		want apperr.Kind
	}{
		"sign-in while blocked":             {signIn("blocked@lux.example", password), apperr.AccountBlocked},
		"sign-in without a password":        {signIn(email, ""), apperr.PasswordInvalid},
		"sign-in by what is no password":    {signIn(email, strings.Repeat("long 1", 1000)), apperr.PasswordInvalid},
		"the same for an unknown e-mail":    {signIn("nobody@lux.example", strings.Repeat("long 1", 1000)), apperr.UserNotFound},
		"the same for a begun sign-up":      {signIn("begun@lux.example", ""), apperr.PasswordInvalid},
		"sign-up with a taken e-mail":       {signUp(valid, email, "+821011110004", password), apperr.SameEmailIsRegistered},
		"sign-up with another's phone":      {signUp(valid, "new@lux.example", "+821011110003", password), apperr.SignUpTokenInvalid},
		"sign-up with an old valid_token":   {signUp(expired, "new@lux.example", "+821011110002", password), apperr.SignUpTokenInvalid},
		"sign-up with a late valid_token":   {signUp(used, "new@lux.example", "+821011110003", password), apperr.SignUpTokenInvalid},
		"sign-up with a weak password":      {signUp(valid, "new@lux.example", "+821011110004", "weak"), apperr.BadRequest},
		"sign-up with no e-mail":            {signUp(valid, "new@", "+821011110004", password), apperr.EmailNotValid},
		"pre-signup with a taken e-mail":    {begin(email, password), apperr.SameEmailRegistered},
		"pre-signup with a weak password":   {begin("new@lux.example", "weak"), apperr.BadRequest},
		"registration with a taken id":      {register("TAKEN1", localPassword), apperr.LocalIDTaken},
		"registration with no id":           {register("x", localPassword), apperr.LocalIDMalformed},
		"registration with a weak password": {register("fresh1", "weak"), apperr.PasswordMalformed},
		"local id that is taken":            {createLocal("taken1", localPassword), apperr.LocalIDTaken},
		"change while blocked":              {change(blocked.Tokens, "another 1"), apperr.AccountBlocked},
		"change to a weak password":         {change(blocked.Tokens, "weak"), apperr.PasswordMalformed},
		"reset by a forged link":            {k.Accounts.Recovery.ResetPassword(t.Context(), account.ResetPasswordParams{Token: "forged", NewPassword: "another 1"}), apperr.CodeInvalid},

		"sign-up":          {signUp(valid, "new@lux.example", "+821011110004", password), apperr.Unavailable},
		"pre-signup":       {begin("new@lux.example", password), apperr.Unavailable},
		"pre-signup again": {begin("begun@lux.example", password), apperr.Unavailable},
		"registration":     {register("fresh1", localPassword), apperr.Unavailable},
		"local id":         {createLocal("fresh1", localPassword), apperr.Unavailable},
		"unknown e-mail":   {signIn("nobody@lux.example", password), apperr.Unavailable},
		"begun sign-up":    {signIn("begun@lux.example", password), apperr.Unavailable},
	} {
		known := apperr.From(tc.err)
		if known == nil || known.Kind != tc.want || known.RetryAfter() > 0 != (tc.want == apperr.Unavailable) {
			t.Errorf("%s: %v, want %v", name, accounttest.Cause(tc.err), tc.want.New())
		}
	}
	for name, call := range calls {
		if err := call(); !apperr.Is(err, apperr.Unavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHashesOfOneAccountAreCounted, whichever way they are asked for and whoever asks.
func TestHashesOfOneAccountAreCounted(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t, func(cfg *auth.Config, _ *message.Config) { cfg.Limits = ratelimit.New(cfg.Clock) })
	id := k.Parent(t).RootUserID()
	signIn := func(ctx context.Context, email string) error {
		_, err := k.Auth.SignIn(ctx, auth.SignInParams{Email: email, Password: password})
		return err
	}
	create := func() error {
		// Each sign-in below ends the oldest session beyond those that an account may have.
		tokens, err := k.Auth.Sessions.Start(t.Context(), id, 0)
		accounttest.OK(t, err)
		v := k.Viewer(t, tokens)
		_, err = k.Accounts.Credentials.CreateLocal(t.Context(), v, account.CreateLocalCredentialParams{LocalID: "parent1", Password: password})
		return err
	}
	for i := range 120 {
		accounttest.OK(t, signIn(clientOf(t, i), email))
	}
	for range 2 { // a refused one costs nothing
		err := apperr.From(create())
		if err == nil || err.Kind != apperr.TooManyRequests || err.RetryAfter() != 2*time.Second {
			t.Fatalf("got %v", err)
		}
	}
	accounttest.WantKind(t, signIn(t.Context(), "nobody@lux.example"), apperr.UserNotFound)
	k.Clock.Add(2 * time.Second)
	accounttest.OK(t, create())
	accounttest.WantKind(t, signIn(t.Context(), email), apperr.TooManyRequests)
}

// clientOf gives a context of one of many clients.
func clientOf(t *testing.T, n int) context.Context {
	t.Helper()
	return ratelimit.WithClient(t.Context(), netip.AddrFrom4([4]byte{10, 0, 0, byte(n)}))
}
