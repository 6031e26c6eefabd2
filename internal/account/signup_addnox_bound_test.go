package account_test

import (
	"fmt"
	"testing"

	"luxbff/ent/identity"
	"luxbff/internal/account"
	"luxbff/internal/testutil/accounttest"
	"luxbff/internal/text"
)

// TestSignUpsThatAreNotCompleteAreBounded begins with one e-mail again and again, under
// another password each time, as whoever wants to fill the table does.
func TestSignUpsThatAreNotCompleteAreBounded(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	begin := func(email, password string) (id int) {
		id, err := k.Accounts.AddnoxSignUps.Begin(t.Context(), account.BeginSignUpParams{Email: email, Password: password})
		accounttest.OK(t, err)
		return id
	}
	first, other := begin(email, "password 0"), begin("other@lux.example", password)
	var newest int
	for i := range account.MaxBegunSignUps + 2 {
		newest = begin(email, fmt.Sprintf("password %d", i+1))
	}
	kept := k.Store.Read().Identity.Query().Where(identity.Subject(text.NormalizeEmail(email))).IDsX(t.Context())
	if len(kept) != account.MaxBegunSignUps || kept[len(kept)-1] != newest {
		t.Errorf("%d sign-ups are kept: %v", len(kept), kept)
	}
	if again := begin("other@lux.example", password); again != other {
		t.Errorf("the sign-up of another e-mail is %d now, it was %d", again, other)
	}
	if again := begin(email, "password 0"); again <= newest || again == first {
		t.Errorf("the first sign-up, which went, is %d again", again)
	}
}
