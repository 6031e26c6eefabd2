package account_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
)

func TestRaceOfARefreshToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := w.signUp(t, email, phone).Tokens
	errs := together(func(int) error {
		_, err := w.auth.Sessions.Refresh(t.Context(), tokens.RefreshToken)
		return err
	})
	if diff := cmp.Diff(map[string]int{"": 1, "Refresh token is not valid": 15}, tally(errs)); diff != "" {
		t.Error(diff)
	}
	_, err := w.auth.Sessions.Authenticate(t.Context(), tokens.AccessToken)
	want(t, err, apperr.Unauthenticated)
}

func TestRaceForAnEmail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	valid := make([]string, 16)
	number := func(i int) string { return fmt.Sprintf("+8210123400%02d", i) }
	for i := range valid {
		valid[i] = w.validToken(t, number(i))
	}
	errs := together(func(i int) error {
		_, err := w.SignUps.ByEmail(t.Context(), signUpParams(valid[i], email, number(i)))
		return err
	})
	if diff := cmp.Diff(map[string]int{"": 1, "Same email is already registered": 15}, tally(errs)); diff != "" {
		t.Error(diff)
	}
	ctx := t.Context()
	if users, phones := w.store.Read().User.Query().CountX(ctx), w.store.Read().Identity.Query().CountX(ctx); users != 1 || phones != 2 {
		t.Errorf("%d accounts and %d identities are left", users, phones)
	}
	// The losers' valid_tokens are still good.
	for i, err := range errs {
		if err != nil {
			_, err = w.SignUps.ByEmail(ctx, signUpParams(valid[i], "late@lux.example", number(i)))
			ok(t, err)
			break
		}
	}
}

func TestRaceForAValidToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	valid := w.validToken(t, phone)
	errs := together(func(i int) error {
		_, err := w.SignUps.ByEmail(t.Context(), signUpParams(valid, fmt.Sprintf("p%d@lux.example", i), phone))
		return err
	})
	if got := tally(errs); got[""] != 1 || got["Token is invalid"]+got["Phone number is already registered"] != 15 {
		t.Errorf("%v", got)
	}
}

func TestRaceToGuessACode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.smsCode(t, phone)
	errs := together(func(int) error {
		_, err := w.auth.Codes.VerifySMS(t.Context(), auth.VerifySMSParams{Phone: phone, Code: other(code)})
		return err
	})
	if diff := cmp.Diff(map[string]int{"Validation code is invalid": 16}, tally(errs)); diff != "" {
		t.Error(diff)
	}
	if row := w.store.Read().VerificationCode.Query().OnlyX(t.Context()); row.Tries != 5 {
		t.Errorf("%d tries were counted, want 5", row.Tries)
	}
	_, err := w.auth.Codes.VerifySMS(t.Context(), auth.VerifySMSParams{Phone: phone, Code: code})
	want(t, err, apperr.CodeInvalid)
}

func TestRaceToUseACode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.smsCode(t, phone)
	errs := together(func(int) error {
		_, err := w.auth.Codes.VerifySMS(t.Context(), auth.VerifySMSParams{Phone: phone, Code: code})
		return err
	})
	if diff := cmp.Diff(map[string]int{"": 1, "Validation code is invalid": 15}, tally(errs)); diff != "" {
		t.Error(diff)
	}
}

func TestRaceToGuessAPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signUp(t, email, phone)
	errs := together(func(int) error {
		_, err := w.auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: "wrong 1"})
		return err
	})
	if diff := cmp.Diff(map[string]int{"Password is invalid": 10, "Access denied. Account blocked": 6}, tally(errs)); diff != "" {
		t.Error(diff)
	}
}

func TestRaceForALocalID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	errs := together(func(int) error {
		_, err := w.SignUps.ByLocalID(t.Context(), account.RegisterLocalParams{LocalID: "abcd1234", Password: localPassword})
		return err
	})
	if diff := cmp.Diff(map[string]int{"": 1, "Id is already taken": 15}, tally(errs)); diff != "" {
		t.Error(diff)
	}
}

func TestRaceToSignInWithANewFacebookAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.facebook.add("john's", auth.Profile{Subject: "1017"})
	errs := together(func(int) error {
		_, err := w.SignUps.SignInWithFacebook(t.Context(), facebook("1017", "john's"))
		return err
	})
	if diff := cmp.Diff(map[string]int{"": 16}, tally(errs)); diff != "" {
		t.Error(diff)
	}
	if n := w.store.Read().User.Query().CountX(t.Context()); n != 1 {
		t.Errorf("%d accounts were made", n)
	}
}

func TestRaceToResetAPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signUp(t, email, phone)
	token := w.resetToken(t)
	errs := together(func(i int) error {
		return w.Recovery.ResetPassword(t.Context(), account.ResetPasswordParams{Token: token, NewPassword: fmt.Sprintf("another horse %d", i)})
	})
	if diff := cmp.Diff(map[string]int{"": 1, "Validation code is invalid": 15}, tally(errs)); diff != "" {
		t.Error(diff)
	}
}

func TestRaceToDeleteAnAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.facebook.add("john's", auth.Profile{Subject: "1017"})
	v := w.john(t)
	errs := together(func(int) error { return w.Delete(t.Context(), v, account.DeleteAccountParams{}) })
	if diff := cmp.Diff(map[string]int{"": 1, "User is Deleted": 15}, tally(errs)); diff != "" {
		t.Error(diff)
	}
}
