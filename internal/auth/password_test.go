package auth_test

import (
	"context"
	"strings"
	"testing"

	"github.com/alexedwards/argon2id"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/accounttest"
)

// accented is a password as most keyboards type it; norm.NFD gives what others type.
const accented = "비밀번호 café 1"

// storeRawHash makes the account's password hash one of the exact bytes, as hashes were
// made before passwords were brought to one form.
func storeRawHash(t *testing.T, k *accounttest.Kit, id int, password string) {
	t.Helper()
	cheap := &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}
	hash, err := argon2id.CreateHash(password, cheap)
	accounttest.OK(t, err)
	k.Write(t, func(ctx context.Context, tx *store.Tx) error {
		return tx.User.UpdateOneID(id).SetPasswordHash(hash).Exec(ctx)
	})
}

// TestHashOfAnotherForm opens the account by any form of the password and is replaced,
// which ends no session and makes the password no younger.
func TestHashOfAnotherForm(t *testing.T) {
	t.Parallel()
	for stored, typed := range map[string]string{
		norm.NFD.String(accented):     accented,
		norm.NFD.String("été été 1"):  norm.NFD.String("été été 1"),
		"no\u00a0break\u3000space 1":  "no\u00a0break\u3000space 1",
		"cafe\u0301 and caf\u00e9 11": "cafe\u0301 and caf\u00e9 11", // of no form
	} {
		k := accounttest.New(t)
		made := k.SignUp(t, email, phone)
		storeRawHash(t, k, made.User.ID, stored)
		before := k.User(t, made.User.ID)
		signIn := func(password string) error {
			_, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
			return err
		}
		accounttest.WantKind(t, signIn(typed+"x"), apperr.PasswordInvalid)
		accounttest.OK(t, signIn(typed))
		after := k.User(t, made.User.ID)
		if *after.PasswordHash == *before.PasswordHash || !after.PasswordChangedAt.Equal(*before.PasswordChangedAt) || after.CredentialVersion != before.CredentialVersion {
			t.Errorf("%+q: the hash was not replaced, or more than it", stored)
		}
		k.Viewer(t, made.Tokens)
		for _, form := range []string{norm.NFC.String(typed), norm.NFD.String(typed), strings.NewReplacer("\u00a0", " ", "\u3000", " ").Replace(typed)} {
			accounttest.OK(t, signIn(form))
		}
		accounttest.WantKind(t, signIn(typed+"x"), apperr.PasswordInvalid)
		if kept := k.User(t, made.User.ID); *kept.PasswordHash != *after.PasswordHash {
			t.Errorf("%+q: a hash of today's form was replaced", stored)
		}
	}
}

// TestRaceToReplaceAHash has several phones sign in at once by the right password, of
// which the first replaces the hash that the others have compared with.
func TestRaceToReplaceAHash(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	made := k.SignUp(t, email, phone)
	storeRawHash(t, k, made.User.ID, norm.NFD.String(accented))
	errs := testutil.Concurrently(8, func(int) error {
		_, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: accented})
		return err
	})
	if diff := cmp.Diff(map[string]int{"": len(errs)}, accounttest.CountByDetail(errs)); diff != "" {
		t.Error(diff)
	}
	if u := k.User(t, made.User.ID); u.WrongPasswords != 0 {
		t.Errorf("%d right passwords count as wrong", u.WrongPasswords)
	}
}

// TestPasswordRulesCountWhatIsHashed: a letter with its accent is one character.
func TestPasswordRulesCountWhatIsHashed(t *testing.T) {
	t.Parallel()
	decomposed := norm.NFD.String("é")
	for password, want := range map[string]struct{ strong, local bool }{
		strings.Repeat(decomposed, 7) + "1":     {true, true},
		strings.Repeat(decomposed, 6) + "1":     {false, true},
		strings.Repeat(decomposed, 127) + "1":   {true, false},
		strings.Repeat(decomposed, 128) + "1":   {false, false},
		strings.Repeat(decomposed, 19) + "1":    {true, true},
		strings.Repeat(decomposed, 20) + "1":    {true, false},
		strings.Repeat(decomposed, 4) + "1":     {false, false},
		"no\u00a0break\u00a01":                  {true, false},
		"\u0301\u0301\u0301\u0301\u0301\u03011": {false, false},
	} {
		if auth.IsStrongPassword(password) != want.strong || auth.IsLocalPassword(password) != want.local {
			t.Errorf("%+q: strong %v, local %v, want %v", password, auth.IsStrongPassword(password), auth.IsLocalPassword(password), want)
		}
	}
}

// TestEveryFormOfAPasswordIsOne draws passwords and compares the hash of one form with
// each other form.
func TestEveryFormOfAPasswordIsOne(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	rapid.Check(t, func(r *rapid.T) {
		password := rapid.StringOfN(rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune("ée\u0301각가\u11a8 \u00a0Åẛ̣"))), 1, 20, -1).Draw(r, "password")
		hash, err := k.Auth.Passwords.Hash(t.Context(), auth.EmailKey(email), password)
		accounttest.OK(t, err)
		for _, form := range []string{password, norm.NFC.String(password), norm.NFD.String(password)} {
			same, err := k.Auth.Passwords.Compare(t.Context(), auth.EmailKey(email), form, &hash)
			accounttest.OK(t, err)
			if !same {
				r.Errorf("%+q is not %+q", form, password)
			}
		}
		same, err := k.Auth.Passwords.Compare(t.Context(), auth.EmailKey(email), password+"x", &hash)
		accounttest.OK(t, err)
		if same {
			r.Errorf("%+q is %+q", password+"x", password)
		}
	})
}

// TestDecoyCostsWhatAHashCosts holds that where there is no account a password is compared
// with a hash of the same cost as any other, and that this is no password's, not even that
// of the empty text.
func TestDecoyCostsWhatAHashCosts(t *testing.T) {
	t.Parallel()
	passwords := accounttest.New(t).Auth.Passwords
	decoy := auth.Decoy(passwords)
	hash, err := passwords.Hash(t.Context(), auth.EmailKey(email), accented)
	accounttest.OK(t, err)
	want, wantSalt, wantKey, err := argon2id.DecodeHash(hash)
	accounttest.OK(t, err)
	got, salt, key, err := argon2id.DecodeHash(decoy)
	accounttest.OK(t, err)
	if diff := cmp.Diff(want, got); diff != "" || len(salt) != len(wantSalt) || len(key) != len(wantKey) {
		t.Errorf("the decoy %s costs something else than %s", decoy, hash)
	}
	for _, password := range []string{"", accented} {
		if same, err := argon2id.ComparePasswordAndHash(password, decoy); same || err != nil {
			t.Errorf("the decoy is the hash of %q: %v, %v", password, same, err)
		}
	}
	if another := auth.Decoy(accounttest.New(t).Auth.Passwords); another == decoy {
		t.Error("the decoy is known beforehand")
	}
}
